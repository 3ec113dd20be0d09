//! Bad histories are rejected for the right reason. Each is a good one with one line changed.

mod notation;
mod stories;

use std::time::Duration;

use bellwether_history::{Checker, Invariant, Rules};

use self::notation::history;
use self::stories::{CRASH, GAPS, PLAIN, QUEUE, REPLAY, RESUME, SPLIT, STOP};

/// What is wrong, the invariant it breaks, the good story, its line, and what stands there instead.
type Bad = (&'static str, Invariant, &'static str, &'static str, &'static str);

const BAD: &[Bad] = {
    use Invariant::*;
    &[
        (
            "a pattern is empty",
            Form,
            PLAIN,
            "b/1 subscribed 1 x,y:*",
            "b/1 subscribed 1 x,y:*,",
        ),
        ("an ack without a call", Form, PLAIN, "a/1 publish 2 z", "a/1 ack 9 2"),
        (
            "a publish before the start",
            Form,
            PLAIN,
            "b/1 start",
            "c/1 publish 1 x\nb/1 start",
        ),
        (
            "a delivery to nobody",
            Form,
            PLAIN,
            "b/1 got 1 a/1 5 x",
            "b/1 got 1 a/1 5 x\nb/1 got 9 a/1 5 x",
        ),
        (
            "a fault ends that never began",
            Form,
            SPLIT,
            "driver fault cut a b",
            "driver fault cut a b\ndriver heal cut a",
        ),
        (
            "to two members of a queue group",
            I2,
            QUEUE,
            "c/1 got 2 a/1 2 x",
            "c/1 got 2 a/1 2 x\nb/1 got 1 a/1 2 x",
        ),
        (
            "twice to one member of a queue group",
            I2,
            QUEUE,
            "c/1 got 2 a/1 2 x",
            "c/1 got 2 a/1 2 x\nc/1 got 2 a/1 2 x",
        ),
        ("to no member of a queue group", I12, QUEUE, "b/1 got 1 a/1 3 x", ""),
        (
            "to a member of a queue group, not matching",
            I1,
            QUEUE,
            "a/1 publish 2 x\n",
            "a/1 publish 2 y\n",
        ),
        (
            "invented",
            I1,
            PLAIN,
            "b/1 got 1 a/1 5 x",
            "b/1 got 1 a/1 5 x\nb/1 got 1 a/1 6 x",
        ),
        ("altered", I1, PLAIN, "b/1 got 1 a/1 1 x", "b/1 got 1 a/1 1 x 77"),
        (
            "on another topic",
            I1,
            PLAIN,
            "b/1 got 1 a/1 3 y:new",
            "b/1 got 1 a/1 3 y:old",
        ),
        (
            "on another instance",
            I1,
            PLAIN,
            "b/1 got 1 a/1 5 x",
            "b/1 got 1 a/1 5 x\nb/1 got 1 a/1@alerts 5 x",
        ),
        (
            "from another node",
            I1,
            PLAIN,
            "b/1 got 1 a/1 5 x",
            "b/1 got 1 a/1 5 x\nb/1 got 1 b/1 1 x",
        ),
        (
            "not subscribed to",
            I1,
            PLAIN,
            "a/1 publish 3 y:new",
            "a/1 publish 3 y:new\nb/1 got 1 a/1 2 z",
        ),
        (
            "before its publish",
            I1,
            PLAIN,
            "a/1 publish 1 x\n    b/1 got 1 a/1 1 x",
            "b/1 got 1 a/1 1 x\na/1 publish 1 x",
        ),
        (
            "under another seq than acked",
            I1,
            CRASH,
            "b/1 got 1 a/1 2 x",
            "b/1 got 1 a/1 2 x 3",
        ),
        (
            "two under one seq",
            I1,
            PLAIN,
            "a/1 publish 2 z",
            "a/1 publish 2 z\na/1 call 9 z\na/1 ack 9 2",
        ),
        (
            "refused, yet delivered",
            I1,
            CRASH,
            "b/1 got 1 a/1 2 x",
            "b/1 got 1 a/1 2 x\na/1 fail 2",
        ),
        (
            "twice",
            I2,
            PLAIN,
            "b/1 got 1 a/1 4 x",
            "b/1 got 1 a/1 4 x\nb/1 got 1 a/1 4 x",
        ),
        (
            "out of order",
            I2,
            SPLIT,
            "b/1 got 1 a/1 3 x\n    b/1 got 1 a/1 4 x",
            "b/1 got 1 a/1 4 x\nb/1 got 1 a/1 3 x",
        ),
        (
            "again after a resume",
            I2,
            RESUME,
            "b/1 got 2 a/1 4 x",
            "b/1 got 2 a/1 3 x\nb/1 got 2 a/1 4 x",
        ),
        ("a hole", I3, PLAIN, "b/1 got 1 a/1 3 y:new", ""),
        ("the last one missing", I3, PLAIN, "b/1 got 1 a/1 4 x", ""),
        (
            "a gap not told",
            I3,
            GAPS,
            "b/1 gap 1 a/1 2-4 2 exact slow_subscriber",
            "",
        ),
        ("missing after a confirmation", I3, RESUME, "b/1 got 1 a/1 2 x", ""),
        ("a hole over a resume", I3, RESUME, "b/1 got 2 a/1 4 x", ""),
        (
            "a later source from its second message",
            I3,
            RESUME,
            "b/1 got 2 c/1 1 x",
            "",
        ),
        ("a hole in a replay", I3, REPLAY, "b/1 live 1 3 a", "b/1 live 1 3"),
        (
            "the end of a dead run not told",
            I3,
            CRASH,
            "b/1 end 1 a/1 2 unknown",
            "",
        ),
        ("the end of a clean run not told", I3, STOP, "b/1 end 1 a/1 2", ""),
        (
            "a gap in calm",
            I3,
            PLAIN,
            "b/1 got 1 a/1 4 x",
            "b/1 gap 1 a/1 4-4 1 exact link_overrun",
        ),
        (
            "below what an end says had come",
            I3,
            CRASH,
            "b/1 got 1 a/1 1 x\n    a/1 call 2 x",
            "a/1 call 2 x\nb/1 gap 1 a/1 1-1 1 exact storage",
        ),
        (
            "counted one too few",
            I4,
            GAPS,
            "1 a/1 2-4 2 exact",
            "1 a/1 2-4 1 exact",
        ),
        (
            "counted one too many",
            I4,
            GAPS,
            "1 a/1 2-4 2 exact",
            "1 a/1 2-4 3 exact",
        ),
        (
            "counted those that do not match",
            I4,
            GAPS,
            "1 a/1 6-7 2 bound",
            "1 a/1 6-7 2 exact",
        ),
        (
            "an upper bound too low",
            I4,
            GAPS,
            "1 a/1 2-4 2 exact",
            "1 a/1 2-4 1 bound",
        ),
        (
            "a gap over what came before",
            I4,
            GAPS,
            "1 a/1 2-4 2 exact",
            "1 a/1 1-4 3 exact",
        ),
        (
            "a gap over what comes later",
            I4,
            GAPS,
            "1 a/1 6-7 2 bound",
            "1 a/1 6-8 2 bound",
        ),
        (
            "gaps that overlap",
            I4,
            GAPS,
            "b/1 got 1 a/1 8 x",
            "b/1 gap 1 a/1 7-7 1 bound link_overrun\nb/1 got 1 a/1 8 x",
        ),
        (
            "a gap of nothing",
            I4,
            GAPS,
            "b/1 got 1 a/1 8 x",
            "b/1 got 1 a/1 8 x\nb/1 gap 1 a/1 9-9 0 bound storage",
        ),
        (
            "a gap backwards",
            I4,
            GAPS,
            "b/1 got 1 a/1 8 x",
            "b/1 got 1 a/1 8 x\nb/1 gap 1 a/1 9-8 1 bound storage",
        ),
        (
            "acked before a clean stop, lost",
            I5,
            STOP,
            "b/1 got 1 a/1 2 x\n    b/1 end 1 a/1 2",
            "b/1 end 1 a/1 1 unknown",
        ),
        (
            "lost in the tail of one that lives",
            I5,
            SPLIT,
            "b/1 gap 1 a/1 2-2 1 exact link_overrun",
            "",
        ),
        ("the first after the subscribe", I7, PLAIN, "b/1 got 1 a/1 1 x", ""),
        (
            "all after the subscribe",
            I7,
            STOP,
            "b/1 got 1 a/1 1 x\n    a/1 publish 2 x\n    b/1 got 1 a/1 2 x\n    b/1 end 1 a/1 2",
            "a/1 publish 2 x",
        ),
        (
            "an epoch that falls",
            I8,
            CRASH,
            "wait 1000",
            "c/7 start\nc/7 kill\nc/6 start\nc/6 kill",
        ),
        (
            "an epoch that stays",
            I8,
            CRASH,
            "wait 1000",
            "c/7 start\nc/7 kill\nc/7 start\nc/7 kill",
        ),
        (
            "a dead run's after the next run's",
            I8,
            CRASH,
            "wait 1000",
            "b/1 got 1 a/1 3 x\nb/1 end 1 a/1 3 unknown",
        ),
        (
            "after a clean end",
            I8,
            STOP,
            "b/1 got 1 a/1 2 x\n    b/1 end 1 a/1 2",
            "b/1 end 1 a/1 2\nb/1 got 1 a/1 2 x",
        ),
        (
            "a clean end too early",
            I8,
            STOP,
            "a/1 publish 2 x\n    b/1 got 1 a/1 2 x\n    b/1 end 1 a/1 2",
            "a/1 publish 2 z\nb/1 end 1 a/1 1",
        ),
        ("a clean end too late", I8, STOP, "b/1 end 1 a/1 2", "b/1 end 1 a/1 3"),
        (
            "two clean ends",
            I8,
            STOP,
            "b/1 end 1 a/1 2",
            "b/1 end 1 a/1 2\nb/1 end 1 a/1 2",
        ),
        (
            "an end below what came",
            I8,
            CRASH,
            "b/1 end 1 a/1 2 unknown",
            "b/1 end 1 a/1 1 unknown",
        ),
        (
            "back from below its end",
            I8,
            SPLIT,
            "b/1 end 1 a/1 1 unknown",
            "b/1 end 1 a/1 3 unknown",
        ),
        (
            "above its bound",
            I11,
            PLAIN,
            "a/1 size queue 9 10",
            "a/1 size queue 11 10",
        ),
        (
            "not back to idle",
            I11,
            PLAIN,
            "a/1 idle tasks 50 51 0",
            "a/1 idle tasks 50 52 0",
        ),
        (
            "beyond its slack",
            I11,
            PLAIN,
            "a/1 idle descriptors 10 13 4",
            "a/1 idle descriptors 10 15 4",
        ),
        ("a member not seen", I12, CRASH, "b/1 up a/2", ""),
        (
            "seen too late",
            I12,
            SPLIT,
            "wait 9000",
            "wait 9000\nb/1 left a/1\nb/1 up a/1",
        ),
        ("a probe not heard", I12, CRASH, "b/1 got 1 a/2 2 x", ""),
        (
            "a probe heard too late",
            I12,
            CRASH,
            "b/1 got 1 a/2 2 x",
            "wait 2500\nb/1 got 1 a/2 2 x",
        ),
        (
            "a false down in calm",
            I13,
            PLAIN,
            "b/1 got 1 a/1 1 x",
            "b/1 got 1 a/1 1 x\nwait 8000\nb/1 down a/1\nb/1 up a/1\nwait 8000",
        ),
        (
            "a false down of 11 s beside a fault",
            I13,
            SPLIT,
            "driver fault cut a b",
            "driver fault slow c\nb/1 down a/1\nwait 11000\nb/1 up a/1\nwait 8000\ndriver heal slow c\ndriver fault cut a b",
        ),
        (
            "down for long after the fault",
            I13,
            SPLIT,
            "wait 3000\n    b/1 up a/1",
            "wait 12000\ndriver fault slow c\nwait 4500\ndriver heal slow c\nb/1 up a/1",
        ),
        ("a panic", I14, PLAIN, "wait 1000", "b/1 panicked"),
        ("an exit code", I14, PLAIN, "a/1 exit 0", "a/1 exit 101"),
        ("ended by a signal", I14, STOP, "a/1 exit 0", "a/1 exit signal"),
    ]
};

#[test]
fn each_is_rejected_for_its_invariant_and_no_other() {
    let mut wrongly_judged = Vec::new();
    for (wrong, expected, good, line, instead) in BAD {
        assert_eq!(
            good.matches(line).count(),
            1,
            "{wrong}: the line is not there once: {line}"
        );
        let bad = good.replace(line, instead);
        match Checker::new(Rules::default()).check(&history(&bad)) {
            Ok(_) => wrongly_judged.push(format!("{wrong}: {expected} is broken and was not found")),
            Err(found) if found.iter().any(|violation| violation.invariant != *expected) => {
                wrongly_judged.push(format!("{wrong}: {expected} is broken, but found were\n{found}"));
            }
            Err(_) => {}
        }
    }
    assert!(wrongly_judged.is_empty(), "{}", wrongly_judged.join("\n\n"));
}

#[test]
fn there_are_enough_of_them_for_each_invariant() {
    use Invariant::*;
    assert!(BAD.len() >= 30, "{}", BAD.len());
    for invariant in [Form, I1, I2, I3, I4, I5, I7, I8, I11, I12, I13, I14] {
        let count = BAD.iter().filter(|bad| bad.1 == invariant).count();
        assert!(count >= 2, "{invariant} has {count} bad histories");
    }
}

#[test]
fn the_words_say_who_where_and_what_was_expected() {
    for (line, instead, words) in [
        (
            "b/1 got 1 a/1 3 y:new",
            "",
            "I3 at event 11 (0.008000 s): subscription 1 on b, feed a/1 events: seq 3 neither came nor is in a gap, nor is \
             it beyond an unknown tail",
        ),
        (
            "b/1 got 1 a/1 1 x",
            "b/1 got 1 a/1 1 x 77",
            "I1 at event 8 (0.006000 s): subscription 1 on b, feed a/1 events: seq 1 came with payload 0x4d: 0x1 was \
             published",
        ),
        (
            "a/1 size queue 9 10",
            "a/1 size queue 11 10",
            "I11 at event 17 (0.012000 s): queue of a is 11: at most 10 is allowed",
        ),
    ] {
        let violations = Checker::new(Rules::default()).check(&history(&PLAIN.replace(line, instead)));
        assert_eq!(violations.unwrap_err().to_string(), words);
    }
}

#[test]
fn a_run_that_is_declared_gone_has_an_end_to_be_told() {
    let gone = CRASH.split("a/2 start").next().unwrap().to_owned() + "wait 400000\n driver quiet";
    assert!(Checker::new(Rules::default()).check(&history(&gone)).is_ok());
    let rules = Rules {
        gone_after: Some(Duration::from_secs(300)),
        ..Rules::default()
    };
    let violations = Checker::new(rules).check(&history(&gone)).unwrap_err();
    assert_eq!(violations.first().invariant, Invariant::I3);
}

#[test]
fn the_earliest_violation_comes_first() {
    let bad = PLAIN
        .replace("a/1 size queue 9 10", "a/1 size queue 11 10")
        .replace("b/1 got 1 a/1 1 x", "b/1 got 1 a/1 1 x 77");
    let violations = Checker::new(Rules::default()).check(&history(&bad)).unwrap_err();
    assert_eq!(violations.first().invariant, Invariant::I1);
    assert_eq!(violations.iter().count(), 2);
}
