//! Histories in files, and the program that judges them.

mod notation;
mod stories;

use std::path::{Path, PathBuf};
use std::process::Command;

use bellwether_history::{Event, Kind, ReadError, Writer, merge, read, same};

use self::notation::history;

/// A file for one test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.jsonl", std::process::id()));
        _ = std::fs::remove_file(&path);
        Self(path)
    }

    fn with(name: &str, events: &[Event]) -> Self {
        let scratch = Self::new(name);
        let mut writer = Writer::append_to(&scratch.0).expect("the scratch directory is writable");
        for event in events {
            writer.append(event).expect("the scratch file is writable");
        }
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

/// The program's exit code, output and errors.
fn check_history(arguments: &[&Path]) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_check-history"))
        .args(arguments)
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("it writes text");
    (
        done.status.code().expect("it exits by itself"),
        text(done.stdout),
        text(done.stderr),
    )
}

#[test]
fn what_is_written_is_read() {
    let stories = [
        stories::PLAIN,
        stories::GAPS,
        stories::CRASH,
        stories::SPLIT,
        stories::RESUME,
        stories::REPLAY,
        stories::QUEUE,
    ];
    let events: Vec<Event> = stories.iter().flat_map(|story| history(story)).collect();
    let file = Scratch::with("roundtrip", &events);
    assert_eq!(read(&file.0).unwrap(), events);
}

#[test]
fn a_writer_goes_on_where_an_earlier_one_ended() {
    let events = history(stories::STOP);
    let file = Scratch::with("append", &events[..3]);
    let mut writer = Writer::append_to(&file.0).unwrap();
    for event in &events[3..] {
        writer.append(event).unwrap();
    }
    assert_eq!(read(&file.0).unwrap().len(), 3);
    writer.flush().unwrap();
    assert_eq!(read(&file.0).unwrap(), events);
}

#[test]
fn a_line_is_flat_and_named_as_agreed() {
    let line = r#"{"t":7,"node":"b","epoch":2,"kind":"epoch_ended","sub":1,"origin":"a","origin_epoch":9,"instance":"events","last_seq":3,"tail_unknown":true}"#;
    let event: Event = serde_json::from_str(line).unwrap();
    assert!(matches!(
        event.kind,
        Kind::EpochEnded {
            last_seq: 3,
            tail_unknown: true,
            ..
        }
    ));
    assert_eq!(serde_json::to_string(&event).unwrap(), line);
}

#[test]
fn what_is_no_event_is_named_by_file_and_line() {
    let good = r#"{"t":1,"node":"a","epoch":1,"kind":"start"}"#;
    for (line, why) in [
        ("{", "EOF"),
        (
            r#"{"t":1,"node":"a","epoch":1,"kind":"begin"}"#,
            "unknown variant `begin`",
        ),
        (
            r#"{"t":1,"node":"a","epoch":1,"kind":"publish_ack","call":1}"#,
            "missing field `seq`",
        ),
        (
            r#"{"t":1,"node":"a","epoch":1,"kind":"publish_call","call":1,"instance":"alrts","topic":"x","hash":1}"#,
            "did you mean `alerts`?",
        ),
    ] {
        let file = Scratch::new("wrong-line");
        std::fs::write(&file.0, format!("{good}\n\n{line}\n")).unwrap();
        let err = read(&file.0).unwrap_err();
        assert!(err.to_string().ends_with("jsonl:3: this line is no event"), "{err}");
        let ReadError::Line { line: 3, source, .. } = err else {
            panic!("{err}");
        };
        assert!(source.to_string().contains(why), "{source}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let err = read("/nowhere/history.jsonl").unwrap_err();
    assert_eq!(err.to_string(), "/nowhere/history.jsonl: the history cannot be read");
}

#[test]
fn merging_orders_by_time_and_keeps_each_file_in_order() {
    let at = |t, node: &str, epoch| Event::new(t, node, epoch, Kind::Start {});
    let merged = merge(vec![
        vec![at(5, "a", 1), at(9, "a", 2)],
        vec![at(5, "b", 1), at(5, "b", 2), at(6, "b", 3)],
    ]);
    let order: Vec<(u64, &str, u64)> = merged
        .iter()
        .map(|event| (event.t, &*event.node, event.epoch))
        .collect();
    assert_eq!(order, [(5, "a", 1), (5, "b", 1), (5, "b", 2), (6, "b", 3), (9, "a", 2)]);
}

#[test]
fn events_out_of_order_are_the_fault_of_the_writer() {
    let mut events = history(stories::STOP);
    events.swap(0, 1);
    let violations = bellwether_history::Checker::default().check(&events).unwrap_err();
    assert_eq!(violations.first().invariant.name(), "form");
}

#[test]
fn runs_of_one_seed_are_the_same_or_the_first_difference_is_shown() {
    let one = history(stories::STOP);
    assert_eq!(same(&one, &one), Ok(()));
    let mut other = one.clone();
    other[4].t += 1;
    let difference = same(&one, &other).unwrap_err();
    assert_eq!(difference.at, 4);
    let longer = same(&one[..2], &one).unwrap_err();
    assert_eq!((longer.at, longer.left), (2, None));
}

#[test]
fn the_program_accepts_a_good_run_of_several_files() {
    let (one, other): (Vec<Event>, Vec<Event>) = history(stories::CRASH)
        .into_iter()
        .partition(|event| &*event.node == "a");
    let (one, other) = (Scratch::with("good-a", &one), Scratch::with("good-b", &other));
    let (code, out, err) = check_history(&[&one.0, &other.0]);
    assert_eq!((code, &*err), (0, ""), "{out}");
    assert!(out.starts_with("all promises were kept\n"), "{out}");
    assert!(out.contains(" 1  unknown ends\n"), "{out}");
}

#[test]
fn the_program_rejects_a_bad_run_and_says_why() {
    let bad = stories::PLAIN.replace("b/1 got 1 a/1 3 y:new", "");
    let file = Scratch::with("bad", &history(&bad));
    let (code, out, err) = check_history(&[&file.0]);
    assert_eq!((code, &*err), (1, ""));
    assert!(
        out.starts_with("I3 at event 11 (0.008000 s): subscription 1 on b, feed a/1 events: seq 3 "),
        "{out}"
    );
}

#[test]
fn the_program_compares_two_runs() {
    let (one, other) = (
        Scratch::with("one", &history(stories::STOP)),
        Scratch::with("other", &history(stories::CRASH)),
    );
    let (code, out, _) = check_history(&[Path::new("--same"), &one.0, &one.0]);
    assert_eq!((code, &*out), (0, "the two histories are the same\n"));
    let (code, out, _) = check_history(&[Path::new("--same"), &one.0, &other.0]);
    assert_eq!(code, 1);
    assert!(
        out.starts_with("I16: the two histories differ at event 10:\n  {\"t\":"),
        "{out}"
    );
}

#[test]
fn the_program_names_what_it_cannot_judge() {
    for (arguments, words) in [
        (&[][..], "check-history: no file is given\nusage: "),
        (&["--sme"], "check-history: --sme is no option\nusage: "),
        (&["--same", "one"], "check-history: --same needs two files\nusage: "),
        (&["--tolerance-ms", "x"], "check-history: --tolerance-ms needs a number"),
        (
            &["/nowhere"],
            "check-history: /nowhere: the history cannot be read: No such file",
        ),
    ] {
        let arguments: Vec<&Path> = arguments.iter().map(Path::new).collect();
        let (code, out, err) = check_history(&arguments);
        assert_eq!((code, &*out), (2, ""), "{arguments:?}");
        assert!(err.starts_with(words), "{err}");
    }
    let (code, out, _) = check_history(&[Path::new("--help")]);
    assert_eq!(code, 0);
    assert!(out.starts_with("usage: check-history "), "{out}");
}
