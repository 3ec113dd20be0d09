use std::collections::BTreeSet;
use std::time::Duration;

use bellwether::{Draft, Instance, Topic};
use serde_json::{Value, json};

use crate::served::{Served, soon, until};

fn draft(topic: &str, payload: impl Into<String>) -> Draft {
    Draft::new(Topic::new(topic).unwrap(), "tag").text(payload)
}

#[tokio::test]
async fn the_first_line_says_where_the_subscription_is_live() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let response = client.begin("GET", "/v1/subscribe?pattern=alerts/*", &[], "").await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let mut lines = served.client().await.open("pattern=alerts/*").await;
    assert_eq!(
        lines.next_json().await,
        json!({"subscribed": {"live": 1, "nodes": 1, "not_yet": [], "joined": true}})
    );
}

#[tokio::test]
async fn server_sent_events_carry_the_same_json_with_a_name_and_an_id() {
    let served = Served::start().await;
    let headers = [("accept", "text/html, text/event-stream;q=0.9")];
    let mut client = served.client().await;
    let response = client
        .begin("GET", "/v1/subscribe?pattern=alerts/*", &headers, "")
        .await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    drop(response);

    let mut lines = served.client().await.open("pattern=alerts/*&format=sse").await;
    assert_eq!(lines.next().await.unwrap(), "retry: 1000");
    assert_eq!(lines.next().await.unwrap(), "");
    let mut tokens = BTreeSet::new();
    tokens.insert(lines.next().await.unwrap());
    assert_eq!(lines.next().await.unwrap(), "event: subscribed");
    assert_eq!(
        lines.next().await.unwrap(),
        r#"data: {"subscribed":{"live":1,"nodes":1,"not_yet":[],"joined":true}}"#
    );
    assert_eq!(lines.next().await.unwrap(), "");
    for seq in 1..=3 {
        let id = served.node.publish(Instance::Alerts, &draft("t", "x\ny")).unwrap();
        let token = lines.next().await.unwrap();
        assert!(token.starts_with("id: "), "{token}");
        tokens.insert(token);
        assert_eq!(lines.next().await.unwrap(), "event: message");
        let data = lines.next().await.unwrap();
        let message: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(message["id"], id.to_string());
        assert_eq!(id.seq, seq);
        assert_eq!(message["payload"], "x\ny");
        assert_eq!(lines.next().await.unwrap(), "");
    }
    assert_eq!(tokens.len(), 4, "each event has its own place");
}

#[tokio::test]
async fn the_format_parameter_stands_above_the_accept_header() {
    let served = Served::start().await;
    let headers = [("accept", "text/event-stream")];
    let mut client = served.client().await;
    let response = client
        .begin("GET", "/v1/subscribe?pattern=alerts/*&format=ndjson", &headers, "")
        .await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
}

#[tokio::test]
async fn what_is_wrong_is_said_in_words() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (query, reason, words) in [
        (
            "",
            "missing_pattern",
            "no pattern is given; for example /v1/subscribe?pattern=alerts/",
        ),
        ("?format=sse", "missing_pattern", "no pattern is given"),
        ("?pattern=alerts", "bad_pattern", "written INSTANCE/PATTERN"),
        (
            "?pattern=alerts/",
            "bad_pattern",
            "the pattern for alerts is wrong: the text is empty",
        ),
        ("?pattern=alerts/a::b", "bad_pattern", "level 2 is empty"),
        ("?pattern=alerts/a:+:b", "bad_pattern", "write %2B"),
        (
            "?pattern=alerts/a&pattern=events/%0A",
            "bad_pattern",
            "the pattern for events is wrong",
        ),
        ("?pattern=alrts/a", "bad_instance", "did you mean `alerts`?"),
        (
            "?pattern=alerts/a&format=xml",
            "bad_query",
            "`format` must be sse, ndjson or cloudevents",
        ),
        (
            "?pattern=alerts/a&patern=alerts/b",
            "bad_query",
            "unknown parameter `patern`",
        ),
    ] {
        client
            .get(&format!("/v1/subscribe{query}"))
            .await
            .expect_error(400, reason, words);
    }
    let patterns: Vec<_> = (0..257).map(|n| format!("pattern=alerts/{n}")).collect();
    let answer = client.get(&format!("/v1/subscribe?{}", patterns.join("&"))).await;
    answer.expect_error(400, "too_many_patterns", "257 patterns are given; one stream takes 256");
    assert!(served.node.subscribers(None, None).is_empty());
}

#[tokio::test]
async fn a_stream_may_have_as_many_long_patterns_as_are_allowed() {
    let served = Served::start().await;
    let patterns: Vec<_> = (0..256).map(|n| format!("pattern=alerts/{n:0>220}")).collect();
    let mut lines = served.client().await.subscribe(&patterns.join("&")).await;
    served
        .node
        .publish(Instance::Alerts, &draft(&format!("{:0>220}", 255), "x"))
        .unwrap();
    assert_eq!(lines.next_json().await["payload"], "x");
}

#[tokio::test]
async fn a_message_that_several_patterns_match_arrives_once() {
    let served = Served::start().await;
    let query = "pattern=alerts/a:*&pattern=alerts/*&pattern=alerts/a:b&pattern=alerts/*";
    let mut lines = served.client().await.subscribe(query).await;
    served.node.publish(Instance::Alerts, &draft("a:b", "first")).unwrap();
    served.node.publish(Instance::Alerts, &draft("c", "second")).unwrap();
    assert_eq!(lines.next_json().await["payload"], "first");
    assert_eq!(lines.next_json().await["payload"], "second");
    assert_eq!(served.node.subscribers(None, None).len(), 1);
}

#[tokio::test]
async fn one_stream_carries_several_instances_each_in_its_order() {
    const EACH: u64 = 3_000;
    let served = Served::start().await;
    let query = "pattern=alerts/*&pattern=metrics/*&pattern=events/never";
    let mut lines = served.client().await.subscribe(query).await;
    for _ in 0..EACH {
        served.node.publish(Instance::Alerts, &draft("t", "x")).unwrap();
        served.node.publish(Instance::Metrics, &draft("t", "x")).unwrap();
        served.node.publish(Instance::Events, &draft("t", "x")).unwrap();
    }
    let (mut alerts, mut metrics) = (0, 0);
    while alerts + metrics < 2 * EACH {
        let message = lines.next_json().await;
        let last = match message["instance"].as_str().unwrap() {
            "alerts" => &mut alerts,
            "metrics" => &mut metrics,
            other => panic!("{other} was not asked for"),
        };
        *last += 1;
        let seq = message["id"].as_str().unwrap().rsplit('/').next().unwrap();
        assert_eq!(seq, last.to_string());
        // Neither waits for the other to be through.
        assert!(alerts.abs_diff(metrics) <= 128, "{alerts} and {metrics}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_told_what_it_missed() {
    const MESSAGES: u64 = 6_000;
    let served = Served::start_with(
        |config| config.instances[Instance::Logging.index()].queue_messages = 64,
        |gateway| gateway,
    )
    .await;
    let mut lines = served.client().await.subscribe("pattern=logging/*").await;
    // 24 MB: more than the sockets between hold.
    for n in 0..MESSAGES {
        served
            .node
            .publish(Instance::Logging, &draft("t", "x".repeat(4096)))
            .unwrap();
        if n % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let (mut seen, mut missed) = (0, 0);
    while seen + missed < MESSAGES {
        let item = lines.next_json().await;
        if let Some(gap) = item.get("gap") {
            assert_eq!(gap["instance"], "logging");
            assert_eq!(gap["node"], "a");
            assert_eq!(gap["epoch"], served.node.epoch().0);
            assert_eq!(gap["cause"], "slow_subscriber");
            assert_eq!(gap["exact"], true);
            assert_eq!(gap["first"], seen + missed + 1);
            missed += gap["count"].as_u64().unwrap();
            assert_eq!(gap["last"], seen + missed);
            assert_eq!(gap.as_object().unwrap().len(), 8);
        } else {
            seen += 1;
            let seq = item["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            assert_eq!(seq, (seen + missed).to_string());
        }
    }
    assert!(missed > 0);
}

#[tokio::test]
async fn a_stream_ends_cleanly_when_the_node_stops_and_hands_out_the_rest() {
    let served = Served::start().await;
    let mut lines = served
        .client()
        .await
        .subscribe("pattern=alerts/*&pattern=events/*")
        .await;
    served.node.publish(Instance::Alerts, &draft("t", "last")).unwrap();
    served.node.shutdown().await;
    assert_eq!(lines.next_json().await["payload"], "last");
    assert_eq!(lines.next().await, None);

    let answer = served.client().await.get("/v1/subscribe?pattern=alerts/*").await;
    answer.expect_error(503, "stopping", "the node is stopping");
}

#[tokio::test]
async fn a_client_that_goes_is_unsubscribed() {
    let served = Served::start().await;
    let idle = served
        .client()
        .await
        .subscribe("pattern=alerts/*&pattern=audit/*")
        .await;
    assert_eq!(served.node.subscribers(None, None).len(), 2);
    drop(idle);
    until("no subscription is left", || {
        served.node.subscribers(None, None).is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_message_is_flushed_at_once_when_the_stream_was_idle() {
    let served = Served::start().await;
    let mut lines = served.client().await.subscribe("pattern=alerts/*").await;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        served.node.publish(Instance::Alerts, &draft("t", "x")).unwrap();
        tokio::time::timeout(Duration::from_secs(1), lines.next_json())
            .await
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_of_events_has_a_heartbeat_and_one_of_lines_has_none() {
    let served = Served::start().await;
    let mut events = served.client().await.open("pattern=alerts/*&format=sse").await;
    // When to come again, and the first event.
    for _ in 0..6 {
        events.next_patiently().await.unwrap();
    }
    let started = tokio::time::Instant::now();
    assert_eq!(events.next_patiently().await.unwrap(), ":");
    assert_eq!(events.next_patiently().await.unwrap(), "");
    assert_eq!(started.elapsed().as_secs(), 15);

    let mut lines = served.client().await.subscribe("pattern=alerts/*").await;
    assert!(
        tokio::time::timeout(Duration::from_secs(60), lines.next_patiently())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_flood_arrives_whole_and_in_order() {
    const MESSAGES: u64 = 16_000;
    let served = Served::start().await;
    let mut lines = served.client().await.subscribe("pattern=events/*").await;
    for _ in 0..MESSAGES {
        served.node.publish(Instance::Events, &draft("t", "x")).unwrap();
    }
    soon(async {
        for seq in 1..=MESSAGES {
            let message = lines.next_json().await;
            assert_eq!(message["id"], format!("events/a/{}/{seq}", served.node.epoch()));
        }
    })
    .await;
}
