//! Message ids: where a message stands, and so which message it is.

use std::fmt;
use std::str::FromStr;

use crate::epoch::Epoch;
use crate::instance::{Instance, InstanceError};
use crate::node_id::{NodeId, NodeIdError};
use crate::text::{excerpt, serde_as_text};

/// The place of a message in the mesh: its feed (instance, node, epoch) and its number there.
///
/// Written `instance/node/epoch/seq`, as `alerts/a.rack1/1763722345123/17`. Each id has exactly one text, so ids may be
/// compared as text: no signs, no leading zeros, no `ex_esdb_` prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// The instance of the feed.
    pub instance: Instance,
    /// The node that published the message.
    pub node: NodeId,
    /// The run of that node.
    pub epoch: Epoch,
    /// The number in the feed. The first is 1; an id with 0 belongs to no message, and its text is refused.
    pub seq: u64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.instance, self.node, self.epoch, self.seq)
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    fn from_str(text: &str) -> Result<Self, MessageIdError> {
        let mut parts = text.split('/');
        let (Some(instance), Some(node), Some(epoch), Some(seq), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MessageIdError::Parts {
                given: excerpt(text),
                found: text.split('/').count(),
            });
        };
        Ok(Self {
            instance: parse_instance(instance)?,
            node: NodeId::new(node).map_err(|source| MessageIdError::Node { source })?,
            epoch: canonical_number(epoch)
                .map(Epoch)
                .ok_or_else(|| MessageIdError::Epoch { given: excerpt(epoch) })?,
            seq: canonical_number(seq)
                .filter(|seq| *seq >= 1)
                .ok_or_else(|| MessageIdError::Sequence { given: excerpt(seq) })?,
        })
    }
}

serde_as_text!(MessageId, "a message id");

/// Why text is not a message id: which of the four parts is wrong. Given text is escaped and cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageIdError {
    /// Not four parts.
    #[error("message id `{given}` has {found} of the four parts of `instance/node/epoch/seq`")]
    Parts {
        /// The whole text.
        given: String,
        /// How many parts it has.
        found: usize,
    },
    /// The first part is no instance.
    #[error("the first part of the message id, the instance, is wrong")]
    Instance {
        /// What is wrong with it.
        source: InstanceError,
    },
    /// The first part is an instance by its name in the original.
    #[error("the first part of the message id is `{}`: write `{}`, the only form in ids",
        instance.prefixed_name(),
        instance.name()
    )]
    PrefixedInstance {
        /// The instance that was named.
        instance: Instance,
    },
    /// The second part is no node id.
    #[error("the second part of the message id, the node, is wrong")]
    Node {
        /// What is wrong with it.
        source: NodeIdError,
    },
    /// The third part is no epoch.
    #[error(
        "the third part of the message id, the epoch, is `{given}`: it must be a whole number of 64 bits \
         without sign or leading zeros"
    )]
    Epoch {
        /// The part.
        given: String,
    },
    /// The fourth part is no sequence number.
    #[error(
        "the fourth part of the message id, the sequence, is `{given}`: it must be a whole number of 64 bits, \
         at least 1, without sign or leading zeros"
    )]
    Sequence {
        /// The part.
        given: String,
    },
}

fn parse_instance(text: &str) -> Result<Instance, MessageIdError> {
    let instance: Instance = text.parse().map_err(|source| MessageIdError::Instance { source })?;
    if instance.name() == text {
        Ok(instance)
    } else {
        Err(MessageIdError::PrefixedInstance { instance })
    }
}

/// A number in the one form that `Display` writes; `u64`'s own parser also takes `+7` and `007`.
fn canonical_number(text: &str) -> Option<u64> {
    let canonical = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "alerts/a.rack1/1763722345123/17";

    fn example() -> MessageId {
        MessageId {
            instance: Instance::Alerts,
            node: NodeId::new("a.rack1").unwrap(),
            epoch: Epoch(1_763_722_345_123),
            seq: 17,
        }
    }

    #[test]
    fn an_id_is_written_with_slashes_and_read_back() {
        assert_eq!(example().to_string(), EXAMPLE);
        assert_eq!(EXAMPLE.parse(), Ok(example()));
    }

    #[test]
    fn json_is_the_text_and_an_error_there_names_its_cause() {
        assert_eq!(serde_json::to_string(&example()).unwrap(), format!("\"{EXAMPLE}\""));
        assert_eq!(
            serde_json::from_str::<MessageId>(&format!("\"{EXAMPLE}\"")).unwrap(),
            example()
        );
        let err = serde_json::from_str::<MessageId>("\"alrts/a/1/1\"").unwrap_err();
        let shown = err.to_string();
        assert!(
            shown.starts_with("the first part of the message id, the instance, is wrong: unknown instance `alrts`"),
            "{shown}"
        );
    }

    #[test]
    fn an_error_names_the_part_that_is_wrong() {
        for (text, shown) in [
            ("", "message id `` has 1 of the four parts"),
            ("alerts/a/1", "message id `alerts/a/1` has 3 of the four parts"),
            ("alerts/a/1/1/1", "message id `alerts/a/1/1/1` has 5 of the four parts"),
            ("alert/a/1/1", "the first part"),
            (
                "ex_esdb_alerts/a/1/1",
                "the first part of the message id is `ex_esdb_alerts`: write `alerts`",
            ),
            ("alerts/A/1/1", "the second part"),
            ("alerts/a//1", "the third part"),
            ("alerts/a/x/1", "the third part"),
            ("alerts/a/1/", "the fourth part"),
            (
                "alerts/a/1/0",
                "the fourth part of the message id, the sequence, is `0`",
            ),
        ] {
            let err = text.parse::<MessageId>().unwrap_err().to_string();
            assert!(err.starts_with(shown), "{text}: {err}");
        }
    }

    #[test]
    fn an_error_in_the_instance_or_the_node_keeps_its_cause() {
        let err = "alerts/A/1/1".parse::<MessageId>().unwrap_err();
        assert!(err.source().unwrap().to_string().contains("contains 'A'"));
    }

    #[test]
    fn a_number_has_one_form_only() {
        for number in [
            "+1",
            "-1",
            "01",
            "00",
            " 1",
            "1 ",
            "1_0",
            "1e3",
            "٣",
            "18446744073709551616",
        ] {
            assert!(format!("alerts/a/{number}/1").parse::<MessageId>().is_err(), "{number}");
            assert!(format!("alerts/a/1/{number}").parse::<MessageId>().is_err(), "{number}");
        }
        assert!("alerts/a/0/18446744073709551615".parse::<MessageId>().is_ok());
    }

    fn any_message_id() -> impl Strategy<Value = MessageId> {
        let instance = prop::sample::select(&Instance::ALL[..]);
        let node = "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\\.[a-z0-9]{1,9}){0,4}";
        let epoch = prop_oneof![any::<u64>(), 0..100_u64];
        let seq = prop_oneof![1..=u64::MAX, 1..100_u64];
        (instance, node, epoch, seq).prop_map(|(instance, node, epoch, seq)| MessageId {
            instance,
            node: NodeId::new(&node).unwrap(),
            epoch: Epoch(epoch),
            seq,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn every_id_is_read_back_from_its_text(id in any_message_id()) {
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn whatever_is_read_is_written_back_unchanged(
            text in "(alerts|events|ex_esdb_audit|x)/[a.-]{0,3}/[0-9+]{0,3}/[0-9+]{0,3}(/)?",
        ) {
            if let Ok(id) = text.parse::<MessageId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
