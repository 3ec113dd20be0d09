use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::program::fake_node::{FakeNode, accept, begin_stream, request, stream_line};
use crate::program::run::{Run, bellwether};

const LIVE: &str = r#"{"subscribed":{"live":3,"nodes":3,"not_yet":[]}}"#;
const PARTLY_LIVE: &str = r#"{"subscribed":{"live":2,"nodes":3,"not_yet":["c"]}}"#;
const GAP: &str = r#"{"gap":{"instance":"alerts","node":"a","epoch":1,"first":2,"last":3,"count":2,"cause":"slow_subscriber","exact":true}}"#;

fn message(seq: u64) -> String {
    format!(
        r#"{{"id":"alerts/a/1/{seq}","instance":"alerts","topic":"t","event":"e","originating_node":"a","reporting_node":"a","timestamp":"2026-11-21T10:57:54.123Z","correlation_id":null,"causation_id":null,"schema_version":1,"content_type":"text/plain","signed":true,"payload":"p{seq}"}}"#
    )
}

#[test]
fn json_is_passed_on_as_it_came_with_gaps_in_place() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        let request = request(&mut connection).unwrap();
        begin_stream(&mut connection);
        for line in [PARTLY_LIVE, &message(1), GAP, LIVE, &message(4), &message(5)] {
            stream_line(&mut connection, line);
        }
        (request.first_line, connection)
    });
    let run = Run::of(&mut bellwether(&[
        "--node", &url, "sub", "alerts", "t", "events", "orders:*", "--format", "json", "--count", "2",
    ]));
    let (first_line, _connection) = playing.join().unwrap();
    assert_eq!(
        first_line,
        "GET /v1/subscribe?format=ndjson&pattern=alerts%2Ft&pattern=events%2Forders:%2A HTTP/1.1"
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stdout, format!("{}\n{GAP}\n{}\n", message(1), message(4)));
    assert_eq!(
        run.stderr,
        "subscribed, live on 2 of 3 nodes (not yet: c)\nsubscribed, live on 3 of 3 nodes\n"
    );
}

#[test]
fn text_is_one_line_per_message_without_colour_in_a_pipe() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        request(&mut connection).unwrap();
        begin_stream(&mut connection);
        for line in [LIVE, GAP, &message(4)] {
            stream_line(&mut connection, line);
        }
        connection
    });
    let run = Run::of(&mut bellwether(&["--node", &url, "sub", "alerts", "t", "--count", "1"]));
    playing.join().unwrap();
    let lines: Vec<_> = run.stdout.lines().collect();
    assert!(
        lines[0].starts_with("-- missing: 2 messages of alerts from node a"),
        "{run:?}"
    );
    assert!(
        lines[1].starts_with("10:57:54.123Z  alerts") && lines[1].ends_with("p4"),
        "{run:?}"
    );
    assert!(!run.stdout.contains('\x1b'));
}

#[test]
fn a_lost_node_is_waited_for() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        for seq in [1, 2] {
            let mut connection = accept(listener);
            request(&mut connection).unwrap();
            begin_stream(&mut connection);
            stream_line(&mut connection, LIVE);
            stream_line(&mut connection, &message(seq));
        }
    });
    let run = Run::of(&mut bellwether(&[
        "--node", &url, "sub", "alerts", "t", "--format", "json", "--count", "2",
    ]));
    playing.join().unwrap();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stdout, format!("{}\n{}\n", message(1), message(2)));
    assert!(run.stderr.contains("is gone; trying until it is back"), "{run:?}");
    assert!(
        run.stderr
            .contains("subscribed again, live on 3 of 3 nodes; messages published in between may be missed")
    );
}

#[test]
fn a_lost_node_ends_it_where_that_was_asked_for() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        request(&mut connection).unwrap();
        begin_stream(&mut connection);
        stream_line(&mut connection, LIVE);
        stream_line(&mut connection, &message(1));
    });
    let run = Run::of(&mut bellwether(&[
        "--node",
        &url,
        "sub",
        "alerts",
        "t",
        "--format",
        "json",
        "--no-reconnect",
    ]));
    playing.join().unwrap();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.stdout, format!("{}\n", message(1)));
    assert!(
        run.stderr.contains(&format!("error: the node at {url} is gone")),
        "{run:?}"
    );
}

#[test]
fn a_reader_that_has_enough_ends_it_well() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    node.play(|listener| {
        let mut connection = accept(listener);
        request(&mut connection).unwrap();
        begin_stream(&mut connection);
        stream_line(&mut connection, LIVE);
        for seq in 1..10_000 {
            let line = message(seq);
            let text = format!("{:x}\r\n{line}\n\r\n", line.len() + 1);
            if std::io::Write::write_all(connection.get_mut(), text.as_bytes()).is_err() {
                return;
            }
        }
    });
    let mut child = bellwether(&["--node", &url, "sub", "alerts", "t"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first_line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first_line)
        .unwrap();
    assert!(first_line.ends_with("p1\n"), "{first_line}");
    // The reader is gone by now.
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(0), "subscribed, live on 3 of 3 nodes\n")
    );
}
