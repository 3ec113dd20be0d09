//! A draft: what a publisher says, before the broker numbers, tags and signs it.

use std::borrow::Cow;

use crate::{ContentType, Headers, NodeId, Topic};

/// Largest payload a node may be configured to accept for publishing: 16 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;
/// Largest payload a node accepts for publishing unless configured otherwise: 1 MiB.
pub const DEFAULT_MAX_PAYLOAD_BYTES: usize = 1024 * 1024;
/// The event tag of a message whose publisher names none.
pub const DEFAULT_EVENT: &str = "message";
/// Longest event tag.
pub const MAX_EVENT_BYTES: usize = 128;
/// Longest correlation or causation id.
pub const MAX_ID_BYTES: usize = 256;
/// Longest address of an answer: an instance, `/` and a topic.
pub const MAX_REPLY_TO_BYTES: usize = 256;
/// Longest content type.
pub const MAX_CONTENT_TYPE_BYTES: usize = 128;

/// A message as its publisher gives it.
///
/// ```
/// use bellwether_message::{Draft, Topic};
///
/// let draft = Draft::new(Topic::new("system_alerts:critical")?, "critical_alert")
///     .json(r#"{"message":"disk full"}"#)
///     .correlation_id("order-7");
/// assert_eq!(draft.payload.len(), 23);
/// # Ok::<(), bellwether_message::TopicError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where it is published inside its instance.
    pub topic: Topic,
    /// The tag that names the message's type, e.g. `node_health_updated`: 1 to [`MAX_EVENT_BYTES`] bytes.
    pub event: Cow<'static, str>,
    /// Where the event arose, if not on the publishing node (a monitor on A reporting about B).
    pub originating_node: Option<NodeId>,
    /// Ties messages of one story together; up to [`MAX_ID_BYTES`] bytes.
    pub correlation_id: Option<String>,
    /// The id of the message that led to this one; up to [`MAX_ID_BYTES`] bytes.
    pub causation_id: Option<String>,
    /// Version of the payload's shape, from 1.
    pub schema_version: u16,
    /// Where an answer is awaited, as `instance/topic`; up to [`MAX_REPLY_TO_BYTES`] bytes.
    pub reply_to: Option<String>,
    /// What else its publisher says; the mesh carries it and reads nothing of it.
    pub headers: Headers,
    /// What the payload's bytes are.
    pub content_type: ContentType,
    /// The payload; opaque to the mesh. Publishing copies it, so a publisher of many messages may use it again.
    pub payload: Vec<u8>,
}

impl Draft {
    /// An empty JSON message; the other fields are set by the methods below or directly.
    pub fn new(topic: Topic, event: impl Into<Cow<'static, str>>) -> Self {
        Self {
            topic,
            event: event.into(),
            originating_node: None,
            correlation_id: None,
            causation_id: None,
            schema_version: 1,
            reply_to: None,
            headers: Headers::default(),
            content_type: ContentType::Json,
            payload: Vec::new(),
        }
    }

    /// A JSON payload. The text is carried as it is and not checked here.
    #[must_use]
    pub fn json(self, text: impl Into<String>) -> Self {
        self.payload(ContentType::Json, text.into().into_bytes())
    }

    /// A plain-text payload.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.payload(ContentType::Text, text.into().into_bytes())
    }

    /// Any payload.
    #[must_use]
    pub fn payload(mut self, content_type: ContentType, payload: impl Into<Vec<u8>>) -> Self {
        self.content_type = content_type;
        self.payload = payload.into();
        self
    }

    /// Names the node where the event arose.
    #[must_use]
    pub fn originating_node(mut self, node: NodeId) -> Self {
        self.originating_node = Some(node);
        self
    }

    /// Sets the correlation id.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Sets the causation id.
    #[must_use]
    pub fn causation_id(mut self, id: impl Into<String>) -> Self {
        self.causation_id = Some(id.into());
        self
    }

    /// Says where an answer is awaited, as `instance/topic`.
    #[must_use]
    pub fn reply_to(mut self, address: impl Into<String>) -> Self {
        self.reply_to = Some(address.into());
        self
    }

    /// Sets the headers.
    #[must_use]
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Checks every bound; `max_payload` is the instance's.
    ///
    /// # Errors
    /// The first bound that does not hold. Nothing was published.
    pub fn check(&self, max_payload: usize) -> Result<(), DraftError> {
        if self.payload.len() > max_payload {
            return Err(DraftError::PayloadTooLarge {
                bytes: self.payload.len(),
                limit: max_payload,
            });
        }
        if self.event.is_empty() {
            return Err(DraftError::Empty { field: "event" });
        }
        check_text("event", &self.event, MAX_EVENT_BYTES)?;
        if let ContentType::Other(name) = &self.content_type {
            check_text("content_type", name, MAX_CONTENT_TYPE_BYTES)?;
        }
        for (field, id) in [
            ("correlation_id", &self.correlation_id),
            ("causation_id", &self.causation_id),
        ] {
            if let Some(id) = id {
                check_text(field, id, MAX_ID_BYTES)?;
            }
        }
        if let Some(address) = &self.reply_to {
            check_text("reply_to", address, MAX_REPLY_TO_BYTES)?;
        }
        Ok(())
    }
}

/// The rule for every short text of a message, given here or received.
pub(crate) fn check_text(field: &'static str, text: &str, limit: usize) -> Result<(), DraftError> {
    if text.len() > limit {
        return Err(DraftError::FieldTooLong {
            field,
            bytes: text.len(),
            limit,
        });
    }
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(DraftError::ControlCharacter { field });
    }
    Ok(())
}

/// Why a draft cannot be published. Nothing was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// The payload is larger than the instance allows.
    #[error("the payload has {bytes} bytes; this instance takes at most {limit} (`max_payload_bytes`)")]
    PayloadTooLarge {
        /// Its size.
        bytes: usize,
        /// The instance's limit.
        limit: usize,
    },
    /// A field that must say something is empty.
    #[error("`{field}` is empty; it names the message's type, for example `node_health_updated`")]
    Empty {
        /// Which field.
        field: &'static str,
    },
    /// A field is longer than its bound.
    #[error("`{field}` has {bytes} bytes; at most {limit} are allowed")]
    FieldTooLong {
        /// Which field.
        field: &'static str,
        /// Its size.
        bytes: usize,
        /// Its bound.
        limit: usize,
    },
    /// A field holds a control character, which could forge a log line or a header.
    #[error("`{field}` holds a control character; use printable text")]
    ControlCharacter {
        /// Which field.
        field: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft::new(Topic::new("a:b").unwrap(), "tag")
    }

    #[test]
    fn a_payload_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let full = draft().payload(ContentType::Bytes, vec![0; 64]);
        assert_eq!(full.check(64), Ok(()));
        assert_eq!(
            full.check(63),
            Err(DraftError::PayloadTooLarge { bytes: 64, limit: 63 })
        );
    }

    #[test]
    fn fields_are_bounded_and_printable() {
        let mut long = draft();
        long.event = "x".repeat(MAX_EVENT_BYTES + 1).into();
        assert!(matches!(
            long.check(1),
            Err(DraftError::FieldTooLong { field: "event", .. })
        ));
        let mut empty = draft();
        empty.event = "".into();
        assert_eq!(empty.check(1), Err(DraftError::Empty { field: "event" }));
        let forged = draft().correlation_id("a\nb");
        assert_eq!(
            forged.check(1),
            Err(DraftError::ControlCharacter {
                field: "correlation_id"
            })
        );
    }
}
