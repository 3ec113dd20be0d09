//! Frames of serializer V2: what a client sends, parsed where it lies, and what it is sent.
//!
//! A text frame is a JSON array `[join_ref, ref, topic, event, payload]`, the refs being strings or null. A binary frame
//! has a kind, the lengths of its texts in one byte each, the texts, and the payload as it is:
//!
//! ```text
//! 0 push, from a client   0 ‖ len join_ref ‖ len ref ‖ len topic ‖ len event ‖ join_ref ‖ ref ‖ topic ‖ event ‖ data
//! 0 push, to a client     0 ‖ len join_ref ‖ len topic ‖ len event ‖ join_ref ‖ topic ‖ event ‖ data
//! ```
//!
//! Kinds 1 (reply) and 2 (broadcast) are not sent: our replies are JSON, and a push with the join's ref is dropped by a
//! client that has joined again since, which a broadcast is not.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Longest ref, topic or event: a binary frame has one byte for the length.
pub const MAX_TEXT_BYTES: usize = 255;

/// Characters of what was given that an error repeats.
const EXCERPT_CHARS: usize = 80;
/// The one kind of binary frame that a client may send, and that it is sent.
const PUSH: u8 = 0;

/// What a client sends. Its texts have at most [`MAX_TEXT_BYTES`] bytes each; its size is bounded by whoever reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFrame<'a> {
    /// The ref of the join that the channel began with; in a binary frame, an empty text is none.
    pub join_ref: Option<Cow<'a, str>>,
    /// What the answer is to name; in a binary frame, an empty text is none.
    pub reference: Option<Cow<'a, str>>,
    /// The channel's topic, or `phoenix`.
    pub topic: Cow<'a, str>,
    /// What is asked for.
    pub event: Cow<'a, str>,
    /// And with what.
    pub payload: Payload<'a>,
}

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// JSON of any kind, valid, as it was written.
    Json(&'a str),
    /// The data of a binary frame.
    Bytes(&'a [u8]),
}

impl<'a> ClientFrame<'a> {
    /// Parses a text frame. Elements after the fifth are ignored.
    ///
    /// # Errors
    /// [`FrameError::Text`], [`FrameError::TooLong`]
    pub fn from_text(text: &'a str) -> Result<Self, FrameError> {
        let frame: Self = serde_json::from_str(text).map_err(|err| FrameError::Text {
            words: excerpt(&err.to_string()),
        })?;
        let texts = [
            ("join_ref", frame.join_ref.as_deref()),
            ("ref", frame.reference.as_deref()),
            ("topic", Some(&*frame.topic)),
            ("event", Some(&*frame.event)),
        ];
        for (field, text) in texts {
            let bytes = text.map_or(0, str::len);
            if bytes > MAX_TEXT_BYTES {
                return Err(FrameError::TooLong { field, bytes });
            }
        }
        Ok(frame)
    }

    /// Parses a binary frame.
    ///
    /// # Errors
    /// [`FrameError::Kind`], [`FrameError::Short`], [`FrameError::NotUtf8`]
    pub fn from_binary(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let short = || FrameError::Short { bytes: bytes.len() };
        let (&kind, rest) = bytes.split_first().ok_or_else(short)?;
        if kind != PUSH {
            return Err(FrameError::Kind { given: kind });
        }
        let (&[join_ref, reference, topic, event], mut rest) = rest.split_first_chunk().ok_or_else(short)?;
        let mut take = |field, length: u8| {
            let (text, behind) = rest.split_at_checked(usize::from(length)).ok_or_else(short)?;
            rest = behind;
            std::str::from_utf8(text).map_err(|_| FrameError::NotUtf8 { field })
        };
        let unless_empty = |text: &'a str| Some(Cow::Borrowed(text)).filter(|text| !text.is_empty());
        Ok(Self {
            join_ref: unless_empty(take("join_ref", join_ref)?),
            reference: unless_empty(take("ref", reference)?),
            topic: take("topic", topic)?.into(),
            event: take("event", event)?.into(),
            payload: Payload::Bytes(rest),
        })
    }

    /// The frame as a client writes it; `None` if one of its texts has more than [`MAX_TEXT_BYTES`] bytes.
    pub fn write(&self) -> Option<Outgoing> {
        let (join_ref, reference) = (self.join_ref.as_deref(), self.reference.as_deref());
        match self.payload {
            Payload::Json(payload) => {
                let texts = [join_ref, reference, Some(&*self.topic), Some(&*self.event)];
                let fit = texts.iter().flatten().all(|text| text.len() <= MAX_TEXT_BYTES);
                fit.then(|| text_frame(join_ref, reference, &self.topic, &self.event, payload))
            }
            Payload::Bytes(data) => {
                let (join_ref, reference) = (join_ref.unwrap_or_default(), reference.unwrap_or_default());
                binary_frame(&[join_ref, reference, &self.topic, &self.event], data)
            }
        }
    }
}

/// Reads arbitrary bytes as a text and as a binary frame, for fuzzers.
///
/// # Panics
/// A frame that was read is not read alike once it is written again. Nothing else panics, whatever the bytes.
pub fn check(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).ok();
    let frames = [
        text.and_then(|text| ClientFrame::from_text(text).ok()),
        ClientFrame::from_binary(bytes).ok(),
    ];
    for frame in frames.into_iter().flatten() {
        let again = match frame.write() {
            Some(Outgoing::Text(text)) => ClientFrame::from_text(&text).ok() == Some(frame),
            Some(Outgoing::Binary(data)) => ClientFrame::from_binary(&data).ok() == Some(frame),
            None => false,
        };
        assert!(again, "a frame is not read as it was written");
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ClientFrame<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = ClientFrame<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array [join_ref, ref, topic, event, payload]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
                let missing = |index| Error::invalid_length(index, &Self);
                let join_ref: Option<Text<'de>> = elements.next_element()?.ok_or_else(|| missing(0))?;
                let reference: Option<Text<'de>> = elements.next_element()?.ok_or_else(|| missing(1))?;
                let topic: Text<'de> = elements.next_element()?.ok_or_else(|| missing(2))?;
                let event: Text<'de> = elements.next_element()?.ok_or_else(|| missing(3))?;
                let payload: &'de RawValue = elements.next_element()?.ok_or_else(|| missing(4))?;
                while elements.next_element::<IgnoredAny>()?.is_some() {}
                Ok(ClientFrame {
                    join_ref: join_ref.map(|text| text.0),
                    reference: reference.map(|text| text.0),
                    topic: topic.0,
                    event: event.0,
                    payload: Payload::Json(payload.get()),
                })
            }
        }

        deserializer.deserialize_seq(Elements)
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A frame to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
}

impl Outgoing {
    /// The answer `{"status","response"}`; the response is JSON.
    pub fn reply(join_ref: Option<&str>, reference: Option<&str>, topic: &str, status: Status, response: &str) -> Self {
        let payload = format!(r#"{{"status":"{}","response":{response}}}"#, status.name());
        text_frame(join_ref, reference, topic, "phx_reply", &payload)
    }

    /// What is pushed to a channel; the payload is JSON.
    pub fn push(join_ref: Option<&str>, topic: &str, event: &str, payload: &str) -> Self {
        text_frame(join_ref, None, topic, event, payload)
    }

    /// The same, of any bytes; `None` if a text has more than [`MAX_TEXT_BYTES`] bytes.
    pub fn push_bytes(join_ref: Option<&str>, topic: &str, event: &str, data: &[u8]) -> Option<Self> {
        binary_frame(&[join_ref.unwrap_or_default(), topic, event], data)
    }

    /// The end of a channel: `phx_close` or `phx_error`, both refs being the join's.
    pub fn end(join_ref: Option<&str>, topic: &str, event: &str) -> Self {
        text_frame(join_ref, join_ref, topic, event, "{}")
    }

    /// Its bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
        }
    }

    /// Never so: every frame has a header.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How an answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It was done.
    Ok,
    /// It was not.
    Error,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

fn text_frame(join_ref: Option<&str>, reference: Option<&str>, topic: &str, event: &str, payload: &str) -> Outgoing {
    let mut frame = String::with_capacity(payload.len() + topic.len() + event.len() + 64);
    frame.push('[');
    for text in [join_ref, reference, Some(topic), Some(event)] {
        // A string always has a form in JSON.
        frame.push_str(&serde_json::to_string(&text).unwrap_or_default());
        frame.push(',');
    }
    frame.push_str(payload);
    frame.push(']');
    Outgoing::Text(frame)
}

fn binary_frame(texts: &[&str], data: &[u8]) -> Option<Outgoing> {
    let length = texts.iter().map(|text| text.len() + 1).sum::<usize>();
    let mut frame = Vec::with_capacity(1 + length + data.len());
    frame.push(PUSH);
    for text in texts {
        frame.push(u8::try_from(text.len()).ok()?);
    }
    for text in texts {
        frame.extend_from_slice(text.as_bytes());
    }
    frame.extend_from_slice(data);
    Some(Outgoing::Binary(frame))
}

/// Foreign text, fit to be shown.
pub(crate) fn excerpt(text: &str) -> String {
    text.escape_debug().take(EXCERPT_CHARS).collect()
}

/// Why bytes are no frame. What was given is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Not the array, or not JSON at all.
    #[error("a text frame is a JSON array [join_ref, ref, topic, event, payload]: {words}")]
    Text {
        /// What is wrong with it.
        words: String,
    },
    /// A text that is too long.
    #[error("the {field} has {bytes} bytes; {MAX_TEXT_BYTES} is the most")]
    TooLong {
        /// Which.
        field: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// A binary frame that is no push.
    #[error("a binary frame of a client begins with the byte 0 (push), not with {given}")]
    Kind {
        /// Its first byte.
        given: u8,
    },
    /// A binary frame that ends before its texts do.
    #[error("the binary frame has {bytes} bytes, which is less than its header says")]
    Short {
        /// Its size.
        bytes: usize,
    },
    /// A text of a binary frame that is none.
    #[error("the {field} of the binary frame is not UTF-8")]
    NotUtf8 {
        /// Which.
        field: &'static str,
    },
}

#[cfg(test)]
mod tests;
