//! Filters that nodes of the mesh tell each other.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bellwether_broker::Delivery;
use bellwether_catalogue::Message;
use bellwether_catalogue::families::logging::{LogFilter, LogFilterAction, LogFilterKind};
use bellwether_catalogue::word::Word;
use bellwether_message::{Instance, Pattern};
use bellwether_monitor::log_filter::{LogRule, LogRuleError, MAX_RULE_ID_BYTES, MAX_RULES, RuleAction, RuleBy};
use serde_json::Value;
use tokio::sync::watch;

use super::shared::Shared;
use crate::node::Node;
use crate::replay::ReplayFrom;

/// Told filters that are asked for at the start: as many as can be in force.
const REPLAYED: u32 = 256;
const _: () = assert!(MAX_RULES == REPLAYED as usize);
/// When listening ended and the node goes on, it listens again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Applies what is told while the integration is switched on, beginning with what the nodes still keep.
pub(super) async fn run(shared: Arc<Shared>, node: Node) {
    let mut enabled = node.integration_state().watch_enabled();
    loop {
        if enabled.wait_for(|enabled| *enabled).await.is_err() {
            return std::future::pending().await;
        }
        tokio::select! {
            () = switched_off(&mut enabled) => {}
            () = listen(&shared, &node) => tokio::time::sleep(AGAIN_AFTER).await,
        }
    }
}

async fn switched_off(enabled: &mut watch::Receiver<bool>) {
    let _ = enabled.wait_for(|enabled| !*enabled).await;
}

async fn listen(shared: &Shared, node: &Node) {
    let Ok(pattern) = Pattern::new(LogFilter::TYPE.topic) else {
        return;
    };
    let subscribed = node
        .subscribe_from(Instance::Logging, [pattern], ReplayFrom::Last(REPLAYED))
        .await;
    let mut subscription = match subscribed {
        Ok((subscription, _)) => subscription.untraced(),
        Err(err) => {
            tracing::warn!(err = %err, "log filters of other nodes are not heard");
            return;
        }
    };
    let mut is_live = false;
    while let Some(delivery) = subscription.next().await {
        match delivery {
            Delivery::Message(envelope) if envelope.head().event == LogFilter::TYPE.tag => {
                if let Err(err) = apply(shared, envelope.payload()) {
                    tracing::warn!(node = envelope.reporting_node(), err = %err, "a log filter is not applied");
                }
            }
            Delivery::Live(_) => is_live = true,
            // What is no longer kept is no loss.
            Delivery::Gap(gap) if is_live => {
                tracing::warn!(node = %gap.source.node, count = gap.count, "log filters were missed");
            }
            _ => {}
        }
    }
}

fn apply(shared: &Shared, payload: &[u8]) -> Result<(), ToldFilterError> {
    let rule = rule_of(&LogFilter::read(payload)?)?;
    match rule.enabled {
        true => shared.judging().set(rule)?,
        false => shared.judging().revoke(&rule),
    }
    Ok(())
}

/// The rule that a message means.
fn rule_of(filter: &LogFilter) -> Result<LogRule, ToldFilterError> {
    let by = match &filter.filter_type {
        LogFilterKind::Level => RuleBy::Level,
        LogFilterKind::Module => RuleBy::Module,
        LogFilterKind::Pattern => RuleBy::Pattern,
        LogFilterKind::Node => RuleBy::Node,
        LogFilterKind::Other(_) => return Err(ToldFilterError::Kind),
    };
    let value = match &filter.filter_value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return Err(ToldFilterError::Value),
    };
    let action = match &filter.action {
        LogFilterAction::Include => RuleAction::Include,
        LogFilterAction::Exclude => RuleAction::Exclude,
        LogFilterAction::RateLimit => RuleAction::RateLimit {
            per_second: per_second(filter)?,
        },
        LogFilterAction::Other(_) => return Err(ToldFilterError::Action),
    };
    let id = match &filter.filter_id {
        Some(id) => id.clone(),
        None => unnamed(by, &value, filter.action.as_str()),
    };
    Ok(LogRule {
        id,
        by,
        value,
        action,
        enabled: filter.enabled,
    })
}

/// One that is taken away need not say how much it let through.
fn per_second(filter: &LogFilter) -> Result<NonZeroU32, ToldFilterError> {
    match filter.metadata.get("per_second") {
        None if !filter.enabled => Ok(NonZeroU32::MIN),
        told => {
            let count = told.and_then(Value::as_u64).ok_or(ToldFilterError::PerSecond)?;
            NonZeroU32::new(u32::try_from(count).unwrap_or(u32::MAX)).ok_or(ToldFilterError::PerSecond)
        }
    }
}

/// The id of a filter that came without: the same for the same filter.
fn unnamed(by: RuleBy, value: &str, action: &str) -> String {
    let mut id = format!("{}:{action}:{value}", by.name());
    id.truncate(id.floor_char_boundary(MAX_RULE_ID_BYTES));
    id
}

/// Why a filter is not applied.
#[derive(Debug, thiserror::Error)]
enum ToldFilterError {
    #[error(transparent)]
    Message(#[from] bellwether_catalogue::Invalid),
    #[error("its type must be level, module, pattern or node")]
    Kind,
    #[error("its value must be text")]
    Value,
    #[error("its action must be include, exclude or rate_limit")]
    Action,
    #[error(
        "a rate_limit says in its metadata's `per_second` how many records are let through: a whole number from 1 on"
    )]
    PerSecond,
    #[error(transparent)]
    Rule(#[from] LogRuleError),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(message: Value) -> Result<LogRule, ToldFilterError> {
        rule_of(&LogFilter::read(message.to_string().as_bytes())?)
    }

    fn told(filter_type: &str, value: Value, action: &str, metadata: Value) -> Value {
        json!({
            "filter_type": filter_type, "filter_value": value, "action": action, "filter_id": "f1",
            "metadata": metadata, "timestamp": "2026-01-01T00:00:00.000Z",
        })
    }

    #[test]
    fn a_message_means_the_rule_that_it_says() {
        let limited = RuleAction::RateLimit {
            per_second: NonZeroU32::new(7).unwrap(),
        };
        for (by, name) in [
            (RuleBy::Level, "level"),
            (RuleBy::Module, "module"),
            (RuleBy::Pattern, "pattern"),
            (RuleBy::Node, "node"),
        ] {
            for (action, action_name) in [
                (RuleAction::Include, "include"),
                (RuleAction::Exclude, "exclude"),
                (limited, "rate_limit"),
            ] {
                let rule = read(told(name, json!("warn"), action_name, json!({"per_second": 7}))).unwrap();
                let expected = LogRule {
                    id: "f1".to_owned(),
                    by,
                    value: "warn".to_owned(),
                    action,
                    enabled: true,
                };
                assert_eq!(rule, expected);
            }
        }
        assert_eq!(
            read(told("pattern", json!(404), "exclude", json!({}))).unwrap().value,
            "404"
        );
    }

    #[test]
    fn what_is_no_rule_is_refused_in_words() {
        for (message, words) in [
            (told("colour", json!("red"), "exclude", json!({})), "its type"),
            (told("level", json!(["warn"]), "exclude", json!({})), "its value"),
            (told("level", json!("warn"), "hide", json!({})), "its action"),
            (told("level", json!("warn"), "rate_limit", json!({})), "per_second"),
            (
                told("level", json!("warn"), "rate_limit", json!({"per_second": 0})),
                "per_second",
            ),
            (
                told("level", json!("warn"), "rate_limit", json!({"per_second": "9"})),
                "per_second",
            ),
            (json!({"filter_type": "level"}), "filter_value"),
        ] {
            let err = read(message.clone()).unwrap_err().to_string();
            assert!(err.contains(words), "{message}: {err}");
        }
    }

    #[test]
    fn a_limit_that_is_taken_away_need_not_say_its_rate() {
        let mut message = told("level", json!("warn"), "rate_limit", json!({}));
        message["enabled"] = false.into();
        assert!(!read(message).unwrap().enabled);
    }

    #[test]
    fn one_without_an_id_has_the_same_id_each_time_and_it_is_not_too_long() {
        let unnamed = |value: &str| {
            let mut message = told("pattern", json!(value), "exclude", json!({}));
            message.as_object_mut().unwrap().remove("filter_id");
            read(message).unwrap().id
        };
        assert_eq!(unnamed("x"), "pattern:exclude:x");
        assert_eq!(unnamed("x"), unnamed("x"));
        assert!(unnamed(&"é".repeat(200)).len() <= MAX_RULE_ID_BYTES);
    }
}
