//! "Troubleshooting".

mod common_issues;

use bellwether::{Instance, Subscriber};

use crate::lab::*;

#[tokio::test]
async fn debug_commands() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    assert!(integration.enabled());
    assert_eq!(integration.health_broadcast_interval(), 30_000);
    assert_eq!(integration.metrics_broadcast_interval(), 60_000);

    let mut own = pair.subscribe(Instance::Health, &["cluster_health"]).await;
    let _other = pair.subscribe(Instance::Health, &["component_health"]).await;
    let subscribers = |node: &bellwether::Node| -> Vec<Subscriber> {
        let mut found = node.subscribers(Some(Instance::Health), Some(&topic("cluster_health")));
        // The nodes themselves listen to the health of all stores.
        found.retain(|found| !found.patterns.contains(&pattern("subscription_health:*")));
        found
    };
    let [here] = subscribers(&pair.b).try_into().unwrap();
    assert_eq!(
        (here.node.as_str(), here.patterns),
        ("b", vec![pattern("cluster:health")])
    );
    // Of a peer it is known what it wants.
    let there = pair
        .a
        .subscribers(Some(Instance::Health), Some(&topic("cluster_health")));
    let of_b = there.iter().find(|found| found.node.as_str() == "b").unwrap();
    assert!(of_b.patterns.contains(&pattern("cluster:health")) && of_b.queue_messages.is_none());

    // `Process.info(self(), [:message_queue_len, :memory])`
    assert_eq!((here.queue_messages, here.queue_bytes), (Some(0), Some(0)));
    for _ in 0..3 {
        published(integration.broadcast_cluster_health(&["a", "b"], &[], "check"));
    }
    let waiting = |wanted| {
        let info = &subscribers(&pair.b)[0];
        info.queue_messages == Some(wanted) && (info.queue_bytes > Some(0)) == (wanted > 0)
    };
    eventually("three messages wait to be read", || waiting(3)).await;
    for _ in 0..3 {
        next(&mut own).await;
    }
    assert!(waiting(0));
}
