//! Who says it.

use super::*;

#[test]
fn the_next_waits_for_each_before_it_and_then_says_it() {
    let mut second = Observer::joined("b", "a c d");
    assert_eq!(second.sees("a c! d"), "");
    assert_eq!(second.wait(2_999), "node_removed=c");
    assert_eq!(second.wait(1), "failed:c/1 down(3) degraded[3/4]");
    let mut third = Observer::joined("d", "a b c");
    assert_eq!(third.sees("a b c!"), "");
    assert_eq!(third.wait(5_999), "node_removed=c");
    assert_eq!(third.wait(1), "failed:c/1 down(3) degraded[3/4]");
}

#[test]
fn who_hears_another_is_silent_whether_it_sees_it_before_or_after() {
    let mut early = Observer::joined("b", "a c d");
    early.sees("a c! d");
    early.wait(2_000);
    assert_eq!(early.hears(News::Failed, "c"), "");
    assert_eq!(early.wait(20_000), "");
    let mut late = Observer::joined("a", "b c d");
    late.hears(News::Failed, "c");
    late.wait(9_000);
    assert_eq!(late.sees("b c! d"), "");
    assert_eq!(late.wait(20_000), "node_removed=c");
}

#[test]
fn what_was_heard_long_ago_does_not_hide_another_failure() {
    let mut observer = Observer::joined("a", "b c d");
    observer.hears(News::Failed, "c");
    observer.wait(10_000);
    assert_eq!(observer.sees("b c! d"), "failed:c/1 down(3) degraded[3/4]");
}

#[test]
fn a_survivor_that_goes_too_passes_its_turn_on() {
    let mut observer = Observer::joined("b", "a c d e");
    assert_eq!(observer.sees("a c! d e"), "");
    observer.wait(1_000);
    let said = observer.sees("a! c! d e");
    assert_eq!(
        said,
        "failed:a/1 down(3) degraded[3/5] failed:c/1 down(3) degraded[3/5]"
    );
}

#[test]
fn a_suspect_keeps_its_turn_until_it_is_found_dead() {
    let mut observer = Observer::joined("b", "a c d");
    assert_eq!(observer.sees("a? c! d"), "");
    observer.wait(1_000);
    let said = observer.sees("a! c! d");
    assert!(said.contains("failed:c") && said.contains("failed:a"), "{said}");
}

#[test]
fn who_lets_a_turn_pass_unheard_is_waited_for_once_and_again_when_it_was_heard() {
    let mut observer = Observer::joined("b", "a c d e");
    observer.sees("a c! d e");
    assert!(observer.wait(3_000).contains("failed:c"), "a does not report");
    assert!(
        observer.sees("a c! d! e").contains("failed:d"),
        "nobody waits for it again"
    );
    let heard = Heard {
        news: News::Failed,
        node: id("e"),
        epoch: Epoch(1),
        reporter: id("a"),
    };
    observer.watch.on_heard(&heard, observer.now);
    observer.wait(20_000);
    assert_eq!(observer.sees("a c! d! e!"), "", "it reports after all");
}

#[test]
fn among_many_that_do_not_report_nobody_waits_for_all() {
    let mut observer = Observer::joined("z", "a b c d e f g h i j");
    observer.sees("a b c d e f g h i j!");
    observer.wait(11_999);
    assert!(observer.wait(1).contains("failed:j"));
}

#[test]
fn a_failure_that_was_over_before_the_turn_came_is_not_told() {
    let mut observer = Observer::joined("b", "a c d");
    observer.sees("a c! d");
    assert_eq!(observer.wait(2_000), "node_removed=c");
    assert_eq!(observer.sees("a c d"), "");
    assert_eq!(observer.wait(20_000), "partition_healed=c");
}

#[test]
fn a_recovery_is_told_in_turn_and_only_if_the_failure_was() {
    let mut observer = Observer::joined("b", "a c d");
    observer.sees("a c! d");
    observer.hears(News::Failed, "c");
    observer.wait(5_000);
    assert_eq!(observer.sees("a c d"), "");
    assert_eq!(observer.wait(2_999), "partition_healed=c");
    assert_eq!(observer.wait(1), "recovered:c/1 reconnected(4) healthy[4/4]");
}

#[test]
fn a_recovery_that_was_heard_is_not_told_again_whenever_it_is_seen() {
    for heard_first in [true, false] {
        for run in ["c", "c:2"] {
            let mut observer = Observer::joined("b", "a c d");
            observer.sees("a c! d");
            observer.hears(News::Failed, "c");
            observer.wait(5_000);
            if heard_first {
                observer.hears(News::Recovered, run);
                observer.wait(1_000);
            }
            observer.sees(&format!("a {run} d"));
            if !heard_first {
                observer.wait(1_000);
                observer.hears(News::Recovered, run);
            }
            assert!(!observer.wait(20_000).contains("reconnected"), "{heard_first} {run}");
        }
    }
}

#[test]
fn the_lifecycle_event_of_a_return_does_not_take_back_an_alert() {
    let mut observer = Observer::joined("b", "a c d");
    observer.sees("a c! d");
    observer.hears(News::Failed, "c");
    observer.wait(1_000);
    observer.hears(News::Returned, "c:2");
    assert_eq!(observer.sees("a c:2 d"), "node_added=c");
    observer.hears(News::Returned, "c:2");
    assert_eq!(observer.wait(3_000), "recovered:c/2 reconnected(4) healthy[4/4]");
}

#[test]
fn the_second_failure_of_one_run_is_told_though_the_first_was_heard() {
    let mut observer = Observer::joined("b", "a c d");
    observer.sees("a c! d");
    observer.hears(News::Failed, "c");
    observer.wait(1_000);
    observer.sees("a c d");
    observer.hears(News::Recovered, "c");
    observer.wait(1_000);
    observer.sees("a c! d");
    assert!(observer.wait(3_000).contains("failed:c/1"));
}

#[test]
fn a_recovery_heard_late_does_not_hide_the_next_failure() {
    let mut observer = Observer::joined("b", "a c d");
    observer.sees("a c! d");
    observer.hears(News::Failed, "c");
    observer.sees("a c d");
    observer.wait(500);
    observer.sees("a c! d");
    observer.wait(8_000);
    observer.sees("a c d");
    // Nobody has taken it back in time, so this one has; it waits for the silent one no more.
    assert!(observer.wait(10_000).contains("recovered:c/1"));
    let said = observer.sees("a c! d");
    observer.hears(News::Recovered, "c");
    assert!((said + &observer.wait(3_000)).contains("failed:c/1"));
}

#[test]
fn a_failure_heard_after_the_return_is_taken_back_if_nobody_else_does() {
    let mut observer = Observer::joined("a", "b c d");
    observer.sees("b c:2 d");
    observer.wait(1_000);
    assert_eq!(observer.hears(News::Failed, "c"), "");
    assert_eq!(observer.wait(2_999), "");
    assert_eq!(observer.wait(1), "recovered:c/2 reconnected(4) healthy[4/4]");
    observer.hears(News::Failed, "c");
    assert_eq!(
        observer.wait(20_000),
        "",
        "a word on an older run than the last means nothing"
    );
}

#[test]
fn one_that_never_saw_it_down_does_not_take_back_the_failure_that_others_see() {
    let mut observer = Observer::joined("a", "b c d");
    observer.hears(News::Failed, "c");
    assert_eq!(observer.wait(60_000), "");
}

#[test]
fn joins_and_leaves_are_told_by_the_next_only_in_silence() {
    let mut observer = Observer::joined("b", "a c");
    assert_eq!(observer.sees("a c d"), "node_added=d");
    observer.hears(News::Joined, "d");
    assert_eq!(observer.wait(20_000), "");
    assert_eq!(observer.sees("a d"), "node_removed=c");
    observer.hears(News::Left, "c");
    assert_eq!(observer.wait(20_000), "");
    assert_eq!(observer.sees("a c:2 d"), "node_added=c");
    assert_eq!(observer.wait(3_000), "joined(4) healthy[4/4]");
    assert_eq!(observer.sees("a c:2"), "node_removed=d left(3) healthy[3/3]");
}

#[test]
fn a_join_that_was_heard_before_it_is_seen_is_not_told_again() {
    let mut observer = Observer::joined("a", "b c");
    observer.hears(News::Joined, "d");
    assert_eq!(observer.sees("b c d"), "node_added=d");
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn of_a_clean_end_and_a_failure_of_one_run_the_first_told_holds() {
    let mut observer = Observer::joined("b", "a c d");
    observer.sees("a c! d");
    observer.hears(News::Left, "c");
    assert_eq!(observer.wait(20_000), "node_removed=c");
    let mut observer = Observer::joined("b", "a c d");
    observer.sees("a d");
    observer.hears(News::Failed, "c");
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn a_newcomer_leaves_it_to_those_who_were_there() {
    let mut watch = ClusterWatch::new(id("a"));
    watch.on_members(&view("b c"), ms(0));
    watch.on_joined(ms(100));
    let mut newcomer = Observer { watch, now: ms(1_000) };
    assert_eq!(newcomer.sees("b c d"), "node_added=d");
    assert_eq!(newcomer.wait(5_999), "");
    assert_eq!(newcomer.wait(1), "joined(4) healthy[4/4]");
}

#[test]
fn after_a_pause_others_are_heard_first() {
    let mut observer = Observer::joined("a", "b c d");
    observer.now += ms(30_000);
    assert_eq!(observer.sees("b c! d"), "");
    observer.now += ms(100);
    observer.hears(News::Failed, "c");
    assert_eq!(observer.wait(20_000), "node_removed=c");
}

#[test]
fn after_a_pause_what_nobody_told_is_told_all_the_same() {
    let mut observer = Observer::joined("a", "b c d");
    observer.now += ms(30_000);
    assert_eq!(observer.sees("b c! d"), "");
    assert_eq!(observer.wait(2_999), "node_removed=c");
    assert_eq!(observer.wait(1), "failed:c/1 down(3) degraded[3/4]");
}

#[test]
fn a_turn_that_passed_during_a_pause_waits_for_what_is_to_be_heard() {
    let mut observer = Observer::joined("b", "a c d");
    observer.sees("a c! d");
    observer.wait(1_000);
    observer.now += ms(20_000);
    assert_eq!(text(&observer.watch.tick(observer.now)), "");
    observer.now += ms(50);
    observer.hears(News::Failed, "c");
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn a_failure_heard_before_the_run_was_ever_seen_is_not_taken_back_when_the_view_catches_up() {
    let mut observer = Observer::joined("a", "b c");
    observer.hears(News::Failed, "d");
    observer.hears(News::Failed, "c:2");
    assert_eq!(observer.sees("b c:2 d"), "node_added=c node_added=d");
    observer.wait(1_000);
    assert_eq!(observer.sees("b c!2 d!"), "");
    assert_eq!(observer.wait(20_000), "partition_detected=c+d");
}

#[test]
fn a_failure_told_twice_does_not_put_off_the_recovery() {
    let mut observer = Observer::joined("b", "a c d");
    observer.sees("a c! d");
    observer.hears(News::Failed, "c");
    observer.wait(1_000);
    observer.sees("a c d");
    observer.wait(2_000);
    observer.hears(News::Failed, "c");
    assert_eq!(observer.wait(1_000), "recovered:c/1 reconnected(4) healthy[4/4]");
}

#[test]
fn who_takes_back_what_it_did_not_say_does_not_wait_for_the_node_itself() {
    let mut observer = Observer::joined("b", "a c");
    observer.sees("a:2 c");
    observer.wait(5_000);
    observer.hears(News::Failed, "a");
    assert_eq!(observer.wait(3_000), "recovered:a/2 reconnected(3) healthy[3/3]");
}

#[test]
fn a_failure_of_a_run_that_the_view_has_not_seen_is_not_taken_back() {
    let mut observer = Observer::joined("a", "b c d");
    observer.sees("b c:2 d");
    observer.wait(1_000);
    observer.hears(News::Failed, "c:3");
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn the_end_of_a_run_is_not_told_when_the_next_was() {
    let mut observer = Observer::joined("a", "b c d");
    observer.hears(News::Recovered, "c:2");
    assert_eq!(observer.sees("b c! d"), "");
    assert_eq!(observer.wait(20_000), "node_removed=c");
}

#[test]
fn a_return_is_not_told_when_that_of_a_later_run_was() {
    let mut observer = Observer::joined("a", "b c d");
    observer.hears(News::Returned, "c:3");
    assert_eq!(observer.sees("b c:2 d"), "node_added=c");
    assert_eq!(observer.wait(20_000), "");
}
