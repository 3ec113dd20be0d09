//! A page of the node itself in a real browser: `EventSource` receives, outlives the node, and is told of gaps.

use std::process::Stdio;
use std::time::Duration;

use bellwether_tests::Lab;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::program::{installed, programs};

/// A browser takes its time to start.
const WITHIN: Duration = Duration::from_secs(30);

/// A browser with a page of a node.
struct Browser {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Browser {
    async fn start(node: &str) -> Self {
        let mut command = Command::new("node");
        command
            .arg(programs().join("browser_sse.mjs"))
            .arg(node)
            .kill_on_drop(true);
        command.env("BELLWETHER_NODE_MODULES", installed().join("node/node_modules"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js is installed");
        let input = child.stdin.take().expect("its input is a pipe");
        let output = child.stdout.take().expect("its output is a pipe");
        let mut this = Self {
            child,
            input,
            lines: BufReader::new(output).lines(),
        };
        assert_eq!(this.next().await, "ready");
        this
    }

    async fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.input.write_all(line.as_bytes()).await.expect("it listens");
    }

    /// What the page is told next.
    async fn next(&mut self) -> String {
        let line = tokio::time::timeout(WITHIN, self.lines.next_line()).await;
        let line = line.expect("the page is told something").expect("in UTF-8");
        line.expect("the browser goes on")
    }

    /// What it is told up to this, and this.
    async fn up_to(&mut self, last: &str) -> Vec<String> {
        let mut told = Vec::new();
        while told.last().is_none_or(|told| told != last) {
            told.push(self.next().await);
        }
        told
    }

    async fn end(self) {
        let Self { mut child, input, .. } = self;
        drop(input);
        let ended = tokio::time::timeout(WITHIN, child.wait()).await;
        assert!(ended.expect("it ends").expect("it can be waited for").success());
    }
}

#[tokio::test]
async fn an_event_source_outlives_its_node_and_goes_on_where_it_stood() {
    let lab = Lab::default();
    let mut node = lab.node("a").start().await;
    let http = node.http();
    let mut browser = Browser::start(&node.url()).await;
    browser.say("open pattern=events/*").await;
    assert_eq!(browser.next().await, "subscribed 1");
    node.client().await.publish("events", "t", "one").await;
    assert_eq!(browser.next().await, "message one");

    assert_eq!(node.terminate().await, 0);
    let node = lab.node("a").http(http).start().await;
    let mut client = node.client().await;
    // The browser comes again by itself, and says how far it came: whether it was there already does not matter.
    for text in ["two", "three"] {
        client.publish("events", "t", text).await;
    }
    let told = browser.up_to("message three").await;
    let messages: Vec<_> = told.iter().filter(|line| line.starts_with("message")).collect();
    assert_eq!(messages, ["message two", "message three"], "{told:?}");
    assert!(
        !told.iter().any(|line| line.starts_with("gap")),
        "nothing was lost: {told:?}"
    );
    browser.end().await;
}

#[tokio::test]
async fn an_event_source_is_told_what_it_missed() {
    let lab = Lab::default();
    let small = lab.node("a").variable("BELLWETHER_EVENTS_BACKLOG_MESSAGES", "16");
    let node = small.start().await;
    let mut browser = Browser::start(&node.url()).await;
    let mut client = node.client().await;
    let first = client.publish("events", "t", "0").await;
    for number in 1..100 {
        client.publish("events", "t", number.to_string()).await;
    }
    browser.say(&format!("open pattern=events/*&from=id:{first}")).await;
    let told = browser.up_to("message 99").await;
    let gap = told.iter().position(|line| line == "gap backlog_overrun");
    let gap = gap.unwrap_or_else(|| panic!("{told:?}"));
    assert!(
        !told[..gap].iter().any(|line| line.starts_with("message")),
        "in its place: {told:?}"
    );
    let messages: Vec<_> = told.iter().filter_map(|line| line.strip_prefix("message ")).collect();
    let kept: Vec<_> = (100 - messages.len()..100).map(|number| number.to_string()).collect();
    assert_eq!(messages, kept, "{told:?}");
    browser.end().await;
}
