use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::program::fake_node::{FakeNode, accept, begin_stream, event, request, stream_event};
use crate::program::run::{Run, bellwether};

const LIVE: &str = r#"{"subscribed":{"live":3,"nodes":3,"not_yet":[],"joined":true}}"#;
const PARTLY_LIVE: &str = r#"{"subscribed":{"live":2,"nodes":3,"not_yet":["c"],"joined":true}}"#;
const REPLAYED: &str = r#"{"live":{"instance":"alerts","replayed":2,"incomplete":["c"]}}"#;
const ENDED: &str = r#"{"epoch_ended":{"instance":"alerts","node":"a","epoch":1,"last_seq":3,"tail_unknown":true}}"#;
const DISCONNECTED: &str = r#"{"gap":{"instance":"alerts","node":"a","epoch":1,"first":2,"last":3,"count":2,"cause":"disconnected","exact":true}}"#;
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
        for line in [
            PARTLY_LIVE,
            &message(1),
            GAP,
            LIVE,
            ENDED,
            REPLAYED,
            &message(4),
            &message(5),
        ] {
            stream_event(&mut connection, None, line);
        }
        (request.first_line, connection)
    });
    let run = Run::of(&mut bellwether(&[
        "--node", &url, "sub", "alerts", "t", "events", "orders:*", "--format", "json", "--count", "2",
    ]));
    let (first_line, _connection) = playing.join().unwrap();
    assert_eq!(
        first_line,
        "GET /v1/subscribe?format=sse&pattern=alerts%2Ft&pattern=events%2Forders:%2A HTTP/1.1"
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        run.stdout,
        format!("{}\n{GAP}\n{ENDED}\n{REPLAYED}\n{}\n", message(1), message(4))
    );
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
        for line in [LIVE, GAP, ENDED, REPLAYED, &message(4)] {
            stream_event(&mut connection, None, line);
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
    assert!(lines[1].starts_with("-- node a is gone"), "{run:?}");
    assert!(lines[2].starts_with("-- alerts is live: 2 messages"), "{run:?}");
    assert!(
        lines[3].starts_with("10:57:54.123Z  alerts") && lines[3].ends_with("p4"),
        "{run:?}"
    );
    assert!(!run.stdout.contains('\x1b'));
}

#[test]
fn the_classic_theme_tells_of_health_as_emitters_do() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        request(&mut connection).unwrap();
        begin_stream(&mut connection);
        let summary = r#"{"id":"health/a/1/1","instance":"health","topic":"health_summary:main","event":"health_summary","originating_node":"a","reporting_node":"a","timestamp":"2026-11-21T10:57:54.123Z","correlation_id":null,"causation_id":null,"schema_version":1,"content_type":"application/json","signed":true,"payload":{"store_id":"main","total_subscriptions":7,"healthy":5,"degraded":2}}"#;
        for line in [PARTLY_LIVE, LIVE, GAP, summary, &message(2)] {
            stream_event(&mut connection, None, line);
        }
        connection
    });
    let arguments = [
        "--node",
        &url,
        "sub",
        "health",
        "health_summary:main",
        "--theme",
        "classic",
        "--count",
        "2",
    ];
    let run = Run::of(&mut bellwether(&arguments));
    playing.join().unwrap();
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<_> = run.stdout.lines().collect();
    assert!(
        lines[0].ends_with("] [EMITTER] 🩺 SUBSCRIBED to health events for store: main"),
        "{run:?}"
    );
    assert!(lines[1].starts_with("-- missing: 2 messages"), "{run:?}");
    assert_eq!(
        lines[2],
        "[a] [EMITTER] 📈 HEALTH SUMMARY: Store main - 5/7 healthy subscriptions"
    );
    assert!(
        lines[3].starts_with("[a] 10:57:54.123Z alerts t e a→a") && lines[3].ends_with("p2"),
        "{run:?}"
    );
    assert_eq!(lines.len(), 4);
    assert!(!run.stdout.contains('\x1b'));
    assert!(run.stderr.ends_with("subscribed, live on 3 of 3 nodes\n"), "{run:?}");
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
            stream_event(&mut connection, None, LIVE);
            stream_event(&mut connection, None, &message(seq));
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
fn a_lost_node_is_resumed_behind_the_last_event_that_had_an_id() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut requests = Vec::new();
        for (seq, id) in [(1, "one"), (2, "two"), (3, "three")] {
            let mut connection = accept(listener);
            requests.push(request(&mut connection).unwrap());
            begin_stream(&mut connection);
            stream_event(&mut connection, None, LIVE);
            stream_event(&mut connection, Some(id), &message(seq));
            if seq == 2 {
                stream_event(&mut connection, None, DISCONNECTED);
                std::io::Write::write_all(connection.get_mut(), b"0\r\n\r\n").unwrap();
            }
        }
        requests
    });
    let run = Run::of(&mut bellwether(&[
        "--node", &url, "sub", "alerts", "t", "--from", "last:7", "--format", "json", "--count", "3",
    ]));
    let requests = playing.join().unwrap();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        run.stdout,
        format!("{}\n{}\n{DISCONNECTED}\n{}\n", message(1), message(2), message(3))
    );
    let ids: Vec<_> = requests
        .iter()
        .map(|request| request.last_event_id.as_deref())
        .collect();
    assert_eq!(ids, [None, Some("one"), Some("two")]);
    let query = "GET /v1/subscribe?format=sse&pattern=alerts%2Ft&from=last:7 HTTP/1.1";
    assert!(
        requests.iter().all(|request| request.first_line == query),
        "{requests:?}"
    );
    let resumed = "subscribed again, live on 3 of 3 nodes; resumed where it stood\n";
    assert_eq!(
        run.stderr,
        format!(
            "subscribed, live on 3 of 3 nodes\n\
             the node at {url} is gone; trying until it is back\n{resumed}\
             the node at {url} has ended the subscription, since it was read too slowly; trying until it is back\n{resumed}"
        )
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
        stream_event(&mut connection, None, LIVE);
        stream_event(&mut connection, None, &message(1));
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
        stream_event(&mut connection, None, LIVE);
        for seq in 1..10_000 {
            let text = event(None, &message(seq));
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
