//! A load: numbers that are published on one host, and must be heard on another, each once and in its order.

use std::process::Stdio;
use std::time::Duration;

use bellwether_tests::Net;
use bellwether_tests::program::bellwether_at;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Messages a second.
const RATE: u64 = 10_000;
/// Bursts a second of those.
const TICKS: u64 = 100;

/// The numbers 0, 1, 2, … as text, published by the program from its input, until it is told to stop.
pub(super) struct Publisher {
    program: Child,
    input: ChildStdin,
    published: u64,
}

impl Publisher {
    /// On a host, at its node.
    pub(super) fn start(net: &Net, host: &str, url: &str) -> Self {
        let mut command = bellwether_at(net, host);
        command.args(["--node", url, "pub", "events", "load:numbers", "--lines", "-"]);
        let mut program = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program is built");
        let input = program.stdin.take().expect("its input is a pipe");
        Self {
            program,
            input,
            published: 0,
        }
    }

    /// Publishes at [`RATE`] until `work` is done.
    pub(super) async fn publish_while<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(TICKS).expect("it is small"));
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    let numbers = self.published..self.published + RATE / TICKS;
                    let text: String = numbers.map(|number| format!("{number}\n")).collect();
                    self.input.write_all(text.as_bytes()).await.expect("the program reads its input");
                    self.published += RATE / TICKS;
                }
            }
        }
    }

    /// Ends it; how many messages it has published.
    pub(super) async fn end(self) -> u64 {
        drop(self.input);
        let ended = self.program.wait_with_output().await.expect("it can be waited for");
        assert!(ended.status.success(), "{ended:?}");
        self.published
    }
}

/// Hears them at the node of a host, each once and in its order; gives how many once there were so many.
pub(super) fn hear(net: &Net, host: &str, url: &str) -> (JoinHandle<u64>, watch::Sender<u64>) {
    let mut command = bellwether_at(net, host);
    command.args(["--node", url, "sub", "events", "load:*", "--format", "json"]);
    let mut program = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program is built");
    let mut lines = BufReader::new(program.stdout.take().expect("its output is a pipe")).lines();
    let (tell, mut until) = watch::channel(u64::MAX);
    let hearing = tokio::spawn(async move {
        let _program = program;
        let mut next = 0;
        while next < *until.borrow_and_update() {
            let line = tokio::select! {
                line = lines.next_line() => line.expect("it can be read").expect("the program goes on"),
                changed = until.changed() => {
                    changed.expect("the test goes on");
                    continue;
                }
            };
            let item: Value = serde_json::from_str(&line).expect("JSON");
            assert!(item.get("gap").is_none(), "{item}");
            if let Some(number) = item["payload"].as_str() {
                assert_eq!(number, next.to_string());
                next += 1;
            }
        }
        next
    });
    (hearing, tell)
}
