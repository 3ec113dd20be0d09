//! The load that the scenarios have in common.

use std::time::Duration;

use bellwether::Instance;
use bellwether_tests::Participant;
use bellwether_tests::participant::Load;

/// Whether to take the time of the long forms: `scripts/soak` says so.
pub(super) fn is_soak() -> bool {
    std::env::var_os("BELLWETHER_TESTS_SOAK").is_some()
}

/// So many seconds, or so many in the long form.
pub(super) fn seconds(short: u64, soak: u64) -> Duration {
    Duration::from_secs(if is_soak() { soak } else { short })
}

/// Messages of 128 bytes on `load:all` of an instance, at this rate until it is hushed.
pub(super) fn endless(instance: Instance, rate: u64) -> Load {
    Load {
        instance,
        topic: "load:all".to_owned(),
        count: u64::MAX,
        rate,
        waits: false,
        bytes: 128,
    }
}

/// The same, with back-pressure.
pub(super) fn waiting(instance: Instance, rate: u64) -> Load {
    Load {
        waits: true,
        ..endless(instance, rate)
    }
}

/// Lets the load flow. The scenarios are about what happens during a time, so this is one of the things that they
/// cannot wait for by a condition.
pub(super) async fn for_a_while(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Every node subscribes to the load of every node, and publishes `rate` a second. Gives each subscription with the place
/// of its node.
pub(super) async fn all_publish_and_subscribe(nodes: &mut [Participant], rate: u64) -> Vec<(usize, u64)> {
    let mut subs = Vec::new();
    for (index, node) in nodes.iter_mut().enumerate() {
        subs.push((index, node.subscribe(Instance::Events, "load:*").await));
    }
    for node in nodes {
        node.publish(endless(Instance::Events, rate)).await;
    }
    subs
}

/// Ends the loads of [`all_publish_and_subscribe`], and waits until every subscription has every message, in order, and no
/// gap.
pub(super) async fn all_has_arrived(nodes: &mut [Participant], subs: &[(usize, u64)]) {
    let mut published = Vec::new();
    for node in nodes.iter_mut() {
        published.push((node.name().to_owned(), node.hush(Instance::Events).await));
    }
    for (index, sub) in subs {
        for (origin, published) in &published {
            let feed = nodes[*index].heard_until(*sub, origin, published.last_seq).await;
            assert_eq!((feed.received, feed.disordered), (published.count, 0), "{feed:?}");
            assert_eq!(feed.gaps, []);
        }
    }
}
