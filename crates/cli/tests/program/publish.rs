use std::io::{Read, Write};
use std::process::Stdio;

use crate::program::fake_node::{FakeNode, accept, answer, head, request};
use crate::program::run::{Run, bellwether};

const PUBLISHED: &str = r#"{"id":"events/a/1/1"}"#;

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
        let mut requests = Vec::new();
        while let Some(request) = request(&mut connection) {
            answer(&mut connection, "200 OK", PUBLISHED);
            requests.push(request);
        }
        requests
    });
    let run = publish_lines(&url, b"one\r\n{\"a\":1}\n\n\xff\xfe\n404");
    assert_eq!(
        (run.code, run.last_line()),
        (Some(0), r#"{"published":5,"failed":0}"#),
        "{run:?}"
    );

    let requests = playing.join().unwrap();
    let sent: Vec<_> = requests
        .iter()
        .map(|request| (request.content_type.as_deref().unwrap(), request.body.as_slice()))
        .collect();
    assert_eq!(
        sent,
        [
            ("text/plain", &b"one"[..]),
            ("application/json", b"{\"a\":1}"),
            ("text/plain", b""),
            ("application/octet-stream", b"\xff\xfe"),
            ("text/plain", b"404"),
        ]
    );
    assert!(
        requests
            .iter()
            .all(|request| request.first_line == "POST /v1/publish/events/lines HTTP/1.1")
    );
}

#[test]
fn a_node_that_dies_in_the_middle_leaves_true_counts() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        for _ in 0..5 {
            request(&mut connection).unwrap();
            answer(&mut connection, "200 OK", PUBLISHED);
        }
        // The sixth is taken and never answered.
        request(&mut connection).unwrap();
    });
    let run = publish_lines(&url, "line\n".repeat(100_000).as_bytes());
    playing.join().unwrap();
    assert_eq!(
        (run.code, run.last_line()),
        (Some(1), r#"{"published":5,"failed":1}"#),
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
        request(&mut connection).unwrap();
        answer(&mut connection, "200 OK", PUBLISHED);
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
        while let Some(request) = request(&mut connection) {
            match request.body.as_slice() {
                b"bad" => answer(
                    &mut connection,
                    "400 Bad Request",
                    r#"{"error":"no good","reason":"bad_json"}"#,
                ),
                _ => answer(&mut connection, "200 OK", PUBLISHED),
            }
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

/// Goal: a payload that the node refuses unread, closing the connection so that its answer is lost, is told as too
/// large and does not end the run.
#[test]
fn a_line_that_is_refused_unread_does_not_end_the_run() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut large = accept(listener);
        let (_, length) = head(&mut large).unwrap();
        assert_eq!(length, 3_000_000);
        // Some is read and most is not: closing then resets the connection.
        large.read_exact(&mut [0; 1000]).unwrap();
        drop(large);
        let mut connection = accept(listener);
        let asked = request(&mut connection).unwrap();
        assert_eq!(asked.first_line, "GET /v1/instances HTTP/1.1");
        answer(
            &mut connection,
            "200 OK",
            r#"[{"instance":"events","max_payload_bytes":1048576}]"#,
        );
        request(&mut connection).unwrap();
        answer(&mut connection, "200 OK", PUBLISHED);
    });
    let lines = [vec![b'x'; 3_000_000], b"\nsmall\n".to_vec()].concat();
    let run = publish_lines(&url, &lines);
    playing.join().unwrap();
    assert_eq!(
        (run.code, run.last_line()),
        (Some(1), r#"{"published":1,"failed":1}"#),
        "{run:?}"
    );
    assert!(
        run.stderr
            .contains("line 1: the payload has 3000000 bytes; this instance takes at most 1048576"),
        "{run:?}"
    );
}

#[test]
fn a_line_without_room_or_confirmation_fails_and_the_rest_goes_on() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        let mut requests = Vec::new();
        while let Some(request) = request(&mut connection) {
            match request.body.as_slice() {
                b"no room" => answer(
                    &mut connection,
                    "503 Service Unavailable",
                    r#"{"error":"there was no room within 5 s","reason":"no_room"}"#,
                ),
                b"lonely" => answer(
                    &mut connection,
                    "409 Conflict",
                    r#"{"error":"2 peers are to confirm, but 1 want it","reason":"too_few_peers"}"#,
                ),
                b"late" => answer(
                    &mut connection,
                    "202 Accepted",
                    r#"{"id":"events/a/1/2","confirmed":0,"required":1,"peers":[{"node":"b","outcome":"timed_out"}]}"#,
                ),
                _ => answer(
                    &mut connection,
                    "200 OK",
                    r#"{"id":"events/a/1/1","confirmed":1,"required":1,"peers":[{"node":"b","outcome":"confirmed"}]}"#,
                ),
            }
            requests.push(request.first_line);
        }
        requests
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
    let requests = playing.join().unwrap();
    let asked = "POST /v1/publish/events/lines?wait=5&confirm=2&confirm_within=3 HTTP/1.1";
    assert_eq!(requests, [asked; 5]);
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
