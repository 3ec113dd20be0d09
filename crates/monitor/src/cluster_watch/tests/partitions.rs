//! What is one happening.

use super::*;

fn membership(effects: &[Effect]) -> Vec<Membership> {
    let change = |effect: &Effect| match effect {
        Effect::Membership(change) => Some(change.clone()),
        _ => None,
    };
    effects.iter().filter_map(change).collect()
}

#[test]
fn several_that_go_down_within_the_window_are_one_partition() {
    let mut observer = Observer::joined("a", "b c d e f");
    observer.sees("b c d! e f");
    observer.wait(300);
    observer.sees("b c d! e! f");
    assert_eq!(observer.wait(199), "");
    let effects = observer.watch.tick(observer.now + ms(1));
    let expected = Membership {
        event: MembershipEvent::PartitionDetected,
        affected_nodes: vec![id("d"), id("e")],
        active_nodes: vec![id("a"), id("b"), id("c"), id("f")],
        total_nodes: 6,
        quorum: Quorum::Available,
    };
    assert_eq!(membership(&effects), [expected]);
}

#[test]
fn two_that_go_down_further_apart_are_two_removals() {
    let mut observer = Observer::joined("a", "b c d e f");
    observer.sees("b c d! e f");
    assert_eq!(observer.wait(500), "node_removed=d");
    observer.sees("b c d! e! f");
    assert_eq!(observer.wait(500), "node_removed=e");
}

#[test]
fn the_loss_of_the_quorum_is_a_partition_whatever_its_size() {
    let mut observer = Observer::joined("a", "b");
    assert_eq!(observer.sees("b!"), "failed:b/1 down(1) unhealthy[1/2]");
    let effects = observer.watch.tick(observer.now + ms(500));
    let changes = membership(&effects);
    assert_eq!(text(&effects), "partition_detected=b");
    assert_eq!(changes.first().unwrap().quorum, Quorum::Lost);
}

#[test]
fn a_further_loss_without_a_quorum_is_a_removal() {
    let mut observer = Observer::joined("a", "b c d");
    observer.sees("b c! d!");
    assert_eq!(observer.wait(1_000), "partition_detected=c+d");
    observer.sees("b! c! d!");
    assert_eq!(observer.wait(1_000), "node_removed=b");
}

#[test]
fn several_returns_are_one_heal() {
    let mut observer = Observer::joined("a", "b c d");
    observer.sees("b! c! d!");
    observer.wait(10_000);
    observer.sees("b c! d!");
    observer.wait(200);
    observer.sees("b c d");
    assert_eq!(observer.wait(1_000), "partition_healed=b+c+d");
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn a_leaver_is_no_part_of_a_partition() {
    let mut observer = Observer::joined("a", "b c d e");
    let said = observer.sees("b c! d");
    assert!(said.starts_with("node_removed=e"), "{said}");
    assert_eq!(observer.wait(1_000), "node_removed=c");
}

#[test]
fn a_cut_off_observer_announces_every_failure_and_every_return_of_the_other_side() {
    let mut observer = Observer::joined("c", "a b d");
    let said = observer.sees("a! b! d!");
    for lost in ["failed:a", "failed:b", "failed:d"] {
        assert!(said.contains(lost), "{said}");
    }
    observer.wait(20_000);
    let said = observer.sees("a b! d!");
    assert!(said.contains("recovered:a"), "{said}");
    observer.wait(400);
    let said = observer.sees("a b d");
    assert!(said.contains("recovered:b") && said.contains("recovered:d"), "{said}");
}

#[test]
fn a_failure_that_is_also_told_by_the_other_side_is_told_once_on_this() {
    let mut observer = Observer::joined("a", "b c d");
    observer.sees("b! c! d!");
    observer.wait(1_000);
    observer.hears(News::Failed, "b");
    observer.hears(News::Failed, "c");
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn a_window_that_is_over_takes_nobody_in_though_it_was_not_closed_in_time() {
    let mut observer = Observer::joined("a", "b c d e");
    observer.sees("b c! d e");
    observer.now += ms(600);
    let said = observer.sees("b c! d! e");
    assert!(said.starts_with("node_removed=c"), "{said}");
    assert_eq!(observer.wait(500), "node_removed=d");
}
