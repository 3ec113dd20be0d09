use std::fmt;
use std::num::NonZeroU32;

use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::{Dispatch, Level, debug, error, info, info_span, trace, warn};
use tracing_subscriber::prelude::*;

use super::record::{MAX_RECORD_BYTES, Record};
use super::*;

fn with(change: impl FnOnce(&mut LogBridgeSettings)) -> (Dispatch, LogBridge) {
    let mut settings = LogBridgeSettings::default();
    change(&mut settings);
    let (layer, bridge) = LogBridge::new(settings);
    (Dispatch::new(tracing_subscriber::registry().with(layer)), bridge)
}

fn waiting(bridge: &LogBridge) -> Vec<Record> {
    std::iter::from_fn(|| bridge.shared.queue.pop()).collect()
}

fn messages(bridge: &LogBridge) -> Vec<String> {
    waiting(bridge).into_iter().map(|record| record.message).collect()
}

/// What is published of the only record that a program logs.
fn entry_of(program: impl FnOnce()) -> Value {
    let (dispatch, bridge) = with(|settings| settings.min_level = Level::TRACE);
    tracing::dispatcher::with_default(&dispatch, program);
    let mut records = waiting(&bridge);
    assert_eq!(records.len(), 1);
    let record = records.remove(0);
    let entry = record.entry(Instant::now(), bellwether_message::Timestamp::from_millis(0));
    serde_json::to_value(entry).unwrap()
}

fn is_within(entry: &Value) -> bool {
    entry.to_string().len() <= MAX_RECORD_BYTES
}

/// Logs while it is shown.
struct Chatty;

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        warn!(target: "shop", "while it is shown");
        f.write_str("chatty")
    }
}

/// Is never done.
struct Endless;

impl fmt::Debug for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        loop {
            f.write_str("and on ")?;
        }
    }
}

#[test]
fn fields_keep_their_types_and_places_are_told() {
    let entry = entry_of(|| {
        info!(
            target: "shop::cart", function = "add", count = -3, total = u64::MAX,
            price = 1.5, nothing = f64::NAN, paid = true,
            who = "Ann", huge = u128::MAX, list = ?vec![1, 2], file = "cart.json", spans = 1, "{} {}", "an", "order"
        );
    });
    assert_eq!(
        (&entry["level"], &entry["message"], &entry["module"], &entry["function"]),
        (&json!("info"), &json!("an order"), &json!("shop::cart"), &json!("add"))
    );
    assert!(entry["line"].as_u64().is_some_and(|line| line > 0));
    let expected = json!({
        "count": -3, "total": u64::MAX, "price": 1.5, "nothing": "NaN", "paid": true, "who": "Ann",
        "huge": u128::MAX.to_string(), "list": "[1, 2]", "file_": "cart.json", "spans_": 1, "file": file!(),
    });
    assert_eq!(entry["metadata"], expected);
}

#[test]
fn an_error_is_told_with_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("no mesh")]
    struct Outer(#[from] Inner);
    #[derive(Debug, thiserror::Error)]
    #[error("the port is taken")]
    struct Inner;
    let err = Outer::from(Inner);
    let entry = entry_of(|| error!(target: "shop", err = &err as &dyn std::error::Error, "it failed"));
    assert_eq!(entry["metadata"]["err"], "no mesh: the port is taken");
}

#[test]
fn levels_have_the_names_of_the_catalogue() {
    assert_eq!(entry_of(|| error!(target: "shop", "x"))["level"], "error");
    assert_eq!(entry_of(|| warn!(target: "shop", "x"))["level"], "warn");
    assert_eq!(entry_of(|| info!(target: "shop", "x"))["level"], "info");
    assert_eq!(entry_of(|| debug!(target: "shop", "x"))["level"], "debug");
    assert_eq!(entry_of(|| trace!(target: "shop", "x"))["level"], "debug");
}

#[test]
fn the_spans_around_a_record_are_told_from_the_outermost_with_what_they_learned_later() {
    let entry = entry_of(|| {
        let outer = info_span!(target: "shop", "request", id = 7, user = tracing::field::Empty);
        let _outer = outer.enter();
        let _inner = info_span!(target: "shop", "payment", amount = 2.5).entered();
        outer.record("user", "Ann");
        outer.record("id", 8);
        info!(target: "shop", "paid");
    });
    let expected = json!([
        {"name": "request", "fields": {"id": 8, "user": "Ann"}},
        {"name": "payment", "fields": {"amount": 2.5}},
    ]);
    assert_eq!(entry["metadata"]["spans"], expected);
}

#[test]
fn of_many_spans_the_innermost_are_told_and_the_others_counted() {
    let entry = entry_of(|| {
        let spans: Vec<_> = (0..20)
            .map(|depth| info_span!(target: "shop", "deep", depth).entered())
            .collect();
        info!(target: "shop", "x");
        // In the order in which they must be left.
        spans.into_iter().rev().for_each(drop);
    });
    let spans = entry["metadata"]["spans"].as_array().unwrap();
    assert_eq!((spans.len(), &entry["metadata"]["spans_left_out"]), (16, &json!(4)));
    assert_eq!(
        (&spans[0]["fields"]["depth"], &spans[15]["fields"]["depth"]),
        (&json!(4), &json!(19))
    );
}

#[test]
fn what_does_not_fit_is_cut_or_left_out_and_named() {
    let long = "x".repeat(20_000);
    let entry = entry_of(|| info!(target: "shop", small = 1, large = %long, text = long, endless = ?Endless, "{long}"));
    let message = entry["message"].as_str().unwrap();
    assert!(message.len() > 8000 && message.ends_with("x…"));
    assert_eq!(entry["metadata"]["left_out"], json!(["large", "text", "endless"]));
    assert_eq!(entry["metadata"]["small"], 1);
    assert!(is_within(&entry));
    let in_a_span = entry_of(|| {
        let _span = info_span!(target: "shop", "request", large = %long, small = 2).entered();
        info!(target: "shop", "x");
    });
    let metadata = &in_a_span["metadata"];
    assert_eq!(metadata["left_out"], json!(["request.large"]));
    assert_eq!(metadata["spans"][0]["fields"], json!({"small": 2}));
}

#[test]
fn a_record_of_whatever_characters_is_no_larger_than_it_may_be() {
    for character in ["\u{1}", "\"", "é", "\u{1f600}"] {
        let (long, part) = (character.repeat(20_000), character.repeat(300));
        let entry = entry_of(|| {
            let spans: Vec<_> = (0..30)
                .map(|_| info_span!(target: "shop", "deep", a = part, b = part, c = part).entered())
                .collect();
            info!(
                target: "shop", function = long, a = part, b = part, c = part, d = part, e = part, f = part, g = part,
                h = part, i = part, j = part, k = long, l = long, "{long}"
            );
            spans.into_iter().rev().for_each(drop);
        });
        assert!(is_within(&entry), "{character:?}: {}", entry.to_string().len());
        assert!(entry.to_string().len() > MAX_RECORD_BYTES / 2);
    }
}

#[test]
fn a_field_that_logs_while_it_is_shown_leads_to_no_record() {
    let (dispatch, bridge) = with(|_| {});
    tracing::dispatcher::with_default(&dispatch, || {
        let _span = info_span!(target: "shop", "request", field = ?Chatty).entered();
        info!(target: "shop", field = ?Chatty, "{:?}", Chatty);
    });
    let records = waiting(&bridge);
    assert_eq!(records.len(), 1);
    assert_eq!(
        (records[0].message.as_str(), &records[0].metadata["field"]),
        ("chatty", &json!("chatty"))
    );
}

#[test]
fn what_publishing_logs_at_whatever_level_leads_to_no_record() {
    let (dispatch, bridge) = with(|_| {});
    tracing::dispatcher::with_default(&dispatch, || {
        for number in 0..3 {
            warn!(target: "shop", "{number}");
        }
        let mut published = Vec::new();
        let more = publisher::hand_out(&bridge.shared, |record| {
            error!(target: "shop", "it failed");
            warn!(target: "bellwether_mesh::links", "it is slow");
            published.push(record.message);
        });
        assert!(!more);
        assert_eq!(published, ["0", "1", "2"]);
        assert!(waiting(&bridge).is_empty());
        warn!(target: "shop", "afterwards");
    });
    assert_eq!(messages(&bridge), ["afterwards"]);
}

#[test]
fn what_publishing_logs_on_other_threads_dies_out() {
    let (dispatch, bridge) = with(|_| {});
    tracing::dispatcher::with_default(&dispatch, || warn!(target: "shop", "the first"));
    let mut published = 0;
    // As if a task of the mesh warned twice of each message that it sends.
    while publisher::hand_out(&bridge.shared, |_| {
        published += 1;
        let dispatch = dispatch.clone();
        let elsewhere = std::thread::spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || {
                warn!(target: "bellwether_mesh::writer", "slow");
                info!(target: "quinn_proto::connection", "congested");
                warn!(target: "quinn_proto::connection", "congested");
            });
        });
        elsewhere.join().unwrap();
    }) {}
    // One, ten at once, and what comes in the second or so that this takes.
    assert!((11..40).contains(&published), "{published}");
    assert!(bridge.counts().limited > 0);
}

#[test]
fn below_its_levels_nothing_is_looked_at_and_other_layers_are_not_affected() {
    #[derive(Default, Clone)]
    struct Seen(Arc<std::sync::Mutex<Vec<Level>>>);
    impl<S: Subscriber> Layer<S> for Seen {
        fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }
    }
    let (layer, bridge) = LogBridge::new(LogBridgeSettings::default());
    let seen = Seen::default();
    let everything = tracing_subscriber::filter::LevelFilter::TRACE;
    let subscriber = tracing_subscriber::registry()
        .with(layer)
        .with(seen.clone().with_filter(everything));
    let mut shown = false;
    tracing::subscriber::with_default(subscriber, || {
        debug!(target: "shop", "below");
        info!(target: "bellwether_mesh::links", "below its own");
        info!(target: "shop", "heard");
    });
    assert_eq!(*seen.0.lock().unwrap(), [Level::DEBUG, Level::INFO, Level::INFO]);
    assert_eq!(messages(&bridge), ["heard"]);
    let (dispatch, _bridge) = with(|_| {});
    tracing::dispatcher::with_default(&dispatch, || {
        assert!(!tracing::enabled!(target: "shop", Level::DEBUG));
        debug!(target: "shop", made = { shown = true; 1 }, "below");
    });
    assert!(!shown, "a field was made though nobody looks at it");
}

#[test]
fn the_level_may_be_another() {
    let (dispatch, bridge) = with(|settings| settings.min_level = Level::WARN);
    tracing::dispatcher::with_default(&dispatch, || {
        info!(target: "shop", "below");
        warn!(target: "shop", "heard");
    });
    assert_eq!(messages(&bridge), ["heard"]);
}

#[test]
fn beyond_the_rate_records_are_left_out_and_counted() {
    let (dispatch, bridge) = with(|settings| {
        settings.per_second = NonZeroU32::MIN;
        settings.burst = NonZeroU32::new(3).unwrap();
    });
    tracing::dispatcher::with_default(&dispatch, || {
        (0..10).for_each(|number| info!(target: "shop", "{number}"))
    });
    let published = u64::try_from(messages(&bridge).len()).unwrap();
    assert!((3..6).contains(&published));
    assert_eq!(bridge.counts().limited, 10 - published);
    assert_eq!(bridge.shared.judging().limited().0, 10 - published);
}

#[test]
fn when_too_many_wait_the_newest_are_left_out_and_counted() {
    let (dispatch, bridge) = with(|settings| settings.burst = NonZeroU32::new(10_000).unwrap());
    tracing::dispatcher::with_default(&dispatch, || {
        (0..1030).for_each(|number| info!(target: "shop", "{number}"))
    });
    let messages = messages(&bridge);
    assert_eq!((messages.len(), messages[1023].as_str()), (1024, "1023"));
    assert_eq!((bridge.counts().queue_full, bridge.shared.queue.left_out()), (6, 6));
}

#[test]
fn a_filter_holds_at_once_and_its_records_are_in_the_summary() {
    let (dispatch, bridge) = with(|_| {});
    let rule = LogRule {
        id: "1".to_owned(),
        by: RuleBy::Module,
        value: "shop::cart".to_owned(),
        action: RuleAction::Exclude,
        enabled: true,
    };
    bridge.set_filter(rule.clone()).unwrap();
    assert_eq!(bridge.filters(), [rule]);
    tracing::dispatcher::with_default(&dispatch, || {
        error!(target: "shop::cart", "hidden");
        info!(target: "shop", "heard");
    });
    assert_eq!(
        (messages(&bridge), bridge.counts().excluded),
        (vec!["heard".to_owned()], 1)
    );
    let totals = bridge.shared.judging().close(bridge.shared.elapsed()).unwrap();
    assert_eq!(
        (totals.total_logs, totals.top_errors[0].message.as_str()),
        (2, "hidden")
    );
    assert!(bridge.remove_filter("1"));
    assert!(!bridge.remove_filter("1"));
    tracing::dispatcher::with_default(&dispatch, || info!(target: "shop::cart", "seen"));
    assert_eq!(messages(&bridge), ["seen"]);
}

#[test]
fn records_of_the_log_crate_are_told_with_their_own_places() {
    let (dispatch, bridge) = with(|_| {});
    tracing::dispatcher::with_default(&dispatch, || {
        for target in ["shop::old", "rustls::client"] {
            info!(
                target: "log",
                { log.target = target, log.module_path = "shop::old", log.file = "old.rs", log.line = 12_u32 },
                "an old record"
            );
        }
    });
    let records = waiting(&bridge);
    assert_eq!(records.len(), 1, "the other is quiet");
    assert_eq!((records[0].module.as_str(), records[0].line), ("shop::old", Some(12)));
    assert_eq!(Value::Object(records[0].metadata.clone()), json!({"file": "old.rs"}));
}

#[test]
fn without_a_runtime_it_is_not_attached_and_nothing_is_flushed() {
    let (dispatch, bridge) = with(|_| {});
    tracing::dispatcher::with_default(&dispatch, || info!(target: "shop", "x"));
    bridge.flush();
    assert_eq!(messages(&bridge), ["x"]);
    let rotated = bridge.rotated("application", "a.log.1", "a.log", None, None);
    assert_eq!(rotated.unwrap(), crate::integration::Sent::Disabled);
}
