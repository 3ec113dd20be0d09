//! One of the three processes: a node embedded in this program, on one thread, told what to do over standard input.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, bail};
use bellwether::{Instance, MemberState, Node, NodeId, Pattern, Subscription};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::time::{Duration, sleep};

use crate::publisher::Publisher;
use crate::subscriber::Subscriber;
use bellwether_tests::clock::cpu_ns;

/// It protects the benchmark's own mesh, and is no secret.
pub(crate) const SECRET: &str = "the secret of the benchmark, which is none";
/// The name of the node that publishes; the others subscribe.
pub(crate) const PUBLISHER: &str = "a";
/// All of them.
pub(crate) const NODES: usize = 3;

/// What the publisher publishes, and where the subscribers say how far they have come.
pub(crate) const MESSAGES: (Instance, &str) = (Instance::Events, "bench:messages");
pub(crate) const PROGRESS: (Instance, &str) = (Instance::Diagnostics, "bench:progress");

/// Runs until standard input ends. `folder` is for what survives a restart, which is nothing.
pub(crate) async fn run(name: &str, folder: &str, seed: Option<&str>) -> anyhow::Result<()> {
    let node = start(name, folder, seed).await?;
    let address = node.listen_addr().context("a node with a secret listens")?;
    println!("started {address}");
    let wanted = if name == PUBLISHER { PROGRESS } else { MESSAGES };
    let subscription = subscribe(&node, wanted).await?;
    println!("live");

    let mut commands = Commands {
        lines: BufReader::new(tokio::io::stdin()).lines(),
    };
    if name == PUBLISHER {
        Publisher::new(node.clone(), subscription).run(&mut commands).await?;
    } else {
        Subscriber::new(node.clone(), subscription).run(&mut commands).await?;
    }
    node.shutdown().await;
    Ok(())
}

async fn start(name: &str, folder: &str, seed: Option<&str>) -> anyhow::Result<Node> {
    let mut builder = Node::builder(NodeId::new(name)?)
        .secrets([SECRET])?
        .listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .data_dir(folder);
    if let Some(seed) = seed {
        builder = builder.seed(seed);
    }
    Ok(builder.start().await?)
}

/// Subscribes once all nodes are there and linked, and waits until all have confirmed.
async fn subscribe(node: &Node, (instance, topic): (Instance, &str)) -> anyhow::Result<Subscription> {
    let all_are_there = || {
        let members = node.members();
        let linked = |member: &bellwether::Member| {
            member.inbound && member.outbound && matches!(member.state, MemberState::Own | MemberState::Alive)
        };
        members.len() == NODES && members.iter().all(linked)
    };
    while !all_are_there() {
        sleep(Duration::from_millis(10)).await;
    }
    let (subscription, _) = node.subscribe(instance, [Pattern::new(topic)?]).await?;
    let report = node.became_live(&subscription).await;
    if report.live != NODES {
        bail!("live on {} of {NODES} nodes", report.live);
    }
    Ok(subscription)
}

/// What the benchmark's first process wants of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Publish as fast as the subscribers follow.
    Flood { bytes: usize, duration: Duration },
    /// Publish at this rate a second, evenly spaced.
    Pace {
        bytes: usize,
        rate: u64,
        duration: Duration,
    },
    /// Say what was received since the last report.
    Report,
}

/// The lines of standard input.
#[derive(Debug)]
pub(crate) struct Commands {
    lines: Lines<BufReader<Stdin>>,
}

impl Commands {
    /// The next command that is not answered here; `None` when there will be no more. Cancel safe.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Command>> {
        while let Some(line) = self.lines.next_line().await? {
            let words: Vec<&str> = line.split(' ').collect();
            let duration = |ms: &str| ms.parse().map(Duration::from_millis);
            return Ok(Some(match words[..] {
                ["cpu"] => {
                    println!("cpu {}", cpu_ns());
                    continue;
                }
                ["flood", bytes, ms] => Command::Flood {
                    bytes: bytes.parse()?,
                    duration: duration(ms)?,
                },
                ["pace", bytes, rate, ms] => Command::Pace {
                    bytes: bytes.parse()?,
                    rate: rate.parse()?,
                    duration: duration(ms)?,
                },
                ["report"] => Command::Report,
                _ => bail!("no such command: {line}"),
            }));
        }
        Ok(None)
    }
}
