//! The benchmark: what one broker does in a second, and what arrives from one process in two others, how late and for
//! how much CPU. Prints Markdown; `scripts/bench` builds and runs it.
//!
//! Started again by itself as `bench node …`, it is one of the three processes.

mod broker;
mod child;
mod flood;
mod machine;
mod mesh;
mod node;
mod payload;
mod publisher;
mod spread;
mod subscriber;

use std::env;

use anyhow::{Context, bail};

/// Each measurement is repeated so often; the median is shown, with the lowest and the highest.
const PASSES: usize = 3;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = match arguments[..] {
        [] => runtime.block_on(all()),
        ["flood"] => runtime.block_on(flood()),
        ["node", name, folder] => runtime.block_on(node::run(name, folder, None)),
        ["node", name, folder, seed] => runtime.block_on(node::run(name, folder, Some(seed))),
        _ => bail!("the benchmark takes no argument but `flood`; it is run by scripts/bench"),
    };
    // A read of standard input that waits in a blocking thread must not keep a failed node from ending.
    runtime.shutdown_background();
    outcome.context("the benchmark failed")
}

async fn all() -> anyhow::Result<()> {
    println!("{}", machine::facts());
    println!("Each figure is the median of {PASSES} passes, with the lowest and the highest.\n");
    println!("{}", broker::measure()?);
    println!("{}", mesh::measure().await?);
    println!("{}", flood::measure().await?);
    Ok(())
}

async fn flood() -> anyhow::Result<()> {
    println!("{}\n", machine::facts());
    println!("{}", flood::measure().await?);
    Ok(())
}
