//! Why a payload is no message of its type.

use std::fmt;

use serde_json::{Map, Value};

use crate::field::{Field, Kind};

/// Characters of a given value that an error repeats.
const EXCERPT_CHARS: usize = 40;
/// The fields whose errors have a reason of their own.
const NODE_FIELDS: [&str; 3] = ["node", "originating_node", "reporting_node"];

/// Why a payload is no message of its type: the first rule that it breaks, and every field that breaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    reason: Reason,
    fields: Vec<&'static str>,
    words: String,
}

/// The rule that was broken. The first three are the original's, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Fields that must be there are not.
    MissingFields,
    /// `node`, `originating_node` or `reporting_node` is not the name of a node.
    InvalidNodeFields,
    /// The timestamp is no time.
    InvalidTimestamp,
    /// Another field has a value of the wrong kind.
    InvalidFields,
    /// A closed enumeration does not have the word.
    UnknownWords,
    /// It is no JSON object.
    InvalidPayload,
}

impl Reason {
    /// The word that programs tell it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MissingFields => "missing_fields",
            Self::InvalidNodeFields => "invalid_node_fields",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::InvalidFields => "invalid_fields",
            Self::UnknownWords => "unknown_words",
            Self::InvalidPayload => "invalid_payload",
        }
    }
}

impl Invalid {
    /// The rule.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The fields that break it.
    pub fn fields(&self) -> &[&'static str] {
        &self.fields
    }

    pub(crate) fn of(missing: &[&'static Field], wrong: &[&'static Field], map: &Map<String, Value>) -> Option<Self> {
        if !missing.is_empty() {
            return Some(Self::new(Reason::MissingFields, missing, |field| {
                format!("`{}` is missing; give {}", field.name, field.kind.expected())
            }));
        }
        let given = |field: &Field| map.get(field.name).map(excerpt).unwrap_or_default();
        let wrong_value = |field: &Field| {
            format!(
                "`{}` must be {}, not {}",
                field.name,
                field.kind.expected(),
                given(field)
            )
        };
        let is_node = |field: &&&'static Field| NODE_FIELDS.contains(&field.name);
        let nodes: Vec<&'static Field> = wrong.iter().filter(is_node).copied().collect();
        let is_time = |field: &&&'static Field| matches!(field.kind, Kind::Time);
        let times: Vec<&'static Field> = wrong.iter().filter(is_time).copied().collect();
        let found = [
            (Reason::InvalidNodeFields, nodes.as_slice()),
            (Reason::InvalidTimestamp, times.as_slice()),
            (Reason::InvalidFields, wrong),
        ];
        let (reason, fields) = found.into_iter().find(|(_, fields)| !fields.is_empty())?;
        Some(Self::new(reason, fields, wrong_value))
    }

    pub(crate) fn unknown_words(fields: &[&'static Field], map: &Map<String, Value>) -> Option<Self> {
        let words = |field: &Field| {
            let given = map.get(field.name).map(excerpt).unwrap_or_default();
            format!("`{}` must be {}, not {given}", field.name, field.kind.expected())
        };
        (!fields.is_empty()).then(|| Self::new(Reason::UnknownWords, fields, words))
    }

    pub(crate) fn not_an_object(payload: &Value) -> Self {
        Self {
            reason: Reason::InvalidPayload,
            fields: Vec::new(),
            words: format!("a message is a JSON object, not {}", excerpt(payload)),
        }
    }

    /// Only reached if a kind accepts what its Rust type does not read.
    pub(crate) fn unreadable(err: &serde_json::Error) -> Self {
        Self {
            reason: Reason::InvalidPayload,
            fields: Vec::new(),
            words: err.to_string(),
        }
    }

    fn new(reason: Reason, fields: &[&'static Field], words: impl Fn(&Field) -> String) -> Self {
        let words: Vec<String> = fields.iter().map(|field| words(field)).collect();
        Self {
            reason,
            fields: fields.iter().map(|field| field.name).collect(),
            words: words.join("; "),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Invalid {}

/// The value as JSON, cut and without control characters (JSON escapes them, but for U+007F to U+009F).
fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    let mut shown: String = text.chars().filter(|c| !c.is_control()).take(EXCERPT_CHARS).collect();
    if text.chars().nth(EXCERPT_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
