//! "Troubleshooting". "Common Issues" are those of the quick reference.

use std::time::Duration;

use crate::lab::*;

#[tokio::test]
async fn debug_mode() {
    let lab = Lab::new();
    let a = lab
        .builder("a")
        .integration(|integration| {
            integration.health_interval = Duration::from_secs(5);
            integration.metrics_interval = Duration::from_secs(10);
        })
        .start()
        .await
        .unwrap();
    let integration = a.integration();
    assert!(integration.enabled());
    assert_eq!(integration.health_broadcast_interval(), 5_000);
    assert_eq!(integration.metrics_broadcast_interval(), 10_000);
    let status = integration.status();
    assert_eq!(
        (
            status.enabled,
            status.health_broadcast_interval,
            status.metrics_broadcast_interval
        ),
        (true, 5_000, 10_000)
    );
    integration.disable();
    assert!(!integration.enabled() && !integration.status().enabled);
}
