//! "Quick Setup".

use std::path::Path;

use bellwether::{Config, Instance, Layer, Node, Sent};
use serde_json::json;

use crate::lab::*;

#[tokio::test]
async fn enable_integration() {
    let lab = Lab::new();
    let file = "[integration]\nenabled = true\nhealth_broadcast_interval_ms = 30_000\nmetrics_broadcast_interval_ms = 60_000\n";
    let settings = || {
        let file = Layer::from_toml(file, Path::new("bellwether.toml")).unwrap();
        let place = Layer {
            name: Some("a".into()),
            listen: Some("127.0.0.1:0".into()),
            http: Some("off".into()),
            data_dir: Some(lab.directory().join("a")),
            ..Layer::default()
        };
        place.as_flags().over(file)
    };
    let unsecured = Node::start(Config::resolve(settings()).unwrap()).await.unwrap();
    assert!(!unsecured.is_signed(), "the secret is optional");
    unsecured.shutdown().await;

    let environment = Layer::from_environment([("SECRET_KEY_BASE", SECRET)]).unwrap();
    let config = Config::resolve(settings().over(environment)).unwrap();
    let node = Node::start(config).await.unwrap();
    assert!(node.is_signed());
    let integration = node.integration();
    assert!(integration.enabled());
    assert_eq!(integration.health_broadcast_interval(), 30_000);
    assert_eq!(integration.metrics_broadcast_interval(), 60_000);
    node.shutdown().await;
}

#[tokio::test]
async fn runtime_control() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut heard = pair.subscribe(Instance::System, &["lifecycle"]).await;

    integration.enable();
    assert!(integration.enabled());
    published(integration.broadcast_system_lifecycle("started", "ex_esdb", "0.8.0"));
    says(
        &hear_typed(&mut heard, "lifecycle", "system_lifecycle_event").await,
        json!({"event": "started"}),
    );

    integration.disable();
    assert!(!integration.enabled());
    let switched_off = integration.broadcast_system_lifecycle("stopping", "ex_esdb", "0.8.0");
    assert_eq!(switched_off.unwrap(), Sent::Disabled);

    integration.enable();
    assert!(integration.enabled());
    published(integration.broadcast_system_lifecycle("stopped", "ex_esdb", "0.8.0"));
    says(
        &hear_typed(&mut heard, "lifecycle", "system_lifecycle_event").await,
        json!({"event": "stopped"}),
    );
}
