//! "Configuration".

use std::path::Path;

use bellwether::{Config, Instance, Layer, Node, Sent};
use serde_json::json;

use crate::lab::*;

#[test]
fn enable_disable_integration() {
    let resolved = |integration: &str| {
        let file = format!("name = \"a\"\n[integration]\n{integration}");
        Config::resolve(Layer::from_toml(&file, Path::new("bellwether.toml")).unwrap())
            .unwrap()
            .integration
    };
    let sample = resolved(
        "# Enable pubsub integration for dashboard and monitoring\nenabled = true\n\
         # Interval for health status broadcasts (30 seconds)\nhealth_broadcast_interval_ms = 30_000\n\
         # Interval for metrics broadcasts (60 seconds)\nmetrics_broadcast_interval_ms = 60_000\n",
    );
    assert!(sample.enabled);
    assert_eq!(
        (sample.health_interval.as_secs(), sample.metrics_interval.as_secs()),
        (30, 60)
    );
    assert_eq!(
        sample,
        resolved(""),
        "these are the defaults of a node that is configured"
    );
    assert!(!resolved("enabled = false").enabled);
    let seldom = resolved("health_broadcast_interval_ms = 5_000\nmetrics_broadcast_interval_ms = 10_000");
    assert_eq!(
        (seldom.health_interval.as_secs(), seldom.metrics_interval.as_secs()),
        (5, 10)
    );
}

#[tokio::test]
async fn runtime_control() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut heard = pair.subscribe(Instance::Health, &["component_health"]).await;
    let tell = || integration.broadcast_health_update("store_worker", "healthy", json!({}));

    integration.enable();
    assert!(integration.enabled());
    published(tell());
    hear_typed(&mut heard, "component_health", "component_health_updated").await;

    integration.disable();
    assert!(!integration.enabled());
    assert_eq!(tell().unwrap(), Sent::Disabled);
    // The switch is the helper's: the bus goes on.
    pair.nothing_more(&mut heard, "component_health").await;
}

#[tokio::test]
async fn message_security() {
    let lab = Lab::new();
    let environment = Layer::from_environment([("SECRET_KEY_BASE", SECRET)]).unwrap();
    let place = Layer {
        name: Some("a".into()),
        listen: Some("127.0.0.1:0".into()),
        http: Some("off".into()),
        data_dir: Some(lab.directory().join("a")),
        ..Layer::default()
    };
    let a = Node::start(Config::resolve(place.as_flags().over(environment)).unwrap())
        .await
        .unwrap();
    let b = lab.builder("b").seed(address(&a)).start().await.unwrap();
    meet(&[&a, &b]).await;
    let mut heard = subscribe(&b, Instance::Security, &["auth_event"]).await;
    let named = named("AuthEvent");
    a.publish_payload(named, named.example(), None).unwrap();
    let message = next(&mut heard).await;
    assert!(message.is_signed());
    let tag = message.body().len() - message.payload().len();
    assert!(tag > 16, "the payload travels with its signature: {tag}");
    a.shutdown().await;
}
