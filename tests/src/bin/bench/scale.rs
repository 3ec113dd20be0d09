//! Growth: more nodes in one process, at work and idle.

use anyhow::ensure;
use bellwether_tests::benchmark::{
    Measurement, Report, Spread, StatusLine, cells, count, hundredths, mebibytes, per_cent,
};
use serde_json::json;
use tokio::time::{Duration, sleep};

use crate::arguments::{Nodes, Work};
use crate::child::Child;
use crate::mesh::{MESH, Three};

/// Nodes at work: one publishes, the others subscribe. The first is what the others are compared with.
const AT_WORK: [usize; 3] = [3, 5, 9];
const BYTES: usize = 128;
const PASS_MS: u64 = 2_000;
const WARM_UP_MS: u64 = 500;
const IDLE: usize = 20;
/// Of each pass. All passes look at the same nodes.
const IDLE_PASS: Duration = Duration::from_secs(3);
/// Until nothing of the start is left to do.
const SETTLING: Duration = Duration::from_secs(2);

pub(crate) async fn measure(passes: usize, status: &StatusLine) -> anyhow::Result<Report> {
    let settings = json!({
        "payload_bytes": BYTES, "window_messages": crate::process::WINDOW, "pass_ms": PASS_MS, "idle_nodes": IDLE,
        "gossip_interval_ms": 200, "idle_pass_s": IDLE_PASS.as_secs(),
    });
    let mut report = Report::new("scale", settings);
    tell_work(&work(passes, status).await?, &mut report)?;
    tell_idle(&Idle::measure(passes, status).await?, &mut report)?;
    Ok(report)
}

/// What one pass of nodes at work has shown.
struct Pass {
    deliveries_per_s: f64,
    cpu_us_per_delivery: f64,
}

/// By how many nodes there are.
async fn work(passes: usize, status: &StatusLine) -> anyhow::Result<[Vec<Pass>; AT_WORK.len()]> {
    let mut all = AT_WORK.map(|_| Vec::new());
    for pass in 1..=passes {
        for (nodes, of_nodes) in AT_WORK.into_iter().zip(&mut all) {
            status.say(format_args!("scale: pass {pass} of {passes}: {nodes} nodes"));
            let work = Work::Flood;
            let mut child = Child::start("nodes", &Nodes { nodes, work }.words())?;
            child.answer("live").await?;
            flood(&mut child, WARM_UP_MS, nodes).await?;
            of_nodes.push(flood(&mut child, PASS_MS, nodes).await?);
        }
    }
    Ok(all)
}

async fn flood(child: &mut Child, ms: u64, nodes: usize) -> anyhow::Result<Pass> {
    let before = child.cpu_ns().await?;
    child.command(&format!("flood {BYTES} {ms}")).await?;
    let [published, elapsed_ns] = child.numbers("published").await?;
    let cpu_ns = child.cpu_ns().await? - before;
    ensure!(published > 0, "nothing was published");
    let deliveries = published as f64 * (nodes - 1) as f64;
    Ok(Pass {
        deliveries_per_s: deliveries / (elapsed_ns as f64 / 1e9),
        cpu_us_per_delivery: cpu_ns as f64 / 1e3 / deliveries,
    })
}

fn tell_work(all: &[Vec<Pass>; AT_WORK.len()], report: &mut Report) -> anyhow::Result<()> {
    report.say(format_args!(
        "Nodes in one process on one thread: one publishes messages of {BYTES} B, each other node has one subscriber; as \
         fast as all follow, and nothing is lost. Goal: CPU per delivery grows by at most 20 % from 3 to 9."
    ));
    let mut rows = vec![cells(["nodes", "deliveries/s", "CPU µs per delivery", "of 3 nodes"])];
    let [three, ..] = all;
    for (nodes, passes) in AT_WORK.into_iter().zip(all) {
        let rates: Spread = passes.iter().map(|pass| pass.deliveries_per_s).collect();
        let cpu: Spread = passes.iter().map(|pass| pass.cpu_us_per_delivery).collect();
        let pairs = passes.iter().zip(three);
        let growth: Spread = pairs
            .map(|(pass, three)| pass.cpu_us_per_delivery / three.cpu_us_per_delivery)
            .collect();
        rows.push(vec![
            nodes.to_string(),
            rates.shown(count),
            cpu.shown(hundredths),
            growth.shown(per_cent),
        ]);
        for (metric, unit, spread) in [
            ("deliveries", "1/s", rates),
            ("cpu_per_delivery", "µs", cpu),
            ("cpu_per_delivery_of_3_nodes", "ratio", growth),
        ] {
            let measurement = Measurement::new(&format!("{nodes} nodes"), metric, unit, &spread);
            report.measured(measurement.with("nodes", nodes))?;
        }
    }
    report.table(&rows);
    Ok(())
}

/// What nodes cost that have nothing to do.
struct Idle {
    /// Of one core, per node.
    cpu_percent: Spread,
    /// Per node, without what the process has before there are any.
    many_bytes: Spread,
    /// A whole process with one node of three.
    process_bytes: Spread,
}

impl Idle {
    async fn measure(passes: usize, status: &StatusLine) -> anyhow::Result<Self> {
        status.say(format_args!("scale: {IDLE} idle nodes"));
        let nodes = Nodes {
            nodes: IDLE,
            work: Work::Idle,
        };
        let mut child = Child::start("nodes", &nodes.words())?;
        let [empty_bytes] = child.numbers("live").await?;
        sleep(SETTLING).await;
        let (mut cpu_percent, mut many_bytes, mut process_bytes) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..passes {
            let before = child.cpu_ns().await?;
            sleep(IDLE_PASS).await;
            let cpu_ns = child.cpu_ns().await? - before;
            cpu_percent.push(100.0 * cpu_ns as f64 / IDLE_PASS.as_nanos() as f64 / IDLE as f64);
            many_bytes.push(child.resident_bytes().await?.saturating_sub(empty_bytes) as f64 / IDLE as f64);
        }
        drop(child);
        for pass in 1..=passes {
            status.say(format_args!("scale: pass {pass} of {passes}: an idle process"));
            let mut three = Three::start(MESH).await?;
            sleep(SETTLING).await;
            process_bytes.push(three.resident_bytes().await? as f64);
        }
        Ok(Self {
            cpu_percent: cpu_percent.into_iter().collect(),
            many_bytes: many_bytes.into_iter().collect(),
            process_bytes: process_bytes.into_iter().collect(),
        })
    }
}

fn tell_idle(idle: &Idle, report: &mut Report) -> anyhow::Result<()> {
    report.say(format_args!(
        "Idle. Goals: {IDLE} nodes, at most 1 % of a core each; a node, at most 25 MiB."
    ));
    let many = format!("{IDLE} nodes in one process, each");
    let process = "a process with one node of three";
    report.table(&[
        cells(["", "CPU, % of one core", "resident memory"]),
        vec![
            many.clone(),
            idle.cpu_percent.shown(hundredths),
            idle.many_bytes.shown(mebibytes),
        ],
        vec![process.to_owned(), "–".to_owned(), idle.process_bytes.shown(mebibytes)],
    ]);
    report.measured(Measurement::new(&many, "cpu", "% of one core", &idle.cpu_percent))?;
    report.measured(Measurement::new(&many, "resident", "bytes", &idle.many_bytes))?;
    report.measured(Measurement::new(process, "resident", "bytes", &idle.process_bytes))
}
