//! Nodes tell of each other: who fails, who is back, and nobody who only paused.

use std::time::Duration;

use bellwether_tests::{Item, Lab, Message, Process, Stream, all_see_all};
use tokio::time::Instant;

/// A failure is to be told within 5 s.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// Whatever would be said twice is said by then: the next in order waits 3 s.
const ALL_IS_SAID: Duration = Duration::from_secs(8);

const WATCHED: [&str; 3] = ["alerts/*", "lifecycle/*", "health/cluster:health"];

async fn telling(lab: &Lab, name: &str, seed: Option<&Process>) -> Process {
    let start = lab
        .node(name)
        .telling()
        .variable("BELLWETHER_REPORTERS_HEALTH", "false")
        .variable("BELLWETHER_REPORTERS_METRICS", "false");
    match seed {
        Some(seed) => start.seed(seed.mesh()).start().await,
        None => start.start().await,
    }
}

/// Three that have met, and whose reporters have seen that.
async fn three(lab: &Lab) -> [Process; 3] {
    let a = telling(lab, "a", None).await;
    let (b, c) = tokio::join!(telling(lab, "b", Some(&a)), telling(lab, "c", Some(&a)));
    let nodes = [a, b, c];
    all_see_all(&nodes).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    nodes
}

/// What is said within a time about one node.
async fn said_of(stream: &mut Stream, node: &str, within: Duration) -> Vec<(Message, Duration)> {
    let mut said = said(stream, within).await;
    said.retain(|(message, _)| message.originating_node == node);
    said
}

/// What is said within a time, and when.
async fn said(stream: &mut Stream, within: Duration) -> Vec<(Message, Duration)> {
    let began = Instant::now();
    let mut said = Vec::new();
    while let Some(left) = within.checked_sub(began.elapsed()) {
        match tokio::time::timeout(left, stream.next()).await {
            Ok(Some(Item::Message(message))) => said.push((*message, began.elapsed())),
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream has ended"),
            Err(_) => break,
        }
    }
    said
}

/// `reporter event [what]`, in order.
fn words(said: &[(Message, Duration)]) -> Vec<String> {
    let mut words: Vec<String> = said
        .iter()
        .map(|(message, _)| {
            let text = |name: &str| message.payload[name].as_str();
            let what = text("alert_type")
                .or(text("event"))
                .or(text("event_type"))
                .unwrap_or("?");
            format!("{} {} {what}", message.reporting_node, message.event)
        })
        .collect();
    words.sort_unstable();
    words
}

#[tokio::test]
async fn a_killed_node_is_told_once_and_so_is_its_return() {
    let lab = Lab::default();
    let [a, b, mut c] = three(&lab).await;
    let mut on_b = b.client().await.subscribe(&WATCHED).await;

    let killed = c.kill().await;
    let said = said_of(&mut on_b, "c", ALL_IS_SAID).await;
    assert_eq!(
        words(&said),
        [
            "a cluster_health_updated node_down",
            "a cluster_membership_changed node_removed",
            "a node_lifecycle_event down",
            "a system_alert node_failure",
            "b cluster_membership_changed node_removed",
        ]
    );
    let last = said.iter().map(|(_, after)| *after).max().unwrap();
    println!("all is said {:.2} s after the kill", last.as_secs_f64());
    assert!(last < TOLD_WITHIN, "{last:?}, {:?}", killed.elapsed());
    for (message, _) in &said {
        let payload = &message.payload;
        match message.event.as_str() {
            "system_alert" => assert_eq!(
                (
                    payload["severity"].as_str(),
                    payload["requires_ack"].as_bool(),
                    payload["node"].as_str()
                ),
                (Some("critical"), Some(true), Some("c"))
            ),
            "cluster_health_updated" => {
                assert_eq!(
                    (payload["healthy_nodes"].as_u64(), payload["total_nodes"].as_u64()),
                    (Some(2), Some(3))
                );
                assert_eq!(
                    (&payload["status"], &payload["quorum_status"]),
                    (&"degraded".into(), &"available".into())
                );
                assert_eq!(payload["unhealthy_nodes"], serde_json::json!(["c"]));
            }
            "cluster_membership_changed" => {
                assert_eq!(payload["affected_nodes"], serde_json::json!(["c"]));
                assert_eq!(payload["active_nodes"], serde_json::json!(["a", "b"]));
                assert_eq!(payload["quorum_status"], "available");
            }
            _ => assert_eq!(payload["cluster_size"], 2),
        }
    }

    let again = lab.node("c").telling().variable("BELLWETHER_REPORTERS_HEALTH", "false");
    let again = again.listen(c.mesh()).http(c.http()).seed(a.mesh());
    let _c = again.start().await;
    let said = said_of(&mut on_b, "c", ALL_IS_SAID).await;
    assert_eq!(
        words(&said),
        [
            "a cluster_health_updated node_reconnected",
            "a cluster_membership_changed node_added",
            "a node_lifecycle_event reconnected",
            "a system_alert node_recovered",
            "b cluster_membership_changed node_added",
        ]
    );
}

#[tokio::test]
async fn the_node_with_the_lowest_name_may_be_the_one_that_fails() {
    let lab = Lab::default();
    let [mut a, b, _c] = three(&lab).await;
    let mut on_b = b.client().await.subscribe(&WATCHED).await;
    a.kill().await;
    let said = said_of(&mut on_b, "a", ALL_IS_SAID).await;
    assert_eq!(
        words(&said),
        [
            "b cluster_health_updated node_down",
            "b cluster_membership_changed node_removed",
            "b node_lifecycle_event down",
            "b system_alert node_failure",
            "c cluster_membership_changed node_removed",
        ]
    );
}

#[tokio::test]
async fn a_node_that_pauses_for_a_second_alarms_nobody_and_says_nothing_when_it_wakes() {
    let lab = Lab::default();
    let [a, b, c] = three(&lab).await;
    let mut on_b = b.client().await.subscribe(&WATCHED).await;
    for paused in [&c, &a] {
        paused.pause();
        tokio::time::sleep(Duration::from_secs(1)).await;
        paused.resume();
        let said = said(&mut on_b, Duration::from_secs(5)).await;
        assert!(said.is_empty(), "{:?}", words(&said));
    }
}
