use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

use crate::program::run::{Run, bellwether, run};

/// A node without a mesh, on a port of its own.
pub(crate) struct RunningNode {
    child: Child,
    log: BufReader<ChildStderr>,
    pub(crate) url: String,
    _data: TempDir,
}

impl RunningNode {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::started(arguments, &[]).0
    }

    /// With these variables; also what it logged until it had started.
    pub(crate) fn start_in(variables: &[(&str, &str)]) -> (Self, Vec<String>) {
        Self::started(&[], variables)
    }

    fn started(arguments: &[&str], variables: &[(&str, &str)]) -> (Self, Vec<String>) {
        let data = TempDir::new().unwrap();
        let data_dir = data.path().to_str().unwrap();
        let usual = ["start", "--name", "a", "--http", "127.0.0.1:0", "--data-dir", data_dir];
        let mut child = bellwether(&[&usual, arguments].concat())
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut logged = Vec::new();
        let started = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it has ended: {logged:?}");
            match line.contains(" started ") {
                true => break line,
                false => logged.push(line),
            }
        };
        let url = started
            .split("http=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        let node = Self {
            child,
            log,
            url,
            _data: data,
        };
        (node, logged)
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// The exit code, and the rest of the log.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_node_serves_every_client_command_and_stops_when_told() {
    let node = RunningNode::start();
    let ask = |arguments: &[&str]| run(&[&["--node", &node.url], arguments].concat());

    let mut subscriber = bellwether(&[
        "--node",
        &node.url,
        "sub",
        "alerts",
        "system_alerts:*",
        "--format",
        "json",
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut told = BufReader::new(subscriber.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert_eq!(line, "subscribed, live on 1 of 1 nodes\n");

    let published = ask(&[
        "pub",
        "alerts",
        "system_alerts:critical",
        "--event",
        "critical_alert",
        r#"{"message":"disk full"}"#,
    ]);
    assert_eq!(published.code, Some(0), "{published:?}");
    let mut received = BufReader::new(subscriber.stdout.take().unwrap());
    line.clear();
    received.read_line(&mut line).unwrap();
    let message: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(message["id"], published.stdout.trim());
    assert_eq!(message["event"], "critical_alert");
    assert_eq!(message["payload"]["message"], "disk full");

    for command in ["members", "subscribers", "instances"] {
        let text = ask(&[command]);
        assert_eq!(text.code, Some(0), "{text:?}");
        assert!(text.stdout.lines().count() >= 2, "{text:?}");
        let json = ask(&[command, "--format", "json"]);
        let rows: Vec<serde_json::Value> = serde_json::from_str(&json.stdout).unwrap();
        assert!(!rows.is_empty());
    }
    let too_large = vec!["x"; 1_100_000].concat();
    let refused = Run::from({
        let mut command = bellwether(&["--node", &node.url, "pub", "alerts", "a", "@-"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(too_large.as_bytes()).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    });
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("1100000") && refused.stderr.contains("1048576"),
        "{refused:?}"
    );

    node.signal("-TERM");
    let (code, log) = node.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
    line.clear();
    told.read_line(&mut line).unwrap();
    assert!(line.contains("is gone; trying until it is back"), "{line}");
    subscriber.kill().unwrap();
    subscriber.wait().unwrap();
}

#[test]
fn an_occupied_port_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = run(&["start", "--name", "a", "--http", &address]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains(&format!("{address} is already in use")), "{run:?}");
    assert!(run.stderr.contains("--http"), "{run:?}");
}
