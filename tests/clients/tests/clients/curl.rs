//! `curl` as people use it by hand and in scripts.

use std::process::Stdio;
use std::time::Duration;

use bellwether_tests::{Lab, Process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

const WITHIN: Duration = Duration::from_secs(20);

fn curl(arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error"])
        .args(arguments)
        .kill_on_drop(true);
    command
}

/// Runs it to its end: what it prints.
async fn run(arguments: &[&str], input: &str) -> String {
    let mut command = curl(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("curl is installed");
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    let ran = async {
        stdin.write_all(input.as_bytes()).await.expect("it reads its input");
        drop(stdin);
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(WITHIN, ran).await.expect("curl ends");
    let output = output.expect("it can be waited for");
    assert!(output.status.success(), "curl {arguments:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("answers are UTF-8")
}

/// A stream that curl prints line by line.
struct Lines {
    _child: Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Lines {
    /// The first line, which says that the subscription is there, is taken.
    async fn open(node: &Process, query: &str) -> Self {
        let mut command = curl(&["--no-buffer", &format!("{}/v1/subscribe?{query}", node.url())]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("curl is installed");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let lines = BufReader::new(stdout).lines();
        let mut this = Self { _child: child, lines };
        assert!(this.next().await.to_string().contains("subscribed"));
        this
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(WITHIN, self.lines.next_line()).await;
        let line = line
            .expect("a line comes")
            .expect("it is UTF-8")
            .expect("the stream goes on");
        serde_json::from_str(&line).unwrap_or_else(|err| panic!("{line}: {err}"))
    }
}

#[tokio::test]
async fn curl_publishes_and_receives() {
    let lab = Lab::default();
    let node = lab.node("a").start().await;
    let mut lines = Lines::open(&node, "pattern=events/*").await;
    let url = format!(
        "{}/v1/publish/events/orders:new?event=order&reply_to=events/answers:1",
        node.url()
    );
    let answer = run(
        &[
            "--json",
            r#"{"n":1.50}"#,
            "--header",
            "Bellwether-Header-Trace: 17",
            &url,
        ],
        "",
    )
    .await;
    let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
    let message = lines.next().await;
    assert_eq!(message["id"], answer["id"]);
    assert_eq!(message["event"], "order");
    assert_eq!(message["payload"], json!({"n": 1.5}));
    assert_eq!(message["headers"]["trace"], "17");
    assert_eq!(message["reply_to"], "events/answers:1");
}

#[tokio::test]
async fn curl_comes_in_through_the_unix_socket() {
    let lab = Lab::default();
    let file = lab.folder().join("doors.sock");
    let file = file.to_str().expect("the folder's name is text");
    let node = lab.node("a").argument("--socket").argument(file).start().await;
    let mut lines = Lines::open(&node, "pattern=events/*").await;
    let url = "http://localhost/v1/publish/events/orders:new";
    let answer = run(&["--unix-socket", file, "--data", "hello", url], "").await;
    let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
    assert_eq!(lines.next().await["id"], answer["id"]);
}

/// A file of any length, read and answered as it goes.
#[tokio::test]
async fn curl_publishes_a_file_of_lines() {
    const LINES: usize = 5_000;
    let lab = Lab::default();
    let node = lab.node("a").start().await;
    let mut lines = Lines::open(&node, "pattern=events/*").await;
    let text: String = (0..LINES)
        .map(|n| format!("{{\"instance\":\"events\",\"topic\":\"t\",\"text\":\"{n}\",\"ref\":\"{n}\"}}\n"))
        .collect();
    let url = format!("{}/v1/publish?wait=true", node.url());
    let header = "Content-Type: application/x-ndjson";
    let arguments = [
        "--request",
        "POST",
        "--upload-file",
        "-",
        "--header",
        header,
        "--header",
        "Expect:",
        &url,
    ];
    let publishing = run(&arguments, &text);
    let receiving = async {
        for number in 0..LINES {
            assert_eq!(lines.next().await["payload"], number.to_string());
        }
    };
    let (answers, ()) = tokio::join!(publishing, receiving);
    let mut answers = answers.lines();
    for number in 0..LINES {
        let answer: Value = serde_json::from_str(answers.next().expect("each is answered")).expect("in JSON");
        assert_eq!(
            (&answer["ref"], answer["id"].is_string()),
            (&number.to_string().into(), true)
        );
    }
    assert_eq!(answers.next(), Some(r#"{"done":{"published":5000,"failed":0}}"#));
}

#[tokio::test]
async fn curl_publishes_a_cloud_event() {
    let lab = Lab::default();
    let node = lab.node("a").start().await;
    let mut lines = Lines::open(&node, "pattern=events/*&format=cloudevents").await;
    let url = format!("{}/v1/publish", node.url());
    let attributes = [
        "specversion: 1.0",
        "id: 7",
        "source: /shop",
        "type: order_placed",
        "subject: orders:new",
    ];
    let headers: Vec<String> = attributes.iter().map(|attribute| format!("ce-{attribute}")).collect();
    let mut arguments = vec!["--json", r#"{"n":1}"#];
    for header in &headers {
        arguments.extend(["--header", header]);
    }
    arguments.push(&url);
    run(&arguments, "").await;
    let event = lines.next().await;
    assert_eq!(
        (&event["id"], &event["source"]),
        (&"7".into(), &"/shop".into()),
        "{event}"
    );
    assert_eq!(
        (&event["type"], &event["subject"]),
        (&"order_placed".into(), &"orders:new".into())
    );
    assert_eq!(event["data"], json!({"n": 1}));
}
