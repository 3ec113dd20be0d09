//! Fields: what a message may say, and how a value is judged.

use std::collections::BTreeMap;

use bellwether_message::Timestamp;
use serde_json::{Map, Value};

use crate::node_name::NodeName;
use crate::number::Number;

/// A field of a message type.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Who gives it.
    pub presence: Presence,
    /// Other names under which it is read, never written.
    pub aliases: &'static [&'static str],
    /// A value as an example; else one that fits the kind.
    pub(crate) example: Option<fn() -> Value>,
    /// The value of a field that is not given, where that is always the same.
    pub(crate) default: Option<fn() -> Value>,
}

impl Field {
    /// The value of a field that is not given, where that is always the same.
    pub fn default(&self) -> Option<Value> {
        self.default.map(|make| make())
    }

    /// A value that it may have.
    pub fn example(&self) -> Value {
        match self.example {
            Some(make) => make(),
            None => self.kind.example(self.name),
        }
    }
}

/// Who gives a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The publisher, always. Null counts as absent; `false`, 0 and empty ones are values.
    Required,
    /// The publisher, always, but null is a value.
    Nullable,
    /// The publisher, if it likes.
    Optional,
    /// The publisher, or the node that publishes it.
    Filled,
}

/// What values a field takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text.
    Text,
    /// The name of a node: text that is not empty and has no control character.
    Node,
    /// Names of nodes.
    Nodes,
    /// A list of texts.
    Texts,
    /// A list of objects.
    Objects,
    /// A whole number from 0 on.
    Count,
    /// A number with a fraction.
    Float,
    /// Any number.
    Number,
    /// True or false.
    Flag,
    /// A point in time: RFC 3339, or read as whole milliseconds since 1970.
    Time,
    /// An object of anything.
    Object,
    /// An object of counts.
    Counts,
    /// Anything.
    Any,
    /// One of these words.
    Word {
        /// The words that the catalogue names.
        words: &'static [&'static str],
        /// Whether publishers may send others.
        is_open: bool,
        /// Whether a text is a word of the catalogue, or another spelling of one.
        read: fn(&str) -> bool,
    },
    /// An object of words.
    Words {
        /// The words that the catalogue names; others are kept.
        words: &'static [&'static str],
    },
}

impl Kind {
    /// Whether the value is of this kind; words are judged by [`accepts_word`](Self::accepts_word).
    pub fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Text | Self::Word { .. } => value.is_string(),
            Self::Node => is_node(value),
            Self::Nodes => all(value, is_node),
            Self::Texts => all(value, Value::is_string),
            Self::Objects => all(value, Value::is_object),
            Self::Count => value.is_u64(),
            Self::Float | Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::Time => match value {
                Value::String(text) => text.parse::<Timestamp>().is_ok(),
                value => value.is_i64(),
            },
            Self::Object => value.is_object(),
            Self::Counts => each(value, Value::is_u64),
            Self::Words { .. } => each(value, Value::is_string),
            Self::Any => true,
        }
    }

    /// Whether a publisher may send this: false only for a closed enumeration that lacks the word.
    pub fn accepts_word(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Word { is_open, read, .. }, Value::String(text)) => *is_open || read(text),
            _ => true,
        }
    }

    /// What belongs there, in words.
    pub fn expected(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Node => "the name of a node: text, not empty, without control characters".to_owned(),
            Self::Nodes => "a list of names of nodes".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Objects => "a list of objects".to_owned(),
            Self::Count => "a whole number from 0 on".to_owned(),
            Self::Float | Self::Number => "a number".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Time => "a time such as `2026-11-21T10:57:54.123Z`, or whole milliseconds since 1970".to_owned(),
            Self::Object => "an object".to_owned(),
            Self::Counts => "an object of whole numbers from 0 on".to_owned(),
            Self::Words { words } => format!("an object of words such as {}", words.join(", ")),
            Self::Any => "any value".to_owned(),
            Self::Word { words, .. } => format!("one of {}", words.join(", ")),
        }
    }

    fn example(&self, name: &str) -> Value {
        match self {
            Self::Text | Self::Any => name.into(),
            Self::Node => "node1".into(),
            Self::Nodes => vec!["node1", "node2"].into(),
            Self::Texts => vec![name].into(),
            Self::Objects => Value::Array(vec![Value::Object(Map::new())]),
            Self::Count => 1.into(),
            Self::Float | Self::Number => 1.5.into(),
            Self::Flag => true.into(),
            Self::Time => "2024-08-15T12:00:00.000Z".into(),
            Self::Object => Value::Object(Map::from_iter([("key".to_owned(), "value".into())])),
            Self::Counts => Value::Object(Map::from_iter([("info".to_owned(), 1.into())])),
            Self::Word { words, .. } => words.first().copied().unwrap_or_default().into(),
            Self::Words { words } => {
                let word = words.first().copied().unwrap_or_default();
                Value::Object(Map::from_iter([("network".to_owned(), word.into())]))
            }
        }
    }

    /// The kind as JSON Schema says it.
    pub(crate) fn schema(&self) -> Map<String, Value> {
        let schema = match self {
            Self::Text => serde_json::json!({"type": "string"}),
            Self::Node => serde_json::json!({"type": "string", "minLength": 1}),
            Self::Nodes => serde_json::json!({"type": "array", "items": {"type": "string", "minLength": 1}}),
            Self::Texts => serde_json::json!({"type": "array", "items": {"type": "string"}}),
            Self::Objects => serde_json::json!({"type": "array", "items": {"type": "object"}}),
            Self::Count => serde_json::json!({"type": "integer", "minimum": 0}),
            Self::Float | Self::Number => serde_json::json!({"type": "number"}),
            Self::Flag => serde_json::json!({"type": "boolean"}),
            Self::Time => serde_json::json!({"type": "string", "format": "date-time"}),
            Self::Object => serde_json::json!({"type": "object"}),
            Self::Counts => {
                serde_json::json!({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}})
            }
            Self::Any => serde_json::json!({}),
            Self::Word {
                words, is_open: false, ..
            } => serde_json::json!({"type": "string", "enum": words}),
            Self::Word { words, .. } => serde_json::json!({"type": "string", "examples": words}),
            Self::Words { words } => {
                serde_json::json!({"type": "object", "additionalProperties": {"type": "string", "examples": words}})
            }
        };
        match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }
}

fn is_node(value: &Value) -> bool {
    let is_name = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    value.as_str().is_some_and(is_name)
}

fn all(value: &Value, accepts: fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(accepts))
}

fn each(value: &Value, accepts: fn(&Value) -> bool) -> bool {
    value.as_object().is_some_and(|map| map.values().all(accepts))
}

/// A Rust type that stands for a kind.
pub trait FieldType {
    /// The kind.
    const KIND: Kind;
    /// Whether null is a value.
    const IS_NULLABLE: bool = false;
}

/// An object of anything.
pub type Object = Map<String, Value>;

macro_rules! kinds {
    ($($type:ty => $kind:ident),+ $(,)?) => {
        $(impl FieldType for $type { const KIND: Kind = Kind::$kind; })+
    };
}

kinds! {
    String => Text,
    NodeName => Node,
    Vec<NodeName> => Nodes,
    Vec<String> => Texts,
    Vec<Object> => Objects,
    u64 => Count,
    f64 => Float,
    Number => Number,
    bool => Flag,
    Timestamp => Time,
    Object => Object,
    BTreeMap<String, u64> => Counts,
    Value => Any,
}

impl<T: FieldType> FieldType for Option<T> {
    const KIND: Kind = T::KIND;
    const IS_NULLABLE: bool = true;
}

impl<W: crate::word::Word> FieldType for BTreeMap<String, W> {
    const KIND: Kind = Kind::Words { words: W::WORDS };
}

/// What a constructor takes for a field of type `T`.
pub trait Argument<T> {
    /// As the field holds it.
    fn into_field(self) -> T;
}

impl<T> Argument<T> for T {
    fn into_field(self) -> T {
        self
    }
}

impl Argument<String> for &str {
    fn into_field(self) -> String {
        self.to_owned()
    }
}

/// Anything but an object becomes an object with the key `value`.
impl Argument<Object> for Value {
    fn into_field(self) -> Object {
        match self {
            Self::Object(object) => object,
            Self::Null => Object::new(),
            other => Object::from_iter([("value".to_owned(), other)]),
        }
    }
}

impl Argument<Option<Self>> for bool {
    fn into_field(self) -> Option<Self> {
        Some(self)
    }
}

impl Argument<Value> for &str {
    fn into_field(self) -> Value {
        self.into()
    }
}

impl Argument<Vec<String>> for Vec<&str> {
    fn into_field(self) -> Vec<String> {
        self.into_iter().map(str::to_owned).collect()
    }
}
