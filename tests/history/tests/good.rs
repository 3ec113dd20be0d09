//! Good histories are accepted, and the report says what they consisted of.

mod notation;
mod stories;

use std::time::Duration;

use bellwether_history::{Checker, Report, Rules};

use self::notation::history;

fn report(story: &str) -> Report {
    match Checker::new(Rules::default()).check(&history(story)) {
        Ok(report) => report,
        Err(violations) => panic!("a good history was rejected:\n{violations}\n{story}"),
    }
}

#[test]
fn a_plain_run() {
    let report = report(stories::PLAIN);
    assert_eq!((report.starts, report.stops, report.kills, report.quiets), (2, 1, 0, 1));
    assert_eq!((report.published, report.acked, report.delivered), (5, 5, 4));
    assert_eq!((report.due, report.due_delivered, report.due_in_gaps), (3, 3, 0));
    assert_eq!(report.views_agreed, 2);
    assert_eq!((report.probes_due, report.probes_heard), (1, 1));
    assert_eq!((report.sizes, report.idles), (1, 2));
}

#[test]
fn gaps_of_both_kinds() {
    let report = report(stories::GAPS);
    assert_eq!(report.gaps["slow_subscriber"], 1);
    assert_eq!(report.gaps["link_overrun"], 1);
    assert_eq!(report.told_missing, 4);
    assert_eq!((report.due, report.due_delivered, report.due_in_gaps), (6, 3, 3));
}

#[test]
fn a_crash_and_a_restart() {
    let report = report(stories::CRASH);
    assert_eq!((report.starts, report.kills, report.unknown_ends), (3, 1, 1));
    assert_eq!((report.due, report.due_delivered, report.beyond_tail), (3, 3, 1));
    assert_eq!((report.downs, report.false_downs), (1, 0));
    assert_eq!((report.probes_due, report.probes_heard), (1, 1));
}

#[test]
fn a_clean_stop() {
    let report = report(stories::STOP);
    assert_eq!((report.stops, report.clean_ends, report.unknown_ends), (1, 1, 0));
    assert_eq!((report.due, report.due_delivered), (2, 2));
}

#[test]
fn a_split_and_its_healing() {
    let report = report(stories::SPLIT);
    assert_eq!((report.faults, report.unknown_ends), (1, 1));
    assert_eq!((report.due, report.due_delivered, report.due_in_gaps), (4, 3, 1));
    assert_eq!((report.downs, report.false_downs, report.views_agreed), (2, 0, 4));
}

#[test]
fn a_resumed_client() {
    let report = report(stories::RESUME);
    assert_eq!((report.subscriptions, report.resumed, report.replayed), (2, 1, 1));
    assert_eq!((report.due, report.due_delivered), (5, 5));
}

#[test]
fn a_replay_that_is_not_whole() {
    let report = report(stories::REPLAY);
    assert_eq!((report.replayed, report.delivered), (3, 4));
    assert_eq!((report.due, report.due_delivered), (4, 4));
}

#[test]
fn a_queue_group() {
    let whole = report(stories::QUEUE);
    assert_eq!((whole.published, whole.delivered), (3, 6));
    // A message that was chosen for a member that left is lost to the group.
    let lost = report(&stories::QUEUE.replace("c/1 got 2 a/1 2 x\n", "c/1 unsubscribe 2\n"));
    assert_eq!(lost.delivered, 5);
}

/// Of what a client was to get when it left nothing is known.
#[test]
fn after_unsubscribe_nothing_is_due() {
    let left = stories::PLAIN.replace("b/1 got 1 a/1 4 x", "b/1 unsubscribe 1");
    let report = report(&left.replace("b/1 got 1 a/1 5 x\n", ""));
    assert_eq!((report.due, report.probes_due), (2, 0));
}

#[test]
fn without_quiet_only_holes_are_judged() {
    let cut = stories::PLAIN.replace("driver quiet", "");
    let report = report(&cut.replace("b/1 got 1 a/1 5 x", "").replace("b/1 got 1 a/1 4 x", ""));
    assert_eq!((report.due, report.due_delivered), (2, 2));
}

/// The clock of b is 3 ms behind that of a: its messages seem to come before they are published.
#[test]
fn clocks_may_differ_within_the_tolerance() {
    let mut events = history(stories::PLAIN);
    for event in events.iter_mut().filter(|event| &*event.node == "b") {
        event.t = event.t.saturating_sub(3_000);
    }
    let events = bellwether_history::merge(vec![events]);
    let exact = Checker::new(Rules::default()).check(&events);
    assert_eq!(exact.unwrap_err().first().invariant.name(), "I1");
    let rules = Rules {
        clock_tolerance: Duration::from_millis(5),
        ..Rules::default()
    };
    let report = Checker::new(rules).check(&events).unwrap();
    assert_eq!(report.due_delivered, 3);
}

/// What a producer does not promise is not held against the mesh.
#[test]
fn rules_excuse_what_a_producer_cannot_know() {
    let excused = |story: &str, rules: Rules| {
        let events = history(story);
        assert!(Checker::new(Rules::default()).check(&events).is_err(), "{story}");
        if let Err(violations) = Checker::new(rules).check(&events) {
            panic!("{violations}\n{story}");
        }
    };
    excused(
        &stories::GAPS.replace("1 a/1 2-4 2 exact", "1 a/1 2-4 3 exact"),
        Rules {
            complete_feeds: false,
            ..Rules::default()
        },
    );
    excused(
        &stories::RESUME.replace("b/1 got 2 c/1 1 x", ""),
        Rules {
            new_sources_from_start: false,
            ..Rules::default()
        },
    );
    excused(
        &stories::CRASH.replace("b/1 got 1 a/2 2 x", ""),
        Rules {
            liveness: false,
            ..Rules::default()
        },
    );
    excused(
        &stories::PLAIN.replace("b/1 got 1 a/1 4 x", "b/1 gap 1 a/1 4-4 1 exact link_overrun"),
        Rules {
            calm: false,
            ..Rules::default()
        },
    );
}

/// Whom the subscriber's node did not see when it subscribed, and who did not confirm, promised nothing.
#[test]
fn only_connected_and_confirmed_sources_owe_the_first_message() {
    let unseen = stories::STOP.replace("b/1 up a/1\n", "");
    let unseen = unseen.replace("b/1 got 1 a/1 1 x\n", "b/1 up a/1\n");
    assert_eq!(report(&unseen).due, 1);
    let unconfirmed = stories::STOP.replace("subscribed 1 x", "subscribed 1 x a");
    let unconfirmed = unconfirmed.replace("b/1 got 1 a/1 1 x\n", "");
    assert_eq!(report(&unconfirmed).due, 1);
}

/// A node that could not hand over to b says so, and b is told of an unknown tail.
#[test]
fn a_stop_promises_nothing_to_those_it_names() {
    let story = stories::STOP.replace("b/1 got 1 a/1 2 x\n", "");
    let story = story.replace("b/1 end 1 a/1 2", "b/1 end 1 a/1 1 unknown");
    assert_eq!(report(&story.replace("a/1 stop", "a/1 stop b")).beyond_tail, 1);
}

#[test]
fn reports_add_up() {
    let one = report(stories::GAPS);
    let mut sum = Report::default();
    sum += &one;
    sum += &one;
    assert_eq!(sum.due, 2 * one.due);
    assert_eq!(sum.gaps["link_overrun"], 2);
    assert!(
        sum.to_string().contains("\n           2  gaps: link_overrun\n"),
        "{sum}"
    );
}
