//! "Implementation Details".

use std::time::Duration;

use bellwether::{Delivery, Draft, Instance, Timestamp, Topic};
use serde_json::json;
use tokio::time::timeout;

use crate::lab::*;

/// "PubSub Manager": one set of instances per node, shared by whatever runs on it.
#[tokio::test]
async fn pub_sub_manager() {
    let pair = Pair::new().await;
    let (one_store, other_store) = (pair.a.clone(), pair.a.clone());
    let mut heard = subscribe(&one_store, Instance::Health, &["store_health:main"]).await;
    let draft = Draft::new(topic("store_health:main"), "said").json("{}");
    let id = other_store.publish(Instance::Health, &draft).unwrap();
    assert_eq!(next(&mut heard).await.id(), id);
    assert_eq!(
        (one_store.epoch(), one_store.instances().len()),
        (other_store.epoch(), 10)
    );
    drop((one_store, other_store));
    pair.nothing_more(&mut heard, "store_health:main").await;
    // A second set under the same name is refused; the first is still the one.
    let second = pair.lab.builder("a").seed(address(&pair.b)).start().await.unwrap();
    let reason = timeout(Duration::from_secs(20), second.failed()).await.unwrap();
    assert!(reason.starts_with("duplicate_node_id"), "{reason}");
    second.shutdown().await;
    pair.nothing_more(&mut heard, "store_health:main").await;
}

/// "Use colons to separate topic hierarchy levels", "include relevant identifiers".
#[tokio::test]
async fn topic_naming_conventions() {
    let named = Topic::new("subscription_health:production_store:user_projection").unwrap();
    assert_eq!(named.as_str().split(':').count(), 3);
    for bad in ["", ":", "a::b", ":a", "a:", "a:*", "a:+:b"] {
        assert!(Topic::new(bad).is_err(), "{bad:?}");
    }
    let pair = Pair::new().await;
    let mut store = pair
        .subscribe(Instance::Health, &["subscription_health:production_store:*"])
        .await;
    let mut any_store = pair
        .subscribe(Instance::Health, &["subscription_health:+:user_projection"])
        .await;
    for on in [
        "test_store:user_projection",
        "production_store:orders",
        "production_store:user_projection",
    ] {
        pair.publish(
            Instance::Health,
            &format!("subscription_health:{on}"),
            "said",
            &json!({"on": on}),
        );
    }
    for on in ["production_store:orders", "production_store:user_projection"] {
        assert_eq!(payload(&next(&mut store).await)["on"], on);
    }
    for on in ["test_store:user_projection", "production_store:user_projection"] {
        assert_eq!(payload(&next(&mut any_store).await)["on"], on);
    }
}

/// "Message Format": a tag, and an object with the time in milliseconds.
#[tokio::test]
async fn message_format() {
    let pair = Pair::new().await;
    let mut heard = pair.subscribe(Instance::System, &["system_status:api"]).await;
    let now = Timestamp::now().as_millis();
    let event = json!({"timestamp": now, "load": 0.7});
    pair.publish(Instance::System, "system_status:api", "event_type", &event);
    let message = next(&mut heard).await;
    assert_eq!(message.head().event, "event_type");
    assert_eq!(payload(&message), event);
    let published = message.timestamp().as_millis();
    assert!(
        (now..now + 10_000).contains(&published),
        "the mesh's own time is in milliseconds too: {published}"
    );
}

/// "Failed publications are logged but don't interrupt normal operation."
#[tokio::test]
async fn error_handling() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut heard = pair.subscribe(Instance::Health, &["component_health"]).await;
    let limit = pair.a.instances()[Instance::Health.index()].max_payload_bytes;
    let failures = [
        integration.broadcast_health_update("store", "splendid", json!({})),
        integration.broadcast_store_health("cluster", "store", "healthy", json!({})),
        integration.broadcast_health_update("store", "healthy", json!({"text": "x".repeat(limit)})),
        integration
            .clone()
            .on_topic(topic("$reserved"))
            .broadcast_health_update("store", "healthy", json!({})),
        integration
            .clone()
            .about_node("")
            .broadcast_health_update("store", "healthy", json!({})),
    ];
    for failure in failures {
        assert!(!failure.unwrap_err().to_string().is_empty());
    }
    assert_eq!(integration.status().failed, 5);
    published(integration.broadcast_health_update("store", "healthy", json!({})));
    hear_typed(&mut heard, "component_health", "component_health_updated").await;
    pair.nothing_more(&mut heard, "component_health").await;

    pair.a.shutdown().await;
    assert!(
        integration
            .broadcast_health_update("store", "healthy", json!({}))
            .is_err(),
        "an error, and no panic"
    );
    while let Some(delivery) = heard.try_next() {
        assert!(!matches!(delivery, Delivery::Message(_)), "{delivery:?}");
    }
}
