//! A running node takes over a configuration that has changed.

use std::time::Duration;

use bellwether::{Config, Delivery, Instance, Node, NodeId, PublishError, ThresholdKind, ThresholdRule};
use tokio::time::timeout;

use crate::lab::*;

fn config(lab: &Lab) -> Config {
    let mut config = Config::new(NodeId::new("a").unwrap());
    config.listen = "127.0.0.1:0".parse().unwrap();
    config.data_dir = Some(lab.directory.path().join("a"));
    config
}

#[tokio::test]
async fn bounds_hold_for_subscriptions_that_are_open() {
    let lab = Lab::new();
    let old = config(&lab);
    let node = Node::start(old.clone()).await.unwrap();
    let (mut slow, _) = node.subscribe(Instance::Events, [pattern("*")]).await.unwrap();
    let mut new = old.clone();
    let events = &mut new.instances[Instance::Events.index()];
    events.queue_messages = 2;
    events.max_payload_bytes = 3;
    node.take_over(&old, &new);
    assert_eq!(node.max_payload_bytes(Instance::Events), 3);
    let refused = node.publish(Instance::Events, &draft("t", "long"));
    assert!(matches!(refused, Err(PublishError::Draft(_))), "{refused:?}");
    for n in 1..=5 {
        node.publish(Instance::Events, &draft("t", &n.to_string())).unwrap();
    }
    let first = slow.next().await.unwrap();
    assert!(
        matches!(&first, Delivery::Gap(gap) if gap.count == 3 && gap.exact),
        "{first:?}"
    );
    let info = node.instances().swap_remove(Instance::Events.index());
    assert_eq!((info.queue_limit_messages, info.max_payload_bytes), (2, 3));
    node.shutdown().await;
}

#[tokio::test]
async fn reporters_go_by_what_is_set_now() {
    let lab = Lab::new();
    let old = config(&lab);
    let node = Node::start(old.clone()).await.unwrap();
    let (mut metrics, _) = node.subscribe(Instance::Metrics, [pattern("*")]).await.unwrap();
    let mut new = old.clone();
    new.integration.enabled = true;
    new.integration.report_health = false;
    new.integration.metrics_interval = Duration::from_millis(100);
    node.take_over(&old, &new);
    // By the old settings the first report would come after a minute, and none while it is switched off.
    let reported = async {
        loop {
            node.publish(Instance::Events, &draft("t", "x")).unwrap();
            if let Ok(told) = timeout(Duration::from_millis(50), metrics.next()).await {
                return told.unwrap();
            }
        }
    };
    let told = timeout(DEADLINE, reported).await.expect("figures are reported");
    assert!(matches!(told, Delivery::Message(_)), "{told:?}");
    assert_eq!(node.integration().status().metrics_broadcast_interval, 100);

    // What was switched by hand stays as it is where the configuration says nothing else.
    node.integration().disable();
    let mut newer = new.clone();
    newer.integration.metrics_interval = Duration::from_millis(200);
    node.take_over(&new, &newer);
    assert!(!node.integration().enabled());
    node.shutdown().await;
}

#[tokio::test]
async fn thresholds_of_the_file_change_and_those_of_the_hour_stay() {
    let lab = Lab::new();
    let rule = |id: &str, warning: f64| {
        let mut rule = ThresholdRule::new(id, "m", ThresholdKind::Max);
        rule.warning = Some(warning);
        rule
    };
    let mut old = config(&lab);
    old.integration.thresholds = vec![rule("goes", 1.0), rule("changes", 1.0), rule("stays", 1.0)];
    let node = Node::start(old.clone()).await.unwrap();
    node.add_threshold(rule("by hand", 1.0)).unwrap();
    // Somebody has changed it meanwhile; the file has not.
    node.add_threshold(rule("stays", 7.0)).unwrap();
    let mut new = old.clone();
    new.integration.thresholds = vec![rule("changes", 2.0), rule("stays", 1.0), rule("comes", 1.0)];
    node.take_over(&old, &new);
    let rules: Vec<_> = node
        .thresholds()
        .into_iter()
        .map(|rule| (rule.id, rule.warning))
        .collect();
    let expected = [("by hand", 1.0), ("changes", 2.0), ("comes", 1.0), ("stays", 7.0)];
    assert_eq!(rules, expected.map(|(id, warning)| (id.to_owned(), Some(warning))));
    node.shutdown().await;
}
