use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::program::fake_node::{FakeNode, Request, accept, answer, request};
use crate::program::run::{Run, bellwether};

const PUBLISHED: &str = r#"{"id":"events/a/1/1"}"#;
const DONE: &str = r#"{"done":{"published":0,"failed":0}}"#;

/// The messages of a batch.
fn messages(batch: &Request) -> Vec<Value> {
    let lines = batch.body.split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// What a node says to a batch whose messages become of this.
fn answers<'a>(batch: &'a Request, become_of: impl Fn(&Value) -> &'a str) -> String {
    let messages = messages(batch);
    let said = messages.iter().map(become_of).chain([DONE]);
    said.map(|line| format!("{line}\n")).collect()
}

/// Pipes this into `pub events lines --lines - --format json`.
fn publish_lines(node: &str, lines: &[u8]) -> Run {
    let mut command = bellwether(&[
        "--node", node, "pub", "events", "lines", "--lines", "-", "--format", "json",
    ]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines = lines.to_vec();
    // Broken where the program ends before its input does.
    let feeding = std::thread::spawn(move || stdin.write_all(&lines).is_ok());
    let run = child.wait_with_output().unwrap().into();
    feeding.join().unwrap();
    run
}

#[test]
fn each_line_is_a_message_of_its_kind() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        let mut batches = Vec::new();
        while let Some(batch) = request(&mut connection) {
            answer(&mut connection, "200 OK", &answers(&batch, |_| PUBLISHED));
            batches.push(batch);
        }
        batches
    });
    let run = publish_lines(&url, b"one\r\n{\"a\":1}\n\n\xff\xfe\n404");
    assert_eq!(
        (run.code, run.last_line()),
        (Some(0), r#"{"published":5,"failed":0}"#),
        "{run:?}"
    );

    let batches = playing.join().unwrap();
    let sent: Vec<Value> = batches.iter().flat_map(messages).collect();
    let (instance, topic) = ("events", "lines");
    assert_eq!(
        sent,
        [
            json!({"instance": instance, "topic": topic, "text": "one"}),
            json!({"instance": instance, "topic": topic, "payload": {"a": 1}}),
            json!({"instance": instance, "topic": topic, "text": ""}),
            json!({"instance": instance, "topic": topic, "payload_base64": "//4="}),
            json!({"instance": instance, "topic": topic, "text": "404"}),
        ]
    );
    for batch in &batches {
        assert_eq!(batch.first_line, "POST /v1/publish HTTP/1.1");
        assert_eq!(batch.content_type.as_deref(), Some("application/x-ndjson"));
    }
    assert!(
        batches.len() < sent.len(),
        "what is there already goes with one request"
    );
}

#[test]
fn a_node_that_dies_in_the_middle_leaves_true_counts() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        let batch = request(&mut connection).unwrap();
        // All are taken, and no more than five answered.
        let said = format!("{PUBLISHED}\n").repeat(5);
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let sent = format!("{head}{:x}\r\n{said}\r\n", said.len());
        connection.get_mut().write_all(sent.as_bytes()).unwrap();
        messages(&batch).len()
    });
    let run = publish_lines(&url, "line\n".repeat(100_000).as_bytes());
    let taken = playing.join().unwrap();
    assert!(taken > 5 && taken < 100_000, "{taken}");
    assert_eq!(
        (run.code, run.last_line()),
        (Some(1), format!(r#"{{"published":5,"failed":{}}}"#, taken - 5).as_str()),
        "{run:?}"
    );
    assert!(run.stderr.contains(&format!("the node at {url} is gone")), "{run:?}");
}

#[test]
fn a_node_that_dies_while_the_input_pauses_ends_the_run() {
    let node = FakeNode::bind();
    let arguments = [
        "--node", &node.url, "pub", "events", "lines", "--lines", "-", "--format", "json",
    ];
    let mut child = bellwether(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        let batch = request(&mut connection).unwrap();
        answer(&mut connection, "200 OK", &answers(&batch, |_| PUBLISHED));
    });
    playing.join().unwrap();
    // Its standard input is still open, and silent.
    let run = Run::from(child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!(
        (run.code, run.last_line()),
        (Some(1), r#"{"published":1,"failed":0}"#),
        "{run:?}"
    );
}

#[test]
fn a_refused_line_is_counted_and_the_rest_goes_on() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        while let Some(batch) = request(&mut connection) {
            let said = answers(&batch, |message| match message["text"] == "bad" {
                true => r#"{"line":7,"error":"no good","reason":"bad_json"}"#,
                false => PUBLISHED,
            });
            answer(&mut connection, "200 OK", &said);
        }
    });
    let run = publish_lines(&url, b"good\nbad\ngood\n");
    playing.join().unwrap();
    assert_eq!(
        (run.code, run.last_line()),
        (Some(1), r#"{"published":2,"failed":1}"#),
        "{run:?}"
    );
    assert!(run.stderr.contains("line 2: the node refused: no good"), "{run:?}");
    assert!(run.stderr.contains("1 of 3 lines were not published"), "{run:?}");
}

#[test]
fn a_line_without_room_or_confirmation_fails_and_the_rest_goes_on() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        let mut asked = Vec::new();
        while let Some(batch) = request(&mut connection) {
            let said = answers(&batch, |message| match message["text"].as_str() {
                Some("no room") => r#"{"line":2,"error":"there was no room within 5 s","reason":"no_room"}"#,
                Some("lonely") => {
                    r#"{"line":3,"error":"2 peers are to confirm, but 1 want it","reason":"too_few_peers"}"#
                }
                Some("late") => {
                    r#"{"id":"events/a/1/2","confirmed":0,"required":1,"peers":[{"node":"b","outcome":"timed_out"}]}"#
                }
                _ => r#"{"id":"events/a/1/1","confirmed":1,"required":1,"peers":[{"node":"b","outcome":"confirmed"}]}"#,
            });
            answer(&mut connection, "200 OK", &said);
            asked.push(batch.first_line);
        }
        asked
    });
    let mut command = bellwether(&[
        "--node",
        &url,
        "pub",
        "events",
        "lines",
        "--lines",
        "-",
        "--wait",
        "5",
        "--confirm",
        "2",
        "--confirm-within",
        "3",
        "--format",
        "json",
    ]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"good\nno room\nlonely\nlate\ngood\n").unwrap();
    drop(stdin);
    let run = Run::from(child.wait_with_output().unwrap());
    for asked in playing.join().unwrap() {
        assert_eq!(asked, "POST /v1/publish?wait=5&confirm=2&confirm_within=3 HTTP/1.1");
    }
    assert_eq!(
        (run.code, run.last_line()),
        (Some(1), r#"{"published":2,"failed":3}"#),
        "{run:?}"
    );
    for words in [
        "line 2: the node refused: there was no room",
        "line 3: the node refused: 2 peers are to confirm",
        "line 4: events/a/1/2 is published, but 0 of the 1 peers that were to confirm it have (b: timed_out)",
        "3 of 5 lines failed: 1 of them are published, but were not confirmed",
    ] {
        assert!(run.stderr.contains(words), "{words}: {run:?}");
    }
}

#[test]
fn a_message_that_was_not_confirmed_fails_with_its_id() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        request(&mut connection).unwrap();
        let late = r#"{"id":"events/a/1/2","confirmed":0,"required":1,"peers":[{"node":"b","outcome":"lost"}]}"#;
        answer(&mut connection, "202 Accepted", late);
    });
    let run = Run::of(&mut bellwether(&[
        "--node",
        &url,
        "pub",
        "events",
        "t",
        "x",
        "--confirm",
        "all",
    ]));
    playing.join().unwrap();
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    assert!(
        run.stderr.contains("events/a/1/2 is published, but 0 of the 1"),
        "{run:?}"
    );
}
