//! Node ids: the configured, unique names of nodes.

use std::fmt;
use std::sync::Arc;

use crate::text::{excerpt, text_newtype};

/// Longest node id in bytes, which are characters here.
pub const MAX_NODE_ID_BYTES: usize = 128;

/// Longest label of a node id in bytes: DNS's limit (RFC 1035 §2.3.4), since node ids become names in certificates.
pub const MAX_NODE_LABEL_BYTES: usize = 63;

/// What a host without a usable name is called.
const FALLBACK: &str = "node";

/// The unique name of a node: labels of `a-z`, `0-9` and `-`, joined by `.`, such as `a.rack1`.
///
/// At most [`MAX_NODE_ID_BYTES`] in all. A label has 1 to [`MAX_NODE_LABEL_BYTES`], and neither begins nor ends with
/// `-`. The default is the host's name, see [`from_host_name`](Self::from_host_name). Cloning shares the text.
///
/// ```
/// use bellwether_message::NodeId;
///
/// assert_eq!(NodeId::new("a.rack1")?.as_str(), "a.rack1");
/// assert_eq!(NodeId::from_host_name("Build_Host.local").as_str(), "build-host.local");
/// # Ok::<(), bellwether_message::NodeIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// Checks and copies `text`. Upper case is refused, not lowered, so that one node has one spelling.
    ///
    /// # Errors
    ///
    /// Names the first label that breaks a rule.
    pub fn new(text: &str) -> Result<Self, NodeIdError> {
        if text.is_empty() {
            return Err(NodeIdError::Empty);
        }
        if text.len() > MAX_NODE_ID_BYTES {
            return Err(NodeIdError::TooLong {
                bytes: text.len(),
                limit: MAX_NODE_ID_BYTES,
            });
        }
        for (index, label) in text.split('.').enumerate() {
            check_label(index + 1, label)?;
        }
        Ok(Self(text.into()))
    }

    /// The node id nearest to a host's name: lower-cased, each other character replaced by `-`, and whatever is still
    /// not allowed left out, from the end if it is too long. `node` if nothing remains.
    ///
    /// A name that is a node id already stays as it is. Two hosts may get the same id (`a_b` and `a-b`); the mesh finds
    /// that out when they meet.
    pub fn from_host_name(name: &str) -> Self {
        let mut id = String::new();
        for label in name.split('.') {
            let label = usable_label(label);
            let separator = if id.is_empty() { "" } else { "." };
            if id.len() + separator.len() + label.len() > MAX_NODE_ID_BYTES {
                break;
            }
            if !label.is_empty() {
                id.push_str(separator);
                id.push_str(&label);
            }
        }
        if id.is_empty() {
            id.push_str(FALLBACK);
        }
        Self(id.into())
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_newtype!(NodeId, NodeIdError, "a node id");

/// Why text is not a node id. Labels are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeIdError {
    /// The text is empty.
    #[error("the node id is empty: at least one label is needed, such as `a` or `a.rack1`")]
    Empty,
    /// The text is too long as a whole.
    #[error("the node id has {bytes} bytes: at most {limit} are allowed")]
    TooLong {
        /// Bytes given.
        bytes: usize,
        /// [`MAX_NODE_ID_BYTES`].
        limit: usize,
    },
    /// Two `.` in a row, or one at the beginning or end.
    #[error("label {label} is empty: put one `.` between two labels and none at the beginning or end")]
    EmptyLabel {
        /// The label, counted from 1.
        label: usize,
    },
    /// One label is too long.
    #[error("label {label} has {bytes} bytes: at most {limit} are allowed between two `.`")]
    LabelTooLong {
        /// The label, counted from 1.
        label: usize,
        /// Bytes given.
        bytes: usize,
        /// [`MAX_NODE_LABEL_BYTES`].
        limit: usize,
    },
    /// A character that no label may have.
    #[error(
        "label {label}, `{}`, contains {character:?}: only a-z, 0-9 and `-` are allowed",
        excerpt(text)
    )]
    Character {
        /// The label, counted from 1.
        label: usize,
        /// The label's text as given; print it escaped.
        text: String,
        /// The first such character.
        character: char,
    },
    /// A `-` where a letter or digit must be.
    #[error(
        "label {label}, `{}`, {end} with `-`: a letter or digit must stand there",
        excerpt(text)
    )]
    Hyphen {
        /// The label, counted from 1.
        label: usize,
        /// The label's text.
        text: String,
        /// Where the `-` is.
        end: LabelEnd,
    },
}

/// The end of a label at which a `-` was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelEnd {
    /// The label begins with `-`.
    Beginning,
    /// The label ends with `-`.
    Ending,
}

impl fmt::Display for LabelEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Beginning => "begins",
            Self::Ending => "ends",
        })
    }
}

fn check_label(label: usize, text: &str) -> Result<(), NodeIdError> {
    if text.is_empty() {
        return Err(NodeIdError::EmptyLabel { label });
    }
    if let Some(character) = text.chars().find(|character| !is_label_character(*character)) {
        return Err(NodeIdError::Character {
            label,
            text: text.to_owned(),
            character,
        });
    }
    if text.len() > MAX_NODE_LABEL_BYTES {
        return Err(NodeIdError::LabelTooLong {
            label,
            bytes: text.len(),
            limit: MAX_NODE_LABEL_BYTES,
        });
    }
    let end = match text {
        text if text.starts_with('-') => LabelEnd::Beginning,
        text if text.ends_with('-') => LabelEnd::Ending,
        _ => return Ok(()),
    };
    Err(NodeIdError::Hyphen {
        label,
        text: text.to_owned(),
        end,
    })
}

/// A legal label made of `given`, or nothing.
fn usable_label(given: &str) -> String {
    let replaced: String = given
        .chars()
        .map(|character| character.to_ascii_lowercase())
        .map(|character| if is_label_character(character) { character } else { '-' })
        .collect();
    let cut: String = replaced
        .trim_start_matches('-')
        .chars()
        .take(MAX_NODE_LABEL_BYTES)
        .collect();
    cut.trim_end_matches('-').to_owned()
}

fn is_label_character(character: char) -> bool {
    matches!(character, 'a'..='z' | '0'..='9' | '-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn host_names_and_addresses_are_node_ids() {
        for text in ["a", "a.rack1", "web-01.eu-west.example.org", "10.0.0.7", "x--y"] {
            assert_eq!(NodeId::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn the_limits_are_accepted_and_one_byte_more_is_not() {
        let label = "x".repeat(63);
        assert!(NodeId::new(&label).is_ok());
        assert_eq!(
            NodeId::new(&format!("a.{label}x")),
            Err(NodeIdError::LabelTooLong {
                label: 2,
                bytes: 64,
                limit: 63
            })
        );
        let longest = format!("{label}.{label}");
        assert!(
            NodeId::new(&format!("{longest}.")).is_err(),
            "128 bytes, but an empty label"
        );
        assert!(NodeId::new(&longest).is_ok());
        let exact = format!("{}.{}.{}", "x".repeat(42), "y".repeat(42), "z".repeat(42));
        assert_eq!(exact.len(), 128);
        assert!(NodeId::new(&exact).is_ok());
        assert_eq!(
            NodeId::new(&format!("{exact}z")),
            Err(NodeIdError::TooLong { bytes: 129, limit: 128 })
        );
    }

    #[test]
    fn an_error_names_the_label_and_the_character() {
        for (text, shown) in [
            (
                "",
                "the node id is empty: at least one label is needed, such as `a` or `a.rack1`",
            ),
            (
                "a..b",
                "label 2 is empty: put one `.` between two labels and none at the beginning or end",
            ),
            (
                "a.rack_1",
                "label 2, `rack_1`, contains '_': only a-z, 0-9 and `-` are allowed",
            ),
            ("Web", "label 1, `Web`, contains 'W': only a-z, 0-9 and `-` are allowed"),
            ("a/b", "label 1, `a/b`, contains '/': only a-z, 0-9 and `-` are allowed"),
            (
                "\u{1b}x",
                "label 1, `\\u{1b}x`, contains '\\u{1b}': only a-z, 0-9 and `-` are allowed",
            ),
            (
                "-a",
                "label 1, `-a`, begins with `-`: a letter or digit must stand there",
            ),
            (
                "b.a-",
                "label 2, `a-`, ends with `-`: a letter or digit must stand there",
            ),
        ] {
            assert_eq!(NodeId::new(text).unwrap_err().to_string(), shown);
        }
    }

    #[test]
    fn a_host_name_becomes_the_nearest_node_id() {
        for (name, id) in [
            ("web-01.example.org", "web-01.example.org"),
            ("Build_Host.LOCAL", "build-host.local"),
            ("müller", "m-ller"),
            ("-a-..b.", "a.b"),
            ("", "node"),
            ("...", "node"),
            ("___", "node"),
            ("日本", "node"),
        ] {
            assert_eq!(NodeId::from_host_name(name).as_str(), id, "{name}");
        }
    }

    #[test]
    fn a_long_host_name_keeps_its_first_labels() {
        let name = ["x".repeat(80), "y".repeat(63), "z".to_owned(), "end".to_owned()].join(".");
        let id = NodeId::from_host_name(&name);
        assert_eq!(id.as_str(), format!("{}.{}", "x".repeat(63), "y".repeat(63)));
    }

    #[test]
    fn json_is_the_text_and_is_checked() {
        let id = NodeId::new("a.rack1").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"a.rack1\"");
        assert_eq!(serde_json::from_str::<NodeId>("\"a.rack1\"").unwrap(), id);
        assert!(serde_json::from_str::<NodeId>("\"A\"").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn any_host_name_gives_a_valid_id_and_a_valid_id_stays(
            name in prop_oneof![any::<String>(), "[aB9_.-]{0,300}", "[a-z0-9-]{1,70}(\\.[a-z0-9-]{1,70}){0,3}"],
        ) {
            let id = NodeId::from_host_name(&name);
            prop_assert_eq!(NodeId::new(id.as_str()), Ok(id.clone()));
            if NodeId::new(&name).is_ok() {
                prop_assert_eq!(id.as_str(), name);
            }
        }
    }
}
