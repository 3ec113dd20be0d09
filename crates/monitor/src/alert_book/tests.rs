use bellwether_message::Timestamp;
use proptest::prelude::*;

use super::Severity::{Critical, Error, Info, Warning};
use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn book() -> AlertBook {
    AlertBook::new(AlertSettings::default())
}

fn minutes(minutes: u32) -> Duration {
    MINUTE * minutes
}

fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

/// Published at `ms`, by node `n`; requires an acknowledgement from `error` on.
fn alert(alert_id: &str, key: &str, severity: Severity, ms: i64) -> Alert {
    Alert {
        alert_id: alert_id.to_owned(),
        key: key.to_owned(),
        severity,
        title: format!("title of {alert_id}"),
        source: "test".to_owned(),
        node: node("n"),
        epoch: Epoch(1),
        requires_ack: severity >= Error,
        timestamp: Timestamp::from_millis(ms),
    }
}

fn ack(by: &str) -> Acknowledgement {
    Acknowledgement {
        resolution: None,
        by: by.to_owned(),
        note: None,
    }
}

#[test]
fn a_raised_alert_is_open_and_shown_with_all_it_said() {
    let mut book = book();
    assert_eq!(book.on_raised(alert("1", "k", Critical, 5), minutes(0)), Outcome::New);
    let shown = book.one("1").unwrap();
    assert_eq!(book.open(), std::slice::from_ref(&shown));
    let json = serde_json::to_value(&shown).unwrap();
    let expected = serde_json::json!({
        "alert_id": "1", "key": "k", "severity": "critical", "title": "title of 1", "source": "test", "node": "n",
        "raised_at": "1970-01-01T00:00:00.005Z", "last_seen": "1970-01-01T00:00:00.005Z", "count": 1, "state": "open",
        "level": "level1", "acknowledged_by": null, "ack_note": null, "resolution": null, "requires_ack": true,
    });
    assert_eq!(json, expected);
    assert_eq!(book.one("2"), None);
}

#[test]
fn equal_keys_within_the_window_are_one_alert_and_the_same_alert_twice_is_nothing() {
    let mut book = book();
    book.on_raised(alert("1", "k", Error, 5), minutes(0));
    assert_eq!(book.on_raised(alert("1", "k", Error, 5), minutes(1)), Outcome::Known);
    assert_eq!(
        book.on_raised(alert("2", "k", Error, 9), minutes(4)),
        Outcome::Repeated { count: 2 }
    );
    assert_eq!(book.on_raised(alert("3", "other", Error, 9), minutes(4)), Outcome::New);
    // The window runs from the last, not from the first.
    assert_eq!(
        book.on_raised(alert("4", "k", Info, 11), minutes(8)),
        Outcome::Repeated { count: 3 }
    );
    let shown = book.one("4").unwrap();
    assert_eq!((shown.alert_id.as_str(), shown.count, shown.severity), ("1", 3, Error));
    assert_eq!(shown.raised_at, Timestamp::from_millis(5));
    assert_eq!(shown.last_seen, Timestamp::from_millis(11));
    assert_eq!(book.on_raised(alert("5", "k", Error, 20), minutes(13)), Outcome::New);
    assert_eq!(book.all().len(), 3);
}

#[test]
fn an_acknowledged_alert_is_not_open_and_shows_who_and_what() {
    let mut book = book();
    book.on_raised(alert("1", "k", Error, 5), minutes(0));
    let word = Acknowledgement {
        resolution: Some("restarted".to_owned()),
        by: "ann".to_owned(),
        note: Some("disk".to_owned()),
    };
    assert_eq!(book.on_acknowledged("1", word, minutes(1)), Taken::Now);
    assert_eq!(book.open(), []);
    let shown = book.one("1").unwrap();
    assert_eq!(shown.state, AlertState::Acknowledged);
    assert_eq!(shown.acknowledged_by.as_deref(), Some("ann"));
    assert_eq!(
        (shown.ack_note.as_deref(), shown.resolution.as_deref()),
        (Some("disk"), Some("restarted"))
    );
}

#[test]
fn an_acknowledgement_that_comes_first_is_kept_for_its_alert() {
    let mut book = book();
    assert_eq!(book.on_acknowledged("1", ack("ann"), minutes(0)), Taken::Early);
    assert_eq!(book.on_escalated("1", Level::Level2, minutes(0)), Taken::Early);
    book.on_raised(alert("1", "k", Error, 5), minutes(1));
    let shown = book.one("1").unwrap();
    assert_eq!((shown.state, shown.level), (AlertState::Acknowledged, Level::Level2));
    assert_eq!(book.early(), 0);
}

#[test]
fn words_about_alerts_that_never_come_are_bounded_and_the_oldest_goes() {
    let mut book = book();
    for index in 0..=MAX_EARLY {
        book.on_acknowledged(&format!("{index}"), ack("ann"), minutes(0));
    }
    assert_eq!(book.early(), MAX_EARLY);
    book.on_raised(alert("0", "k0", Error, 5), minutes(0));
    book.on_raised(alert("1", "k1", Error, 5), minutes(0));
    assert_eq!(book.one("0").unwrap().state, AlertState::Open);
    assert_eq!(book.one("1").unwrap().state, AlertState::Acknowledged);
}

#[test]
fn words_that_were_used_take_no_room() {
    let mut book = book();
    book.on_acknowledged("x", ack("ann"), minutes(0));
    for index in 0..2 * MAX_EARLY {
        let id = index.to_string();
        book.on_acknowledged(&id, ack("ann"), minutes(0));
        book.on_raised(alert(&id, &id, Error, 5), minutes(0));
    }
    book.on_raised(alert("x", "x", Error, 5), minutes(0));
    assert_eq!(book.one("x").unwrap().state, AlertState::Acknowledged);
}

#[test]
fn an_acknowledged_alert_that_becomes_worse_is_open_again() {
    let mut book = book();
    book.on_raised(alert("1", "k", Warning, 5), minutes(0));
    book.on_acknowledged("1", ack("ann"), minutes(1));
    assert_eq!(
        book.on_raised(alert("2", "k", Warning, 6), minutes(2)),
        Outcome::Repeated { count: 2 }
    );
    assert_eq!(book.one("1").unwrap().state, AlertState::Acknowledged);
    assert_eq!(
        book.on_raised(alert("3", "k", Critical, 7), minutes(3)),
        Outcome::Worsened { count: 3 }
    );
    let shown = book.one("1").unwrap();
    assert_eq!(
        (shown.alert_id.as_str(), shown.state, shown.severity),
        ("3", AlertState::Open, Critical)
    );
    assert_eq!((shown.title.as_str(), shown.requires_ack), ("title of 3", true));
    assert_eq!(shown.acknowledged_by, None);
    book.on_acknowledged("3", ack("bob"), minutes(4));
    assert_eq!(book.one("1").unwrap().acknowledged_by.as_deref(), Some("bob"));
}

#[test]
fn of_two_acknowledgements_the_one_that_says_what_was_done_counts() {
    let done = Acknowledgement {
        resolution: Some("restarted".to_owned()),
        by: "zoe".to_owned(),
        note: None,
    };
    let orders = [[ack("bob"), done.clone(), ack("ann")], [done, ack("ann"), ack("bob")]];
    for order in orders {
        let mut book = book();
        book.on_raised(alert("1", "k", Error, 5), minutes(0));
        for word in order {
            book.on_acknowledged("1", word, minutes(1));
        }
        assert_eq!(book.one("1").unwrap().acknowledged_by.as_deref(), Some("zoe"));
    }
}

#[test]
fn a_clear_ends_all_alerts_with_its_key_and_the_next_is_new() {
    let mut book = book();
    book.on_raised(alert("1", "k", Error, 5), minutes(0));
    book.on_raised(alert("2", "k", Error, 5), minutes(10));
    book.on_raised(alert("3", "other", Error, 5), minutes(10));
    assert_eq!(book.on_cleared("k", minutes(11)), 2);
    assert_eq!(book.on_cleared("k", minutes(11)), 0);
    assert_eq!(book.one("1").unwrap().state, AlertState::Cleared);
    assert_eq!(book.open().len(), 1);
    book.on_acknowledged("1", ack("ann"), minutes(11));
    assert_eq!(book.one("1").unwrap().state, AlertState::Cleared);
    assert_eq!(book.on_raised(alert("4", "k", Error, 5), minutes(12)), Outcome::New);
}

#[test]
fn what_nobody_acknowledges_goes_up_twice_each_step_once_and_by_one_node_only() {
    let mut book = book();
    book.on_raised(alert("1", "k", Critical, 5), minutes(0));
    book.on_raised(alert("2", "warn", Warning, 5), minutes(0));
    book.on_raised(alert("3", "ack", Critical, 5), minutes(0));
    book.on_raised(alert("4", "clear", Critical, 5), minutes(0));
    book.on_acknowledged("3", ack("ann"), minutes(1));
    book.on_cleared("clear", minutes(1));
    let mine = |of: &NodeId, run: Epoch| *of == node("n") && run == Epoch(1);
    assert_eq!(
        book.due(minutes(400), |of, run| *of == node("n") && run == Epoch(2)),
        []
    );
    assert_eq!(book.next_due(), Some(minutes(15)));
    assert_eq!(book.due(minutes(15) - Duration::from_millis(1), mine), []);
    assert_eq!(book.due(minutes(15), |_, _| false), []);
    let step = |from, to| Escalation {
        alert_id: "1".to_owned(),
        from,
        to,
    };
    assert_eq!(book.due(minutes(15), mine), [step(Level::Level1, Level::Level2)]);
    assert_eq!(book.due(minutes(29), mine), []);
    assert_eq!(book.due(minutes(40), mine), [step(Level::Level2, Level::Level3)]);
    assert_eq!(book.due(minutes(400), mine), []);
    assert_eq!(book.next_due(), None);
    assert_eq!(book.one("1").unwrap().level, Level::Level3);
}

#[test]
fn an_escalation_by_another_node_is_not_repeated_and_levels_never_fall() {
    let mut book = book();
    book.on_raised(alert("1", "k", Critical, 5), minutes(0));
    book.on_escalated("1", Level::Level2, minutes(14));
    assert_eq!(book.due(minutes(28), |_, _| true), []);
    assert_eq!(book.due(minutes(29), |_, _| true).len(), 1);
    book.on_escalated("1", Level::Level2, minutes(30));
    assert_eq!(book.one("1").unwrap().level, Level::Level3);
}

#[test]
fn a_repetition_does_not_put_off_the_escalation() {
    let mut book = book();
    book.on_raised(alert("0", "k", Critical, 5), minutes(0));
    for minute in 1..15 {
        book.on_raised(alert(&minute.to_string(), "k", Critical, 5), minutes(minute));
    }
    assert_eq!(book.due(minutes(15), |_, _| true).len(), 1);
}

#[test]
fn an_alert_that_is_open_again_is_escalated_as_from_then() {
    let mut book = book();
    for minute in (0..17).step_by(4) {
        book.on_raised(alert(&minute.to_string(), "k", Warning, 5), minutes(minute));
    }
    book.on_acknowledged("0", ack("ann"), minutes(16));
    book.on_raised(alert("worse", "k", Critical, 5), minutes(18));
    assert_eq!(book.next_due(), Some(minutes(33)));
}

#[test]
fn what_needs_nobody_leaves_after_an_hour_and_the_rest_stays() {
    let mut book = book();
    for (index, severity) in [Info, Warning, Error, Critical, Critical, Critical]
        .into_iter()
        .enumerate()
    {
        book.on_raised(alert(&index.to_string(), &format!("k{index}"), severity, 5), minutes(0));
    }
    let mut asks = alert("asks", "asks", Info, 5);
    asks.requires_ack = true;
    book.on_raised(asks, minutes(0));
    book.on_acknowledged("4", ack("ann"), minutes(30));
    book.on_cleared("k5", minutes(30));
    assert_eq!(book.expire(minutes(59)), 0);
    assert_eq!(book.expire(minutes(60)), 2);
    assert_eq!(book.expire(minutes(89)), 0);
    assert_eq!(book.expire(minutes(90)), 2);
    assert_eq!(book.expire(minutes(10_000)), 0);
    let left: Vec<String> = book.all().into_iter().map(|view| view.alert_id).collect();
    assert_eq!(left, ["2", "3", "asks"]);
    assert_eq!(book.one("4"), None);
    assert_eq!(
        book.on_raised(alert("9", "k5", Error, 5), minutes(10_000)),
        Outcome::New
    );
}

#[test]
fn a_full_book_gives_up_what_was_dealt_with_first_and_counts_it() {
    let mut book = book();
    let fill = |book: &mut AlertBook, range: std::ops::Range<usize>, severity| {
        for index in range {
            book.on_raised(alert(&index.to_string(), &format!("k{index}"), severity, 5), minutes(1));
        }
    };
    fill(&mut book, 0..MAX_ALERTS, Critical);
    book.on_acknowledged("77", ack("ann"), minutes(1));
    book.on_raised(alert("a", "a", Critical, 5), minutes(1));
    assert_eq!((book.one("77"), book.evicted()), (None, 1));
    assert!(book.one("0").is_some());
    assert_eq!(book.on_raised(alert("b", "b", Info, 5), minutes(1)), Outcome::Full);
    assert_eq!(book.evicted(), 2);
    book.on_raised(alert("c", "c", Critical, 5), minutes(2));
    assert_eq!(book.one("0"), None);
    assert!(book.one("a").is_some() && book.one("c").is_some());
    assert_eq!(book.evicted(), 2 + EVICTED_AT_ONCE as u64);
    fill(&mut book, 10_000..30_000, Error);
    assert!(book.all().len() <= MAX_ALERTS && book.by_id.len() <= MAX_ALERTS && book.by_key.len() <= MAX_ALERTS);
}

#[test]
fn ids_of_repetitions_are_bounded_and_the_count_goes_on() {
    let mut book = book();
    let many = 10 * MAX_IDS as u64;
    for index in 0..many {
        book.on_raised(alert(&format!("{index:04}"), "k", Error, index as i64), minutes(1));
    }
    assert_eq!(book.by_id.len(), MAX_IDS);
    let shown = book.one("0000").unwrap();
    assert_eq!((shown.alert_id.as_str(), shown.count), ("0000", many));
    book.on_raised(alert("worse", "k", Critical, 0), minutes(1));
    assert_eq!(book.one("worse").unwrap().severity, Critical);
    assert_eq!(book.by_id.len(), MAX_IDS);
}

#[test]
fn long_texts_are_cut_and_impossible_ids_are_refused() {
    let mut book = book();
    let long = "ü".repeat(1_000);
    assert_eq!(
        book.on_raised(alert(&long, "k", Error, 5), minutes(0)),
        Outcome::Refused
    );
    assert_eq!(book.on_raised(alert("", "k", Error, 5), minutes(0)), Outcome::Refused);
    assert_eq!(book.on_acknowledged(&long, ack("ann"), minutes(0)), Taken::Refused);
    assert_eq!(book.on_escalated("", Level::Level2, minutes(0)), Taken::Refused);
    let mut wordy = alert("1", &long, Error, 5);
    wordy.title.clone_from(&long);
    book.on_raised(wordy, minutes(0));
    book.on_acknowledged("1", ack(&long), minutes(0));
    let shown = book.one("1").unwrap();
    assert_eq!((shown.key.len(), shown.title.len()), (MAX_KEY_BYTES, MAX_TEXT_BYTES));
    assert_eq!(shown.acknowledged_by.unwrap().len(), MAX_TEXT_BYTES);
    assert_eq!(book.on_cleared(&long, minutes(1)), 1);
}

#[test]
fn a_publisher_does_not_repeat_itself_unless_it_is_worse_or_was_over() {
    let mut book = book();
    assert!(book.should_publish("k", Warning, minutes(0)));
    assert!(!book.should_publish("k", Warning, minutes(1)));
    assert!(book.should_publish("other", Warning, minutes(1)));
    assert!(book.should_publish("k", Critical, minutes(2)));
    assert!(!book.should_publish("k", Warning, minutes(3)));
    assert!(!book.should_publish("k", Critical, minutes(6)));
    assert!(book.should_publish("k", Critical, minutes(7)));
    book.on_cleared("k", minutes(8));
    assert!(book.should_publish("k", Warning, minutes(8)));
}

#[test]
fn what_a_publisher_remembers_is_bounded_and_the_oldest_goes() {
    let mut book = book();
    for index in 0..=MAX_KEYS {
        assert!(book.should_publish(&format!("k{index}"), Error, Duration::from_millis(index as u64)));
    }
    assert!(!book.should_publish("k1", Error, minutes(1)));
    assert!(book.should_publish("k0", Error, minutes(1)));
}

#[test]
fn open_alerts_are_shown_the_worst_first() {
    let mut book = book();
    for (id, severity, ms) in [
        ("1", Warning, 9),
        ("2", Critical, 1),
        ("3", Critical, 2),
        ("4", Info, 9),
    ] {
        book.on_raised(alert(id, id, severity, ms), minutes(0));
    }
    let order: Vec<String> = book.open().into_iter().map(|view| view.alert_id).collect();
    assert_eq!(order, ["3", "2", "1", "4"]);
}

/// One message on `alerts`.
#[derive(Debug, Clone)]
enum Word {
    Raised(Alert),
    Acknowledged(String, Acknowledgement),
    Escalated(String, Level),
}

fn words() -> impl Strategy<Value = Vec<Word>> {
    let severity = || prop::sample::select(vec![Info, Warning, Error, Critical]);
    let raised = prop::collection::vec((severity(), 0..2_u8, 0..3_i64), 1..8);
    let acks = prop::collection::vec((0..8_u8, "[a-c]", prop::option::of("[x-z]")), 0..6);
    let levels = prop::sample::select(vec![Level::Level1, Level::Level2, Level::Level3]);
    let escalations = prop::collection::vec((0..8_u8, levels), 0..4);
    (raised, acks, escalations).prop_map(|(raised, acks, escalations)| {
        let raised = raised.into_iter().enumerate().map(|(index, (severity, key, ms))| {
            Word::Raised(alert(&index.to_string(), &format!("k{key}"), severity, ms))
        });
        let acks = acks.into_iter().map(|(index, by, resolution)| {
            let word = Acknowledgement { resolution, ..ack(&by) };
            Word::Acknowledged(index.to_string(), word)
        });
        let escalations = escalations.into_iter();
        let escalations = escalations.map(|(index, to)| Word::Escalated(index.to_string(), to));
        raised.chain(acks).chain(escalations).collect()
    })
}

fn read(words: &[Word]) -> Vec<AlertView> {
    let mut book = book();
    for (index, word) in words.iter().enumerate() {
        let now = Duration::from_millis(index as u64);
        match word.clone() {
            Word::Raised(alert) => drop(book.on_raised(alert, now)),
            Word::Acknowledged(id, ack) => drop(book.on_acknowledged(&id, ack, now)),
            Word::Escalated(id, to) => drop(book.on_escalated(&id, to, now)),
        }
    }
    let mut all = book.all();
    all.sort_by(|one, other| one.key.cmp(&other.key));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn books_agree_in_whatever_order_they_hear(
        (words, shuffled) in words().prop_flat_map(|words| (Just(words.clone()), Just(words).prop_shuffle())),
    ) {
        prop_assert_eq!(read(&words), read(&shuffled));
    }
}
