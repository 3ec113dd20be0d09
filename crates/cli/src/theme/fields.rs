//! The fields of a payload that may have any shape.

use serde_json::{Map, Value};

/// What is shown for a field that is absent, null or empty.
pub(super) const ABSENT: &str = "-";

/// Objects inside a payload in which its publishers put further fields.
const NESTED: [&str; 3] = ["metadata", "details", "context"];

/// The fields of an object; none of anything else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        Self {
            object: value.as_object(),
        }
    }

    /// The first of these that is there, each looked for at the top and then in metadata, details and context.
    pub(super) fn value(self, keys: &[&str]) -> Option<&'a Value> {
        let everywhere = |key: &&str| self.at_the_top(key).or_else(|| self.inside(key));
        keys.iter().find_map(everywhere)
    }

    /// As [`value`](Self::value), but in metadata, details and context only.
    pub(super) fn nested(self, keys: &[&str]) -> Option<&'a Value> {
        keys.iter().find_map(|key| self.inside(key))
    }

    /// As [`value`](Self::value), as text.
    pub(super) fn text(self, keys: &[&str]) -> Option<String> {
        self.value(keys).map(shown)
    }

    /// As [`text`](Self::text), or `-`.
    pub(super) fn text_or_absent(self, keys: &[&str]) -> String {
        self.text(keys).unwrap_or_else(|| ABSENT.to_owned())
    }

    /// As [`value`](Self::value), if it is a count.
    pub(super) fn count(self, keys: &[&str]) -> Option<u64> {
        self.value(keys).and_then(Value::as_u64)
    }

    fn at_the_top(self, key: &str) -> Option<&'a Value> {
        self.object?.get(key).filter(|value| is_there(value))
    }

    fn inside(self, key: &str) -> Option<&'a Value> {
        let inside = |nested: &&str| Self::of(self.object?.get(*nested)?).at_the_top(key);
        NESTED.iter().find_map(inside)
    }
}

fn is_there(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

/// A value for people: text as it is, lists with commas, objects as `key=value`, what is inside those as JSON.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => ABSENT.to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(values) if values.is_empty() => ABSENT.to_owned(),
        Value::Array(values) => values.iter().map(inner).collect::<Vec<_>>().join(", "),
        Value::Object(fields) if fields.is_empty() => ABSENT.to_owned(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key}={}", inner(value)));
            fields.collect::<Vec<_>>().join(", ")
        }
    }
}

fn inner(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_found_at_the_top_first_and_by_the_first_key_first() {
        let payload = json!({
            "store": "", "reason": null, "node": "a", "pid": 7,
            "metadata": {"store_id": "main", "node": "b"}, "details": {"reason": "shutdown"}, "context": [1],
        });
        let fields = Fields::of(&payload);
        assert_eq!(fields.text(&["store", "store_id"]).as_deref(), Some("main"));
        assert_eq!(fields.text(&["reason"]).as_deref(), Some("shutdown"));
        assert_eq!(fields.text(&["node"]).as_deref(), Some("a"));
        assert_eq!(fields.nested(&["node"]), Some(&json!("b")));
        assert_eq!(fields.count(&["pid"]), Some(7));
        assert_eq!(fields.text_or_absent(&["subscriber"]), "-");
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for payload in [json!(null), json!([{"store": "main"}]), json!("store"), json!(1)] {
            assert_eq!(Fields::of(&payload).value(&["store"]), None);
        }
    }

    #[test]
    fn every_shape_is_shown() {
        for (value, text) in [
            (json!(null), "-"),
            (json!([]), "-"),
            (json!({}), "-"),
            (json!("a b"), "a b"),
            (json!(1250), "1250"),
            (json!(0.5), "0.5"),
            (json!(true), "true"),
            (json!(["a", 1, null]), "a, 1, null"),
            (json!({"a": "b", "c": [1], "d": {"e": 2}}), r#"a=b, c=[1], d={"e":2}"#),
        ] {
            assert_eq!(shown(&value), text);
        }
    }
}
