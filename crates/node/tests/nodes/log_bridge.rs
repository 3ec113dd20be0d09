//! The log bridge: what one program logs arrives in another, and what one says of filters holds in all.

use std::num::NonZeroU32;
use std::time::Duration;

use bellwether::catalogue::Message;
use bellwether::catalogue::families::logging::{LogEntry, LogFilter, LogLevel, LogRotation, LogSummary};
use bellwether::{
    AttachError, Delivery, Envelope, Instance, LogBridge, LogBridgeSettings, LogRule, Node, NodeId, RuleAction, RuleBy,
    Sent, Subscription,
};
use serde_json::json;
use tokio::time::timeout;
use tracing::dispatcher::with_default;
use tracing::{Dispatch, error, info, warn};
use tracing_subscriber::prelude::*;

use crate::lab::*;

/// A program: what it logs, and its bridge.
fn program(change: impl FnOnce(&mut LogBridgeSettings)) -> (Dispatch, LogBridge) {
    let mut settings = LogBridgeSettings::default();
    change(&mut settings);
    let (layer, bridge) = LogBridge::new(settings);
    (Dispatch::new(tracing_subscriber::registry().with(layer)), bridge)
}

async fn pair() -> (Lab, Node, Node) {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let b = lab.start("b", &[&a]).await;
    let nodes = [a, b];
    all_see_all(&nodes).await;
    for node in &nodes {
        node.integration().enable();
    }
    let [a, b] = nodes;
    (lab, a, b)
}

async fn subscribe(node: &Node, topic: &str) -> Subscription {
    let (subscription, report) = node.subscribe(Instance::Logging, [pattern(topic)]).await.unwrap();
    assert!(report.is_complete());
    subscription
}

async fn next(subscription: &mut Subscription) -> Envelope {
    match timeout(DEADLINE, subscription.next())
        .await
        .expect("a delivery in time")
    {
        Some(Delivery::Message(envelope)) => envelope,
        other => panic!("{other:?}"),
    }
}

async fn next_entry(subscription: &mut Subscription) -> LogEntry {
    LogEntry::read(next(subscription).await.payload()).unwrap()
}

async fn next_message(subscription: &mut Subscription) -> String {
    next_entry(subscription).await.message
}

#[tokio::test]
async fn what_a_program_logs_arrives_on_another_node_by_service_and_level_and_as_log_entry() {
    let (_lab, a, b) = pair().await;
    let (logs, bridge) = program(|settings| settings.service = Some("shop".to_owned()));
    with_default(&logs, || info!(target: "shop::start", "before the node"));
    let mut errors = subscribe(&b, "logs:shop:error").await;
    let mut all = subscribe(&b, "log_entry").await;
    bridge.attach(&a).unwrap();
    assert_eq!(next_message(&mut all).await, "before the node");
    with_default(&logs, || {
        info!(target: "shop", "well");
        error!(target: "shop::pay", order = 42, "not well");
    });
    let envelope = next(&mut errors).await;
    assert_eq!(
        (envelope.topic(), envelope.head().event, envelope.originating_node()),
        ("logs:shop:error", "log_entry", "a")
    );
    let entry = LogEntry::read(envelope.payload()).unwrap();
    assert_eq!((entry.level, entry.message.as_str()), (LogLevel::Error, "not well"));
    assert_eq!(
        (entry.module.as_str(), &entry.metadata["order"]),
        ("shop::pay", &json!(42))
    );
    assert!(entry.log_id.is_some() && entry.timestamp.is_some());
    assert_eq!(next_message(&mut all).await, "well");
    assert_eq!(next_message(&mut all).await, "not well");
    assert_eq!(bridge.counts().published, 3);
}

#[tokio::test]
async fn the_service_is_the_node_unless_it_is_said_and_a_record_has_the_time_when_it_was_logged() {
    let (_lab, a, b) = pair().await;
    let (logs, bridge) = program(|_| {});
    let mut there = subscribe(&b, "logs:a:warn").await;
    with_default(&logs, || warn!(target: "shop", "early"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let attached = a.stamp().now;
    bridge.attach(&a).unwrap();
    let logged = next_entry(&mut there).await.timestamp.unwrap();
    let early = attached.as_millis() - logged.as_millis();
    assert!((250..5000).contains(&early), "{early} ms before it was attached");
    let (_logs, other) = program(|settings| settings.service = Some("x".repeat(300)));
    assert!(matches!(other.attach(&a), Err(AttachError::Service(_))));
}

#[tokio::test]
async fn a_filter_that_is_published_on_one_node_holds_on_all_until_it_is_taken_away() {
    let (_lab, a, b) = pair().await;
    let (a_logs, a_bridge) = program(|_| {});
    let (b_logs, b_bridge) = program(|_| {});
    a_bridge.attach(&a).unwrap();
    // Told before that bridge listens, and kept.
    let filter = LogFilter::new("module", "noise", "exclude").filter_id("quiet");
    b.publish_typed(&filter, None).unwrap();
    b_bridge.attach(&b).unwrap();
    let expected = LogRule {
        id: "quiet".to_owned(),
        by: RuleBy::Module,
        value: "noise".to_owned(),
        action: RuleAction::Exclude,
        enabled: true,
    };
    for bridge in [&a_bridge, &b_bridge] {
        eventually("the filter is there", || bridge.filters() == [expected.clone()]).await;
    }
    let mut there = subscribe(&a, "log_entry").await;
    for (logs, name) in [(&a_logs, "a"), (&b_logs, "b")] {
        with_default(logs, || {
            error!(target: "noise::inner", "silenced");
            info!(target: "noises", "heard of {name}");
        });
        assert_eq!(next_message(&mut there).await, format!("heard of {name}"));
    }
    assert_eq!(a_bridge.counts().excluded, 1);
    b.publish_typed(&filter.enabled(false), None).unwrap();
    for bridge in [&a_bridge, &b_bridge] {
        eventually("the filter is gone", || bridge.filters().is_empty()).await;
    }
    with_default(&a_logs, || error!(target: "noise::inner", "heard again"));
    assert_eq!(next_message(&mut there).await, "heard again");
}

#[tokio::test]
async fn a_filter_that_is_none_changes_nothing_and_the_next_one_is_heard() {
    let (_lab, a, b) = pair().await;
    let (_logs, bridge) = program(|_| {});
    bridge.attach(&a).unwrap();
    b.publish_typed(&LogFilter::new("module", "x", "rate_limit"), None)
        .unwrap();
    b.publish(Instance::Logging, &draft("log_filters", "no json")).unwrap();
    let limit = LogFilter::new("module", "x", "rate_limit").metadata(json!({"per_second": 5}));
    b.publish_typed(&limit, None).unwrap();
    eventually("the filter is there", || bridge.filters().len() == 1).await;
    let per_second = NonZeroU32::new(5).unwrap();
    assert_eq!(bridge.filters()[0].action, RuleAction::RateLimit { per_second });
}

#[tokio::test]
async fn a_summary_counts_all_that_was_logged() {
    let (_lab, a, b) = pair().await;
    let (logs, bridge) = program(|settings| {
        settings.summary_interval = Duration::from_secs(1);
        settings.burst = NonZeroU32::MIN;
        settings.per_second = NonZeroU32::MIN;
    });
    let mut there = subscribe(&b, "log_summary").await;
    with_default(&logs, || {
        info!(target: "shop", "well");
        for _ in 0..3 {
            error!(target: "shop", "timeout");
        }
    });
    bridge.attach(&a).unwrap();
    let envelope = next(&mut there).await;
    assert_eq!(envelope.head().event, "log_summary");
    let summary = LogSummary::read(envelope.payload()).unwrap();
    assert_eq!((summary.log_counts["info"], summary.log_counts["error"]), (1, 3));
    assert_eq!(summary.total_logs, Some(4));
    assert_eq!(
        (&summary.top_errors[0]["message"], &summary.top_errors[0]["count"]),
        (&json!("timeout"), &json!(3))
    );
    assert!(summary.error_rate > 0.0);
    assert_eq!(summary.nodes_reporting.unwrap(), ["a".into()]);
}

#[tokio::test]
async fn what_was_left_out_is_told() {
    let (_lab, a, b) = pair().await;
    let (logs, bridge) = program(|settings| settings.burst = NonZeroU32::new(2000).unwrap());
    let mut there = subscribe(&b, "logs:a:warn").await;
    bridge.attach(&a).unwrap();
    // Nothing is drained meanwhile: the tasks run on this thread.
    with_default(&logs, || (0..1034).for_each(|number| info!(target: "shop", "{number}")));
    let entry = next_entry(&mut there).await;
    assert_eq!(entry.message, "10 records were left out");
    assert_eq!(
        (&entry.metadata["queue_full"], &entry.metadata["rate_limited"]),
        (&json!(10), &json!(0))
    );
    eventually("the others are published", || bridge.counts().published == 1024 + 1).await;
}

#[tokio::test]
async fn switched_off_nothing_is_published_and_what_waited_is_dropped() {
    let (_lab, a, b) = pair().await;
    let (logs, bridge) = program(|_| {});
    let mut there = subscribe(&b, "log_entry").await;
    with_default(&logs, || info!(target: "shop", "waited"));
    a.integration().disable();
    bridge.attach(&a).unwrap();
    eventually("it is dropped", || bridge.counts().switched_off == 1).await;
    with_default(&logs, || info!(target: "shop", "switched off"));
    assert_eq!(bridge.counts().switched_off, 2);
    let rotated = bridge.rotated("application", "app.log.1", "app.log", None, None);
    assert_eq!(rotated.unwrap(), Sent::Disabled);
    a.integration().enable();
    with_default(&logs, || info!(target: "shop", "switched on"));
    assert_eq!(next_message(&mut there).await, "switched on");
    assert_eq!(bridge.counts().published, 1);
}

#[tokio::test]
async fn records_that_cannot_be_published_are_counted_and_lead_to_no_others() {
    let lab = Lab::new();
    let builder = Node::builder(NodeId::new("a").unwrap()).data_dir(lab.directory.path());
    let node = builder
        .instance(Instance::Logging, |settings| settings.max_payload_bytes = 64)
        .start()
        .await
        .unwrap();
    node.integration().enable();
    let (logs, bridge) = program(|_| {});
    let _default = tracing::dispatcher::set_default(&logs);
    bridge.attach(&node).unwrap();
    warn!(target: "shop", "too large");
    eventually("it is refused", || bridge.counts().failed == 1).await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    assert_eq!((bridge.counts().failed, bridge.counts().published), (1, 0));
}

#[tokio::test]
async fn a_rotation_is_told_and_what_waits_is_published_before_the_node_stops() {
    let (_lab, a, b) = pair().await;
    let (logs, bridge) = program(|_| {});
    let mut rotations = subscribe(&b, "log_rotations").await;
    let mut entries = subscribe(&b, "log_entry").await;
    bridge.attach(&a).unwrap();
    assert_eq!(bridge.attach(&a), Err(AttachError::Attached));
    bridge
        .rotated("application", "app.log.1", "app.log", Some(10), Some(2))
        .unwrap();
    let envelope = next(&mut rotations).await;
    let rotation = LogRotation::read(envelope.payload()).unwrap();
    assert_eq!(
        (
            envelope.head().event,
            rotation.old_file.as_str(),
            rotation.file_size,
            rotation.entries_count
        ),
        ("log_rotation", "app.log.1", Some(10), Some(2))
    );
    with_default(&logs, || (0..100).for_each(|number| info!(target: "shop", "{number}")));
    bridge.flush();
    a.shutdown().await;
    for number in 0..100 {
        assert_eq!(next_message(&mut entries).await, number.to_string());
    }
    let ended = timeout(DEADLINE, entries.next()).await.unwrap();
    assert!(matches!(ended, Some(Delivery::EpochEnded(_))), "{ended:?}");
    bridge.attach(&b).unwrap();
    with_default(&logs, || info!(target: "shop", "on another node"));
    assert_eq!(next(&mut entries).await.reporting_node(), "b");
}
