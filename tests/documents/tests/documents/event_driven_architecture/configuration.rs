//! "Configuration".

use std::path::Path;

use bellwether::{Config, Instance, Layer};
use serde_json::json;

use crate::lab::*;

/// "PubSub Instance Configuration": whoever starts a node has the instances, with nothing to say about them.
#[tokio::test]
async fn pub_sub_instance_configuration() {
    let pair = Pair::new().await;
    let running = pair.b.instances();
    assert_eq!(running.len(), 10);
    for name in ["ex_esdb_events", "ex_esdb_system", "ex_esdb_health"] {
        let instance: Instance = name.parse().unwrap();
        assert!(running.iter().any(|info| info.instance == instance));
        let mut heard = pair.subscribe(instance, &["any:topic"]).await;
        pair.publish(instance, "any:topic", "said", &json!({"in": name}));
        says(&hear(&mut heard, "any:topic", "said").await, json!({"in": name}));
    }
}

#[test]
fn health_monitoring_configuration() {
    let sample = "name = \"a\"\n[health_monitoring]\nenabled = true\ncheck_interval_ms = 5_000\nunhealthy_threshold = 3\n\
                  circuit_breaker_enabled = true\n";
    let resolved = |file: &str| {
        let layer = Layer::from_toml(file, Path::new("bellwether.toml")).unwrap();
        Config::resolve(layer).unwrap().integration.health_monitoring
    };
    let health = resolved(sample);
    assert!(health.enabled && health.circuit_breaker_enabled);
    assert_eq!(
        (health.check_interval.as_millis(), health.unhealthy_threshold.get()),
        (5_000, 3)
    );
    assert_eq!(health, resolved("name = \"a\""), "these are the defaults");
    let other = resolved(
        &sample
            .replace("true", "false")
            .replace("5_000", "1_000")
            .replace("= 3", "= 5"),
    );
    assert!(!other.enabled && !other.circuit_breaker_enabled);
    assert_eq!(
        (other.check_interval.as_millis(), other.unhealthy_threshold.get()),
        (1_000, 5)
    );
}
