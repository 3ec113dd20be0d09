//! A call of a helper as a client writes it.

use bellwether::Topic;
use bellwether::catalogue::{Broadcast, NodeName};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Arguments;
use crate::api::parse_topic;
use crate::body::cut;
use crate::error::{ApiError, Reason};

/// Other names of arguments, by helper, which a call does not have once it is read.
const ALIASES: [(&str, &str); 2] = [("system_lifecycle", "system"), ("store_health", "store_id")];
/// Characters of a helper's name that an error repeats.
const EXCERPT_CHARS: usize = 40;

/// A call, and what is said beside its arguments.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) broadcast: Broadcast,
    /// Where it goes, if not to the helper's own topic; store and cluster health always go there.
    pub(super) topic: Option<Topic>,
    /// The node that it is about, if not this one.
    pub(super) node: Option<NodeName>,
}

/// The helper of that name.
pub(super) fn helper(name: &str) -> Result<&'static str, ApiError> {
    let found = Broadcast::NAMES.into_iter().find(|helper| *helper == name);
    found.ok_or_else(|| ApiError::new(Reason::UnknownHelper, unknown(name)))
}

fn unknown(name: &str) -> String {
    let given: String = name.escape_debug().take(EXCERPT_CHARS).collect();
    format!(
        "there is no helper `{given}`; there are {}",
        Broadcast::NAMES.join(", ")
    )
}

impl Call {
    /// By its arguments, and `topic` and `node` among them. Null is as if left out.
    pub(super) fn parse(helper: &'static str, arguments: Value) -> Result<Self, ApiError> {
        let Value::Object(mut arguments) = arguments else {
            return Err(bad("the arguments of a helper are a JSON object"));
        };
        arguments.retain(|_, value| !value.is_null());
        let topic = take_text(&mut arguments, "topic")?;
        let node = take_text(&mut arguments, "node")?;
        let given: Vec<String> = arguments.keys().cloned().collect();
        let call = Value::Object(Arguments::from_iter([(helper.to_owned(), arguments.into())]));
        let broadcast: Broadcast = serde_json::from_value(call).map_err(|err| bad(&format!("{helper}: {err}")))?;
        refuse_strangers(helper, &given, &broadcast)?;
        Ok(Self {
            broadcast,
            topic: topic.as_deref().map(parse_topic).transpose()?,
            node: node.map(NodeName::from),
        })
    }

    /// An item of a batch, `{"helper":{…}}`.
    pub(super) fn parse_item(item: &RawValue) -> Result<Self, ApiError> {
        let item: Arguments = serde_json::from_str(item.get()).unwrap_or_default();
        let mut entries = item.into_iter();
        match (entries.next(), entries.next()) {
            (Some((name, arguments)), None) => match helper(&name) {
                Ok(helper) => Self::parse(helper, arguments),
                Err(err) => Err(ApiError::new(Reason::UnknownEventType, err.words())),
            },
            _ => {
                let words = "an item is an object with one key, the name of a helper: {\"health_update\":{…}}";
                Err(ApiError::new(Reason::UnknownEventType, words))
            }
        }
    }
}

/// An argument that no helper has, such as `detail`, must not vanish in silence.
fn refuse_strangers(helper: &str, given: &[String], read: &Broadcast) -> Result<(), ApiError> {
    let read = serde_json::to_value(read).unwrap_or_default();
    let known = |name: &String| ALIASES.contains(&(helper, name)) || read[helper].get(name).is_some();
    match given.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(stranger) => {
            let stranger: String = stranger.escape_debug().take(EXCERPT_CHARS).collect();
            let names: Vec<&str> = read[helper]
                .as_object()
                .map(|arguments| arguments.keys().map(String::as_str).collect())
                .unwrap_or_default();
            Err(bad(&format!(
                "{helper} has no argument `{stranger}`; it has {}, and topic and node",
                names.join(", ")
            )))
        }
    }
}

fn take_text(arguments: &mut Arguments, name: &str) -> Result<Option<String>, ApiError> {
    match arguments.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad(&format!("`{name}` must be text"))),
    }
}

fn bad(words: &str) -> ApiError {
    let reason = bellwether::catalogue::Reason::InvalidPayload;
    ApiError::new(Reason::Invalid(reason), cut(words))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(helper: &'static str, arguments: Value) -> (&'static str, String) {
        let err = Call::parse(helper, arguments).unwrap_err();
        (err.code(), err.words().to_owned())
    }

    #[test]
    fn every_helper_takes_its_arguments_and_its_aliases() {
        let calls = [
            (
                "system_lifecycle",
                json!({"event": "started", "system": "s", "version": "1"}),
            ),
            (
                "system_config",
                json!({"component": "c", "changes": {}, "previous_config": {}, "changed_by": "me"}),
            ),
            (
                "store_health",
                json!({"store_id": "s", "component": "c", "status": "healthy", "details": {}}),
            ),
            ("health_update", json!({"component": "c", "status": "healthy"})),
            (
                "cluster_health",
                json!({"nodes": [], "failed_nodes": [], "event_type": "e"}),
            ),
            ("metrics", json!({"component": "c", "metrics": {}})),
            (
                "alert",
                json!({"alert_type": "t", "severity": "info", "message": "m", "context": null}),
            ),
            (
                "audit_event",
                json!({"event_type": "t", "actor": "a", "resource": "r", "action": "read"}),
            ),
            ("lifecycle_event", json!({"event": "started", "process_name": "p"})),
            ("diagnostic", json!({"type": "t", "component": "c", "data": {}})),
        ];
        assert_eq!(calls.each_ref().map(|(helper, _)| *helper), Broadcast::NAMES);
        for (helper, mut arguments) in calls {
            arguments["topic"] = "here".into();
            arguments["node"] = "b".into();
            let call = Call::parse(helper, arguments).unwrap();
            assert_eq!(call.topic.unwrap().as_str(), "here", "{helper}");
            assert_eq!(call.node.unwrap().as_str(), "b", "{helper}");
        }
    }

    #[test]
    fn an_argument_that_is_none_is_named_and_not_dropped() {
        let (code, words) = error(
            "health_update",
            json!({"component": "c", "status": "healthy", "detail": {}}),
        );
        assert_eq!(code, "invalid_payload");
        assert!(
            words.contains("no argument `detail`") && words.contains("details"),
            "{words}"
        );
        let (_, words) = error(
            "health_update",
            json!({"component": "c", "status": "healthy", "store_id": "main"}),
        );
        assert!(words.contains("no argument `store_id`"), "another helper's: {words}");
        let (_, words) = error("health_update", json!({"component": "c"}));
        assert!(words.contains("health_update: missing field `status`"), "{words}");
        let (_, words) = error("metrics", json!({"component": "c", "metrics": "x".repeat(5000)}));
        assert!(words.len() < 300 && words.ends_with("expected a map"), "{words}");
        assert_eq!(error("metrics", json!([])).0, "invalid_payload");
        assert_eq!(error("health_update", json!({"node": 5})).1, "`node` must be text");
    }

    #[test]
    fn an_item_names_one_helper() {
        for item in [
            "{}",
            "5",
            "\"alert\"",
            "{\"a\":{}}",
            "{\"alert\":{},\"metrics\":{}}",
            "[]",
        ] {
            let raw: &RawValue = serde_json::from_str(item).unwrap();
            assert_eq!(
                Call::parse_item(raw).unwrap_err().code(),
                "unknown_event_type",
                "{item}"
            );
        }
    }
}
