//! Joining and leaving.

use bellwether::Instance;
use serde_json::json;

use crate::served::Served;

#[tokio::test]
async fn a_join_is_answered_when_it_is_live_and_what_is_published_then_comes() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let (join_ref, response) = client.join("events:orders:new", json!({})).await;
    assert_eq!(
        response["live"],
        json!({"live": 1, "nodes": 1, "not_yet": [], "joined": true})
    );
    assert!(response["cursor"].is_string(), "{response}");
    served.publish(Instance::Events, "orders:new", "made", r#"{"n":1}"#);
    served.publish(Instance::Events, "orders:old", "made", r#"{"n":2}"#);
    served.publish(Instance::Audit, "orders:new", "made", r#"{"n":3}"#);
    let frame = client.next().await;
    assert_eq!((frame.join_ref, frame.reference), (Some(join_ref), None));
    assert_eq!(
        (&*frame.topic, &*frame.event, &frame.payload["n"]),
        ("events:orders:new", "made", &json!(1))
    );
    client.expect_nothing().await;
}

#[tokio::test]
async fn a_pattern_is_joined_literally_and_the_real_topic_is_told() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("alerts:system_alerts:*", json!({})).await;
    client.join("events:+:new", json!({})).await;
    served.publish(Instance::Alerts, "system_alerts:critical", "system_alert", "{}");
    let frame = client.next().await;
    assert_eq!(frame.topic, "alerts:system_alerts:*");
    assert_eq!(frame.payload["_bellwether"]["topic"], "alerts:system_alerts:critical");
    served.publish(Instance::Events, "orders:eu:new", "made", "{}");
    served.publish(Instance::Events, "orders:new", "made", "{}");
    let frame = client.next().await;
    assert_eq!(frame.topic, "events:+:new");
    assert_eq!(frame.payload["_bellwether"]["topic"], "events:orders:new");
}

#[tokio::test]
async fn topics_of_the_documents_bring_their_events() {
    let served = Served::start().await;
    let mut client = served.client().await;
    // As LiveViews subscribe: `Phoenix.PubSub.subscribe(:ex_esdb_health, "cluster_health")`.
    client.join("ex_esdb_health:cluster_health", json!({})).await;
    let mut rust = served
        .node
        .subscribe(Instance::Health, ["cluster_health".parse().unwrap()])
        .await
        .unwrap()
        .0;
    served.publish(
        Instance::Health,
        "cluster_health",
        "cluster_health_updated",
        r#"{"status":"healthy"}"#,
    );
    let frame = client.next().await;
    assert_eq!(frame.topic, "ex_esdb_health:cluster_health");
    assert_eq!(
        (&*frame.event, &frame.payload["status"]),
        ("cluster_health_updated", &json!("healthy"))
    );
    assert!(rust.next().await.is_some());
}

#[tokio::test]
async fn several_channels_share_a_socket_and_leaving_one_leaves_the_others() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let (first, _) = client.join("events:a", json!({})).await;
    client.join("events:*", json!({})).await;
    served.publish(Instance::Events, "a", "made", "{}");
    let mut topics = [client.next().await.topic, client.next().await.topic];
    topics.sort();
    assert_eq!(topics, ["events:*", "events:a"]);
    let reference = client.push(Some(&first), "events:a", "phx_leave", json!({})).await;
    let left = client.next().await;
    assert_eq!(
        (left.join_ref.as_ref(), left.reference),
        (Some(&first), Some(reference))
    );
    assert_eq!(left.payload["status"], "ok");
    let closed = client.next().await;
    assert_eq!((&*closed.event, &*closed.topic), ("phx_close", "events:a"));
    assert_eq!(
        (closed.join_ref.as_ref(), closed.reference.as_ref()),
        (Some(&first), Some(&first))
    );
    served.publish(Instance::Events, "a", "made", "{}");
    assert_eq!(client.next().await.topic, "events:*");
    client.expect_nothing().await;
    assert_eq!(served.node.subscribers(Some(Instance::Events), None).len(), 1);
}

#[tokio::test]
async fn a_second_join_takes_the_place_of_the_first() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let (first, _) = client.join("events:a", json!({})).await;
    let second = client.push(None, "events:a", "phx_join", json!({})).await;
    let closed = client.next().await;
    assert_eq!((&*closed.event, closed.join_ref), ("phx_close", Some(first.clone())));
    let joined = client.next().await;
    assert_eq!((&*joined.event, joined.join_ref.as_ref()), ("phx_reply", Some(&second)));
    served.publish(Instance::Events, "a", "made", "{}");
    assert_eq!(client.next().await.join_ref.as_ref(), Some(&second));
    // Of the first: too late.
    client.push(Some(&first), "events:a", "made", json!({})).await;
    client.push(Some(&first), "events:a", "phx_leave", json!({})).await;
    client.expect_nothing().await;
}

#[tokio::test]
async fn of_a_queue_group_one_gets_each_message() {
    let served = Served::start().await;
    let (mut first, mut second) = (served.client().await, served.client().await);
    let topic = "events:$queue:workers:orders:*";
    first.join(topic, json!({})).await;
    second.join(topic, json!({})).await;
    let (_, status, response) = second
        .try_join("events:$queue:other:orders:*", json!({"from": "earliest"}))
        .await;
    assert_eq!(
        (&*status, &response["reason"]),
        ("error", &json!("bad_params")),
        "{response}"
    );
    for n in 0..100 {
        served.publish(Instance::Events, "orders:new", "made", json!({"n": n}).to_string());
    }
    let mut received = Vec::new();
    while received.len() < 100 {
        let frame = tokio::select! {
            frame = first.next() => frame,
            frame = second.next() => frame,
        };
        assert_eq!(frame.topic, topic);
        received.push(frame.payload["n"].as_u64().unwrap());
    }
    received.sort_unstable();
    assert_eq!(received, (0..100).collect::<Vec<_>>());
    first.expect_nothing().await;
    second.expect_nothing().await;
}

#[tokio::test]
async fn what_cannot_be_joined_is_refused_in_words() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (topic, params, reason, words) in [
        ("room:lobby", json!({}), "unmatched topic", "write INSTANCE:TOPIC"),
        ("health", json!({}), "unmatched topic", "one level"),
        ("events:a::b", json!({}), "unmatched topic", "empty"),
        ("events:a", json!({"since": "!"}), "bad_token", "`since` is wrong"),
        ("events:a", json!({"from": "then"}), "bad_params", "`then` is none of"),
    ] {
        let (_, status, response) = client.try_join(topic, params).await;
        assert_eq!(
            (&*status, &response["reason"]),
            ("error", &json!(reason)),
            "{topic}: {response}"
        );
        assert!(
            response["message"].as_str().unwrap().contains(words),
            "{topic}: {response}"
        );
    }
    let (reason, _) = client.refused("events:a", "made", json!({})).await;
    assert_eq!(reason, "unmatched topic");
    client
        .join("events:a", json!({"user_token": "the application's own"}))
        .await;
}
