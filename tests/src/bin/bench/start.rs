//! How long the program takes until it can be used.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use bellwether_tests::benchmark::{Measurement, Report, Spread, StatusLine, cells, milliseconds};
use bellwether_tests::{Client, Member, program};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};
use tokio::time::{Duration, Instant, sleep, timeout};

use crate::process::node::SECRET;

const WITHIN: Duration = Duration::from_secs(20);
/// How often the members are looked at.
const LOOK: Duration = Duration::from_millis(2);

/// What one pass has shown, in milliseconds since the program was started.
struct Pass {
    listening_ms: f64,
    joined_ms: f64,
}

pub(crate) async fn measure(passes: usize, status: &StatusLine) -> anyhow::Result<Report> {
    let settings = json!({ "gossip_interval_ms": 200, "look_ms": LOOK.as_millis() as u64 });
    let mut report = Report::new("start", settings);
    let mut all = Vec::new();
    for pass in 1..=passes {
        status.say(format_args!("start: pass {pass} of {passes}"));
        all.push(one_pass().await?);
    }
    report.say("`bellwether start`, from its start as a process.");
    let listening: Spread = all.iter().map(|pass| pass.listening_ms).collect();
    let joined: Spread = all.iter().map(|pass| pass.joined_ms).collect();
    let mut rows = vec![cells(["until", "takes", "goal"])];
    for (row, metric, spread, goal) in [
        ("it listens for nodes and clients", "listening", listening, "≤ 100 ms"),
        (
            "as the third node, it sees and is seen by the others",
            "joined",
            joined,
            "≤ 1 s",
        ),
    ] {
        rows.push(cells([row, &spread.shown(milliseconds), goal]));
        report.measured(Measurement::new(row, metric, "ms", &spread))?;
    }
    report.table(&rows);
    Ok(report)
}

/// Two nodes meet, then comes the third.
async fn one_pass() -> anyhow::Result<Pass> {
    let folder = TempDir::with_prefix("bellwether-bench-")?;
    let first = Program::start("a", folder.path(), None).await?;
    let second = Program::start("b", folder.path(), Some(first.mesh)).await?;
    all_see_all(&mut [first.client().await, second.client().await]).await?;

    let third = Program::start("c", folder.path(), Some(first.mesh)).await?;
    let mut clients = [third.client().await, first.client().await, second.client().await];
    all_see_all(&mut clients).await?;
    Ok(Pass {
        joined_ms: third.began.elapsed().as_secs_f64() * 1e3,
        listening_ms: first.listening.as_secs_f64() * 1e3,
    })
}

/// Waits until each has links from and to all others.
async fn all_see_all(clients: &mut [Client]) -> anyhow::Result<()> {
    let count = clients.len();
    let looking = async {
        for client in clients {
            loop {
                let members: Vec<Member> = client.list("/v1/members").await;
                if members.len() == count && members.iter().all(Member::is_linked) {
                    break;
                }
                sleep(LOOK).await;
            }
        }
    };
    timeout(WITHIN, looking).await.context("the nodes do not meet")
}

/// A running node. Killed when dropped.
struct Program {
    began: Instant,
    /// How long it took until it said so.
    listening: Duration,
    mesh: SocketAddr,
    http: SocketAddr,
    /// Open for as long as it runs: it may have more to say.
    _log: Lines<BufReader<ChildStderr>>,
    _child: Child,
}

impl Program {
    async fn start(name: &str, folder: &Path, seed: Option<SocketAddr>) -> anyhow::Result<Self> {
        let mut command = program::bellwether();
        command
            .args(["start", "--name", name, "--data-dir"])
            .arg(folder.join(name))
            .args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .env("SECRET_KEY_BASE", SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(seed) = seed {
            command.args(["--seed", &seed.to_string()]);
        }
        let began = Instant::now();
        let mut child = command.spawn()?;
        let mut log = BufReader::new(child.stderr.take().context("stderr is piped")?).lines();
        let line = timeout(WITHIN, started(&mut log)).await;
        let line = line.with_context(|| format!("{name} does not start"))??;
        Ok(Self {
            began,
            listening: began.elapsed(),
            mesh: address(&line, "mesh=\"")?,
            http: address(&line, "http=\"http://")?,
            _log: log,
            _child: child,
        })
    }

    async fn client(&self) -> Client {
        Client::connect(self.http).await
    }
}

/// The line by which a node says that it listens.
async fn started(log: &mut Lines<BufReader<ChildStderr>>) -> anyhow::Result<String> {
    let mut earlier = String::new();
    while let Some(line) = log.next_line().await? {
        if line.contains(" started ") {
            return Ok(line);
        }
        earlier += &line;
    }
    bail!("it ended: {earlier}")
}

/// The address that follows `label`.
fn address(line: &str, label: &str) -> anyhow::Result<SocketAddr> {
    let text = line.split_once(label).and_then(|(_, rest)| rest.split('"').next());
    let text = text.with_context(|| format!("no {label} in: {line}"))?;
    Ok(text.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_where_it_listens() {
        let line = r#"INFO started node=a mesh="127.0.0.1:7400" http="http://127.0.0.1:7480""#;
        assert!(address(line, "mesh=\"").is_ok_and(|mesh| mesh.port() == 7400));
        assert!(address(line, "http=\"http://").is_ok_and(|http| http.port() == 7480));
        assert!(address(line, "dns=\"").is_err());
    }
}
