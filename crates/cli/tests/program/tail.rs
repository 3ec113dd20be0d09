use serde_json::Value;

use crate::program::fake_node::{FakeNode, accept, answer, begin_stream, request, stream_event};
use crate::program::node::RunningNode;
use crate::program::run::{Run, bellwether, run};

const LIVE: &str = r#"{"subscribed":{"live":3,"nodes":3,"not_yet":[],"joined":true}}"#;
const GAP: &str = r#"{"gap":{"instance":"alerts","node":"a","epoch":1,"first":2,"last":3,"count":2,"cause":"slow_subscriber","exact":true}}"#;

#[test]
fn what_was_published_in_any_instance_is_filtered_and_printed() {
    let node = RunningNode::start();
    let ask = |arguments: &[&str]| run(&[&["--node", &node.url], arguments].concat());
    for (instance, topic, event, origin, payload) in [
        ("events", "orders:new", "order_placed", "a", "one"),
        (
            "alerts",
            "system_alerts:x",
            "raised",
            "db-1",
            r#"{"severity":"warning"}"#,
        ),
        (
            "alerts",
            "system_alerts:x",
            "raised",
            "db-2",
            r#"{"severity":"critical"}"#,
        ),
        ("audit", "login:ok", "login", "a", "Eve"),
    ] {
        let published = ask(&[
            "pub",
            instance,
            topic,
            "--event",
            event,
            "--originating-node",
            origin,
            payload,
        ]);
        assert_eq!(published.code, Some(0), "{published:?}");
    }
    for (filter, topic, payload) in [
        (&["--event", "order_placed"][..], "orders:new", "one"),
        (&["--origin", "db-1"], "system_alerts:x", r#"{"severity":"warning"}"#),
        (
            &["--severity", "error"],
            "system_alerts:x",
            r#"{"severity":"critical"}"#,
        ),
        (&["--grep", "Eve"], "login:ok", "Eve"),
        (&["events"], "orders:new", "one"),
        (&["audit/login:*"], "login:ok", "Eve"),
    ] {
        // A node that starts tells of itself, too: the last few would be those.
        let arguments = [&["tail", "--last", "1000", "--count", "1"], filter].concat();
        let text = ask(&arguments);
        assert_eq!((text.code, text.stdout.lines().count()), (Some(0), 1), "{text:?}");
        assert!(
            text.stdout.contains(topic) && text.stdout.ends_with(&format!("{payload}\n")),
            "{text:?}"
        );
        let json = ask(&[&arguments[..], &["--format", "json"]].concat());
        let message: Value = serde_json::from_str(json.last_line()).unwrap();
        assert_eq!(message["topic"], topic, "{json:?}");
    }
}

#[test]
fn a_gap_is_told_whatever_is_filtered_and_a_lost_node_is_waited_for() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let message = |seq: u64| {
        format!(
            r#"{{"id":"alerts/a/1/{seq}","instance":"alerts","topic":"t","event":"e{seq}","originating_node":"a","reporting_node":"a","timestamp":"2026-11-21T10:57:54.123Z","payload":"p{seq}"}}"#
        )
    };
    let playing = node.play(move |listener| {
        let mut queries = Vec::new();
        for seq in [1, 4] {
            let mut connection = accept(listener);
            queries.push(request(&mut connection).unwrap().first_line);
            begin_stream(&mut connection);
            for item in [LIVE, &message(seq), GAP, &message(seq + 1)] {
                stream_event(&mut connection, None, item);
            }
        }
        queries
    });
    let run = Run::of(&mut bellwether(&[
        "--node", &url, "tail", "--event", "e2", "--event", "e5", "--count", "2",
    ]));
    let queries = playing.join().unwrap();
    assert_eq!(run.code, Some(0), "{run:?}");
    let ends: Vec<_> = run
        .stdout
        .lines()
        .map(|line| line.split("  ").last().unwrap())
        .collect();
    let gap = "-- missing: 2 messages of alerts from node a (seq 2 to 3): this subscriber read too slowly";
    assert_eq!(ends, [gap, "p2", gap, "p5"]);
    assert!(run.stderr.contains("is gone; trying until it is back"), "{run:?}");
    for query in queries {
        assert_eq!(query.matches("pattern=").count(), 10, "{query}");
        assert!(
            query.contains("pattern=security%2F%2A") && !query.contains("from="),
            "{query}"
        );
    }
}

#[test]
fn who_may_not_receive_all_is_told_to_name_some() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        request(&mut connection).unwrap();
        answer(
            &mut connection,
            "403 Forbidden",
            r#"{"reason":"denied","error":"web may not receive security:*"}"#,
        );
        connection
    });
    let run = run(&["--node", &url, "tail"]);
    playing.join().unwrap();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("may not receive security") && run.stderr.contains("bellwether tail alerts metrics"),
        "{run:?}"
    );
}
