use std::collections::HashMap;
use std::num::NonZeroU32;

use bellwether_message::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::log_level::LogLevel;

const DELIVERED: &str = "event_delivery_success";
const NOT_DELIVERED: &str = "event_delivery_failed";
const HEARTBEAT: &str = "periodic_heartbeat";
const OPENED: &str = "circuit_breaker_opened";

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn watch() -> SubscriptionHealth {
    SubscriptionHealth::new(HealthSettings::default(), at(0))
}

fn told<'a>(subscription: &'a str, word: &str) -> Observation<'a> {
    Observation {
        store: "orders",
        subscription,
        event: HealthEvent::from_name(word),
        error: None,
        at: Timestamp::from_millis(1_000),
        key: None,
    }
}

/// Tells `word` of subscription `a` at `now` and returns its state.
fn tell(health: &mut SubscriptionHealth, word: &str, now: Duration) -> HealthState {
    health.observe(told("a", word), now).unwrap();
    health.record("orders", "a").unwrap().current_status
}

/// The state after these words.
fn after(words: &[&str]) -> HealthState {
    let mut health = watch();
    words
        .iter()
        .fold(HealthState::Unknown, |_, word| tell(&mut health, word, at(0)))
}

fn emission_after(words: &[&str]) -> Emission {
    let mut health = watch();
    for word in words {
        tell(&mut health, word, at(0));
    }
    health.emission("orders", "a")
}

#[test]
fn each_word_alone_has_the_state_that_the_table_gives() {
    for (word, state) in [
        ("registration_started", HealthState::Registering),
        ("registration_success", HealthState::Healthy),
        ("registration_failed", HealthState::Failed),
        ("proxy_started", HealthState::Healthy),
        ("proxy_stopped", HealthState::Failed),
        ("proxy_crashed", HealthState::Failed),
        ("circuit_breaker_opened", HealthState::Degraded),
        ("circuit_breaker_half_open", HealthState::Degraded),
        ("circuit_breaker_closed", HealthState::Healthy),
        ("event_delivery_success", HealthState::Healthy),
        ("event_delivery_failed", HealthState::Degraded),
        ("periodic_heartbeat", HealthState::Healthy),
        ("gone_fishing", HealthState::Unknown),
    ] {
        assert_eq!(after(&[word]), state, "{word}");
        assert_eq!(after(&["registration_success", word]), state, "{word} after health");
    }
}

#[test]
fn the_third_failed_delivery_in_a_row_fails_it() {
    assert_eq!(after(&[NOT_DELIVERED; 2]), HealthState::Degraded);
    assert_eq!(after(&[NOT_DELIVERED; 3]), HealthState::Failed);
    let broken_row = [NOT_DELIVERED, NOT_DELIVERED, DELIVERED, NOT_DELIVERED, NOT_DELIVERED];
    assert_eq!(after(&broken_row), HealthState::Degraded);
}

#[test]
fn the_threshold_is_a_setting() {
    let settings = HealthSettings {
        unhealthy_threshold: NonZeroU32::MIN,
        ..HealthSettings::default()
    };
    let mut health = SubscriptionHealth::new(settings, at(0));
    assert_eq!(tell(&mut health, NOT_DELIVERED, at(0)), HealthState::Failed);
}

#[test]
fn a_heartbeat_is_no_delivery() {
    let row = [NOT_DELIVERED, HEARTBEAT, NOT_DELIVERED, HEARTBEAT, NOT_DELIVERED];
    assert_eq!(after(&row[..2]), HealthState::Healthy);
    assert_eq!(after(&row), HealthState::Failed);
}

#[test]
fn a_heartbeat_after_failed_deliveries_lets_one_be_tried() {
    let mut health = watch();
    for _ in 0..3 {
        tell(&mut health, NOT_DELIVERED, at(0));
    }
    assert_eq!(health.emission("orders", "a"), Emission::Paused);
    assert_eq!(tell(&mut health, HEARTBEAT, at(1)), HealthState::Degraded);
    assert_eq!(health.emission("orders", "a"), Emission::Throttled);
    assert_eq!(tell(&mut health, NOT_DELIVERED, at(2)), HealthState::Failed);
    tell(&mut health, HEARTBEAT, at(3));
    assert_eq!(tell(&mut health, DELIVERED, at(4)), HealthState::Healthy);
    assert_eq!(
        tell(&mut health, NOT_DELIVERED, at(5)),
        HealthState::Degraded,
        "counted anew"
    );
}

#[test]
fn a_failed_delivery_makes_nothing_better() {
    assert_eq!(after(&["proxy_crashed", NOT_DELIVERED]), HealthState::Failed);
}

#[test]
fn every_good_word_heals_a_failed_one() {
    for word in [
        "registration_success",
        "proxy_started",
        "circuit_breaker_closed",
        DELIVERED,
        HEARTBEAT,
    ] {
        assert_eq!(after(&["proxy_crashed", word]), HealthState::Healthy, "{word}");
    }
    for word in [
        "registration_success",
        "proxy_started",
        "circuit_breaker_closed",
        DELIVERED,
    ] {
        let words = [
            NOT_DELIVERED,
            NOT_DELIVERED,
            NOT_DELIVERED,
            word,
            NOT_DELIVERED,
            NOT_DELIVERED,
        ];
        assert_eq!(
            after(&words),
            HealthState::Degraded,
            "the count begins anew after {word}"
        );
    }
}

#[test]
fn an_open_breaker_keeps_it_degraded_and_paused_until_it_closes() {
    for word in [HEARTBEAT, DELIVERED] {
        assert_eq!(after(&[OPENED, word]), HealthState::Degraded, "{word}");
    }
    for word in [
        HEARTBEAT,
        DELIVERED,
        "registration_started",
        "circuit_breaker_half_open",
        "hm",
    ] {
        assert_eq!(emission_after(&[OPENED, word]), Emission::Paused, "{word}");
    }
    for word in ["circuit_breaker_closed", "registration_success", "proxy_started"] {
        assert_eq!(after(&[OPENED, word]), HealthState::Healthy, "{word}");
        assert_eq!(emission_after(&[OPENED, word]), Emission::On, "{word}");
    }
}

#[test]
fn emission_follows_the_state() {
    assert_eq!(watch().emission("orders", "a"), Emission::On, "never heard of");
    assert_eq!(emission_after(&["registration_started"]), Emission::On);
    assert_eq!(emission_after(&["registration_failed"]), Emission::Paused);
    assert_eq!(emission_after(&["proxy_stopped"]), Emission::Paused);
    assert_eq!(emission_after(&["proxy_crashed"]), Emission::Paused);
    assert_eq!(emission_after(&[NOT_DELIVERED]), Emission::Throttled);
    assert_eq!(emission_after(&[NOT_DELIVERED, DELIVERED]), Emission::On);
}

#[test]
fn a_change_says_what_from_what_to_and_why_and_no_change_says_nothing() {
    let mut health = watch();
    let change = health.observe(told("a", HEARTBEAT), at(0)).unwrap().unwrap();
    assert_eq!((change.from, change.to), (HealthState::Unknown, HealthState::Healthy));
    assert_eq!((change.level(), change.reason), (LogLevel::Info, None));
    assert_eq!(health.observe(told("a", DELIVERED), at(0)), Ok(None));
    let crash = Observation {
        error: Some("killed"),
        ..told("a", "proxy_crashed")
    };
    let change = health.observe(crash, at(0)).unwrap().unwrap();
    assert_eq!(change.level(), LogLevel::Error);
    let expected = HealthChange {
        store: "orders".into(),
        subscription: "a".into(),
        from: HealthState::Healthy,
        to: HealthState::Failed,
        event: Some(HealthEvent::ProxyCrashed),
        reason: Some("killed".to_owned()),
    };
    assert_eq!(change, expected);
}

#[test]
fn bad_news_are_logged_as_warnings() {
    for word in ["registration_failed", "proxy_stopped", OPENED, NOT_DELIVERED] {
        let change = watch().observe(told("a", word), at(0)).unwrap().unwrap();
        assert_eq!(change.level(), LogLevel::Warn, "{word}");
    }
}

#[test]
fn a_record_is_what_was_told() {
    let mut health = watch();
    tell(&mut health, "registration_started", at(0));
    tell(&mut health, "proxy_stopped", at(0));
    assert_eq!(
        health.record("orders", "a").unwrap().last_error,
        None,
        "a stop is no error"
    );
    let failed = Observation {
        error: Some("no such stream"),
        ..told("a", "registration_failed")
    };
    health.observe(failed, at(1)).unwrap();
    let fishing = Observation {
        at: Timestamp::from_millis(2_000),
        ..told("a", "gone_fishing")
    };
    health.observe(fishing, at(2)).unwrap();
    let record = health.record("orders", "a").unwrap();
    let expected = json!({
        "subscription_name": "a", "current_status": "unknown", "last_seen": "1970-01-01T00:00:02.000Z",
        "event_count": 4, "last_event": "gone_fishing", "error_count": 1, "last_error": "no such stream",
    });
    assert_eq!(serde_json::to_value(&record).unwrap(), expected);
    assert_eq!(serde_json::from_value::<SubscriptionRecord>(expected).unwrap(), record);
    tell(&mut health, NOT_DELIVERED, at(3));
    let record = health.record("orders", "a").unwrap();
    assert_eq!(
        record.last_error.as_deref(),
        Some(NOT_DELIVERED),
        "an error without text"
    );
    assert_eq!(record.error_count, 2);
}

#[test]
fn long_errors_are_cut() {
    let mut health = watch();
    let error = "x".repeat(1_000_000);
    let crash = Observation {
        error: Some(&error),
        ..told("a", "proxy_crashed")
    };
    let change = health.observe(crash, at(0)).unwrap().unwrap();
    assert!(change.reason.unwrap().len() < 600);
    assert!(health.record("orders", "a").unwrap().last_error.unwrap().len() < 600);
}

#[test]
fn a_made_up_word_is_cut_however_it_was_made() {
    let mut health = watch();
    let endless = Observation {
        event: HealthEvent::Other("x".repeat(1_000_000)),
        ..told("a", "")
    };
    health.observe(endless, at(0)).unwrap();
    assert!(health.record("orders", "a").unwrap().last_event.name().len() < 80);
}

#[test]
fn an_event_on_two_topics_is_counted_once() {
    let mut health = watch();
    for key in ["health/a/1/7", "health/a/1/7", "health/a/1/8"] {
        let copy = Observation {
            key: Some(key),
            ..told("a", NOT_DELIVERED)
        };
        health.observe(copy, at(0)).unwrap();
    }
    assert_eq!(health.record("orders", "a").unwrap().event_count, 2);
    assert_eq!(
        health.record("orders", "a").unwrap().current_status,
        HealthState::Degraded
    );
}

#[test]
fn stores_and_names_are_listed_in_order_and_apart() {
    let mut health = watch();
    for (store, subscription) in [("b", "y"), ("a", "x"), ("b", "x")] {
        let told = Observation {
            store,
            ..told(subscription, HEARTBEAT)
        };
        health.observe(told, at(0)).unwrap();
    }
    let other = Observation {
        store: "b",
        ..told("x", "proxy_crashed")
    };
    health.observe(other, at(0)).unwrap();
    assert_eq!(health.stores(), ["a".into(), "b".into()]);
    assert_eq!(health.names("b"), ["x".into(), "y".into()]);
    assert_eq!(health.names("c"), Vec::<Arc<str>>::new());
    assert_eq!(health.record("a", "x").unwrap().current_status, HealthState::Healthy);
    assert_eq!(health.record("b", "x").unwrap().current_status, HealthState::Failed);
    assert_eq!(health.record("a", "y"), None);
    assert_eq!(health.summary("c"), None);
    let summary = health.summary("b").unwrap();
    assert_eq!(
        (summary.total_subscriptions, summary.healthy, summary.failed),
        (2, 1, 1)
    );
    assert_eq!(health.summaries(), [health.summary("a").unwrap(), summary]);
}

#[test]
fn who_sends_heartbeats_and_falls_silent_becomes_unknown_and_is_told_once() {
    let mut health = watch();
    tell(&mut health, HEARTBEAT, at(1));
    tell(&mut health, DELIVERED, at(2));
    assert_eq!(health.tick(at(2)), Checked::default());
    assert_eq!(health.tick(Duration::from_millis(16_999)), Checked::default());
    let expected = HealthChange {
        store: "orders".into(),
        subscription: "a".into(),
        from: HealthState::Healthy,
        to: HealthState::Unknown,
        event: None,
        reason: Some("silent for 20 s".to_owned()),
    };
    assert_eq!(expected.level(), LogLevel::Warn);
    let checked = health.tick(at(22));
    assert_eq!((checked.changes, checked.expired), (vec![expected], vec![]));
    assert_eq!(health.tick(at(27)), Checked::default());
    assert_eq!(tell(&mut health, HEARTBEAT, at(28)), HealthState::Healthy);
}

#[test]
fn the_silence_counts_from_its_limit_on() {
    let mut health = watch();
    tell(&mut health, HEARTBEAT, at(1));
    assert_eq!(health.tick(at(16)).changes.len(), 1);
}

#[test]
fn who_never_sent_a_heartbeat_or_has_failed_may_be_silent() {
    for words in [
        &[DELIVERED][..],
        &[HEARTBEAT, "proxy_crashed"],
        &[HEARTBEAT, "proxy_started"],
    ] {
        let mut health = watch();
        for word in words {
            tell(&mut health, word, at(0));
        }
        assert_eq!(health.tick(at(100)), Checked::default(), "{words:?}");
    }
}

#[test]
fn the_silence_can_be_set_and_switched_off() {
    for (silence, found) in [(at(7), 1), (at(50), 0), (at(0), 0)] {
        let settings = HealthSettings {
            heartbeat_silence: Some(silence),
            ..HealthSettings::default()
        };
        let mut health = SubscriptionHealth::new(settings, at(0));
        tell(&mut health, HEARTBEAT, at(0));
        assert_eq!(health.tick(at(40)).changes.len(), found, "{silence:?}");
    }
}

#[test]
fn checks_keep_their_interval() {
    let mut health = watch();
    health.tick(at(14));
    tell(&mut health, HEARTBEAT, at(1));
    assert_eq!(health.tick(at(18)), Checked::default());
    assert_eq!(health.tick(at(19)).changes.len(), 1);
}

#[test]
fn who_is_silent_for_five_minutes_is_forgotten() {
    let mut health = watch();
    tell(&mut health, "proxy_crashed", at(0));
    health.observe(told("b", DELIVERED), at(1)).unwrap();
    assert_eq!(health.tick(at(299)), Checked::default());
    let checked = health.tick(at(300) + at(4));
    let names: Vec<&str> = checked.expired.iter().map(|key| &*key.subscription).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(health.is_empty());
    assert!(health.stores().is_empty());
    assert_eq!(health.emission("orders", "a"), Emission::On);
}

#[test]
fn each_event_puts_off_the_expiry() {
    let mut health = watch();
    tell(&mut health, DELIVERED, at(0));
    health.observe(told("b", DELIVERED), at(10)).unwrap();
    tell(&mut health, DELIVERED, at(100));
    let expired = health.tick(at(310)).expired;
    assert_eq!(expired.len(), 1);
    assert_eq!(&*expired[0].subscription, "b");
    assert_eq!(health.names("orders"), ["a".into()]);
}

#[test]
fn summaries_are_due_every_thirty_seconds_and_not_made_up_for() {
    let mut health = watch();
    tell(&mut health, DELIVERED, at(0));
    assert!(health.due_summaries(at(29)).is_empty());
    assert_eq!(health.due_summaries(at(31)).len(), 1);
    assert!(health.due_summaries(at(59)).is_empty());
    assert_eq!(health.due_summaries(at(60)).len(), 1, "no drift");
    assert_eq!(health.due_summaries(at(500)).len(), 1);
    assert!(health.due_summaries(at(501)).is_empty());
    assert_eq!(health.due_summaries(at(530)).len(), 1);
}

#[test]
fn when_there_is_no_room_the_longest_silent_goes() {
    let mut health = watch();
    let names: Vec<String> = (0..MAX_SUBSCRIPTIONS).map(|number| number.to_string()).collect();
    for name in &names {
        health.observe(told(name, DELIVERED), at(0)).unwrap();
    }
    health.observe(told("0", DELIVERED), at(1)).unwrap();
    assert_eq!((health.len(), health.evicted()), (MAX_SUBSCRIPTIONS, 0));
    health.observe(told("new", DELIVERED), at(2)).unwrap();
    assert_eq!((health.len(), health.evicted()), (MAX_SUBSCRIPTIONS, 1));
    assert_eq!(health.record("orders", "1"), None);
    assert!(health.record("orders", "0").is_some());
    assert!(health.record("orders", "new").is_some());
    assert_eq!(health.names("orders").len(), MAX_SUBSCRIPTIONS);
}

#[test]
fn names_without_end_are_refused_and_nothing_is_kept() {
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    let mut health = watch();
    let err = health.observe(told(&long, DELIVERED), at(0)).unwrap_err();
    assert_eq!(
        err.to_string(),
        "the name of the subscription has 241 bytes: it must have 1 to 240"
    );
    let err = health.observe(told("", DELIVERED), at(0)).unwrap_err();
    assert_eq!(err, ObserveError::NameEmpty { what: "subscription" });
    let store = Observation {
        store: &long,
        ..told("a", DELIVERED)
    };
    assert!(matches!(
        health.observe(store, at(0)),
        Err(ObserveError::NameTooLong { what: "store", .. })
    ));
    let long_key = "x".repeat(MAX_KEY_BYTES + 1);
    let key = Observation {
        key: Some(&long_key),
        ..told("a", DELIVERED)
    };
    assert_eq!(health.observe(key, at(0)), Err(ObserveError::KeyTooLong { bytes: 321 }));
    assert!(health.is_empty());
    assert!(health.observe(told(&long[1..], DELIVERED), at(0)).is_ok());
}

#[test]
fn one_that_is_switched_off_watches_nothing() {
    let settings = HealthSettings {
        enabled: false,
        ..HealthSettings::default()
    };
    let mut health = SubscriptionHealth::new(settings, at(0));
    assert_eq!(health.observe(told("a", "proxy_crashed"), at(0)), Ok(None));
    assert!(health.is_empty());
    assert!(health.due_summaries(at(100)).is_empty());
    assert_eq!(health.emission("orders", "a"), Emission::On);
}

#[test]
fn the_defaults_are_those_of_the_documents() {
    let settings = HealthSettings::default();
    assert!(settings.enabled);
    assert_eq!(settings.check_interval, at(5));
    assert_eq!(settings.unhealthy_threshold.get(), 3);
    assert_eq!(settings.summary_interval, at(30));
    assert_eq!(settings.expire_after, at(300));
    assert_eq!(settings.silence(), Some(at(15)));
}

fn word() -> impl Strategy<Value = HealthEvent> {
    let mut words = HealthEvent::KNOWN.to_vec();
    words.push(HealthEvent::from_name("gone_fishing"));
    prop::sample::select(words)
}

proptest! {
    #[test]
    fn told_changes_and_counts_agree_with_the_records(
        steps in prop::collection::vec((0..4_usize, word(), 0..40_u64, any::<bool>()), 0..200),
    ) {
        let mut health = watch();
        let mut now = at(0);
        // By the changes and expiries alone; the last time each was heard.
        let mut states: HashMap<String, HealthState> = HashMap::new();
        let mut heard: HashMap<String, Duration> = HashMap::new();
        for (name, event, later, ticks) in steps {
            now += at(later);
            let name = ["a", "b", "c", "d"][name];
            let mut changes = Vec::new();
            if ticks {
                let checked = health.tick(now);
                for key in checked.expired {
                    let silent_since = heard.remove(&*key.subscription).unwrap();
                    prop_assert!(now - silent_since >= at(300));
                    states.remove(&*key.subscription);
                }
                changes.extend(checked.changes);
            } else {
                changes.extend(health.observe(Observation { event, ..told(name, "") }, now).unwrap());
                heard.insert(name.to_owned(), now);
            }
            for change in changes {
                let before = states.insert(change.subscription.to_string(), change.to);
                prop_assert_eq!(before.unwrap_or_default(), change.from);
                prop_assert_ne!(change.from, change.to);
            }
            prop_assert_eq!(health.len(), heard.len());
            for name in heard.keys() {
                let record = health.record("orders", name).unwrap();
                prop_assert_eq!(states.get(name).copied().unwrap_or_default(), record.current_status);
                prop_assert!(record.error_count <= record.event_count);
            }
            if let Some(summary) = health.summary("orders") {
                let parts = [summary.healthy, summary.degraded, summary.failed, summary.registering, summary.unknown];
                prop_assert_eq!(parts.iter().sum::<u64>(), summary.total_subscriptions);
                prop_assert_eq!(usize::try_from(summary.total_subscriptions).unwrap(), heard.len());
            }
        }
    }
}
