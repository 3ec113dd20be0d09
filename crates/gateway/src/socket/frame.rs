//! The frames of a socket: what a client says, parsed, and what it is told.

use bellwether::{Delivery, Epoch, LiveReport, MessageJson, NodeId};
use bellwether_delivery::Published;
use serde::{Deserialize, Serialize};

use crate::body::{cut, parse_json};
use crate::error::{ApiError, ErrorJson, Reason};
use crate::json::{EpochEndedJson, GapJson, LiveJson};
use crate::message_line::MessageLine;
use crate::subscribe::{Patterns, parse_from};
use bellwether_delivery::Beginning;

/// Longest id of a subscription, and longest `ref`.
pub(crate) const MAX_ID_BYTES: usize = 128;

/// What a client says.
#[derive(Debug)]
pub(crate) enum Request<'a> {
    Subscribe(Subscribe),
    Credit {
        id: String,
        credit: u32,
    },
    Unsubscribe {
        id: String,
    },
    /// Boxed: most of what a client says has no message.
    Publish(Box<MessageLine<'a>>),
    Ping {
        reference: Option<String>,
    },
}

/// What a client asks to receive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subscribe {
    pub(crate) id: String,
    pub(crate) patterns: Patterns,
    pub(crate) from: Beginning,
    /// `None`: as much as the connection takes.
    pub(crate) credit: Option<u32>,
}

/// What is wrong with a frame, and what its client knows it by.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) about: About,
    pub(crate) err: ApiError,
}

/// What an answer is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
}

/// What every frame may say of itself; the rest is read once it is known what it is.
#[derive(Deserialize)]
struct Head {
    op: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "ref")]
    reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscribeFields {
    #[serde(rename = "op")]
    _op: String,
    id: String,
    patterns: Vec<String>,
    from: Option<String>,
    credit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreditFields {
    #[serde(rename = "op")]
    _op: String,
    id: String,
    n: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnsubscribeFields {
    #[serde(rename = "op")]
    _op: String,
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PingFields {
    #[serde(rename = "op")]
    _op: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

impl<'a> Request<'a> {
    /// Reads one text frame.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Refused> {
        let bytes = text.as_bytes();
        let head: Head = parse_object(bytes).map_err(|err| Refused {
            about: About::default(),
            err,
        })?;
        let about = About {
            id: head.id.clone(),
            reference: head.reference.clone(),
        };
        let about = about.bounded();
        let refused = |err| Refused {
            about: about.clone(),
            err,
        };
        if let Err(err) = check_ids(&head) {
            return Err(refused(err));
        }
        match head.op.as_str() {
            "subscribe" => parse(bytes).and_then(subscribe).map_err(refused),
            "credit" => parse(bytes)
                .map(|CreditFields { id, n, .. }| Self::Credit { id, credit: n })
                .map_err(refused),
            "unsubscribe" => parse(bytes)
                .map(|UnsubscribeFields { id, .. }| Self::Unsubscribe { id })
                .map_err(refused),
            "publish" => parse(bytes).map(|line| Self::Publish(Box::new(line))).map_err(refused),
            "ping" => parse(bytes)
                .map(|PingFields { reference, .. }| Self::Ping { reference })
                .map_err(refused),
            other => {
                let words = format!(
                    "`op` is `{}`; it is one of subscribe, credit, unsubscribe, publish and ping",
                    cut(&other.escape_debug().to_string())
                );
                Err(refused(ApiError::new(Reason::BadFrame, words)))
            }
        }
    }
}

impl About {
    pub(crate) fn subscription(id: impl Into<String>) -> Self {
        Self {
            id: Some(id.into()),
            reference: None,
        }
    }

    pub(crate) fn reference(reference: Option<String>) -> Self {
        Self { id: None, reference }
    }

    /// What is too long is not repeated.
    fn bounded(self) -> Self {
        let is_short = |text: &String| text.len() <= MAX_ID_BYTES;
        Self {
            id: self.id.filter(is_short),
            reference: self.reference.filter(is_short),
        }
    }
}

/// A list would be read as the fields of an object in their order.
fn parse_object<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T, ApiError> {
    if frame.trim_ascii_start().first() != Some(&b'{') {
        let words = "a frame is a JSON object such as {\"op\":\"ping\"}";
        return Err(ApiError::new(Reason::BadFrame, words));
    }
    parse(frame)
}

fn parse<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T, ApiError> {
    parse_json(frame).map_err(|err| ApiError::new(err.reason(), err.words().replace("the body", "the frame")))
}

fn check_ids(head: &Head) -> Result<(), ApiError> {
    for (name, text) in [("id", &head.id), ("ref", &head.reference)] {
        match text {
            Some(text) if text.len() > MAX_ID_BYTES || (name == "id" && text.is_empty()) => {
                let words = format!("`{name}` has {} bytes; 1 to {MAX_ID_BYTES} are allowed", text.len());
                return Err(ApiError::new(Reason::BadId, words));
            }
            _ => {}
        }
    }
    Ok(())
}

fn subscribe<'a>(fields: SubscribeFields) -> Result<Request<'a>, ApiError> {
    let mut patterns = Patterns::default();
    for pattern in &fields.patterns {
        patterns.add(pattern)?;
    }
    patterns.check()?;
    let from = fields.from.as_deref().map(parse_from).transpose()?;
    Ok(Request::Subscribe(Subscribe {
        id: fields.id,
        patterns,
        from: from.unwrap_or_default(),
        credit: fields.credit,
    }))
}

/// What a client is told.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Reply<'a> {
    Hello {
        node: &'a NodeId,
        epoch: Epoch,
        max_frame_bytes: usize,
        max_subscriptions: usize,
    },
    Subscribed {
        id: &'a str,
        #[serde(flatten)]
        report: &'a LiveReport,
    },
    Deliver {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
        message: MessageJson<'a>,
    },
    Gap {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
        gap: GapJson<'a>,
    },
    EpochEnded {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
        epoch_ended: EpochEndedJson<'a>,
    },
    Live {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
        live: LiveJson<'a>,
    },
    Unsubscribed {
        id: &'a str,
    },
    Ended {
        id: &'a str,
        #[serde(flatten)]
        error: ErrorJson<'a>,
    },
    Published {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        #[serde(flatten)]
        published: Published<'a>,
    },
    Error {
        #[serde(flatten)]
        about: &'a About,
        #[serde(flatten)]
        error: ErrorJson<'a>,
    },
    Pong {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
    },
}

impl<'a> Reply<'a> {
    /// A delivery of the subscription; `None` for those that have no form yet.
    pub(crate) fn delivery(id: &'a str, cursor: Option<&'a str>, delivery: &'a Delivery) -> Option<Self> {
        Some(match delivery {
            Delivery::Message(envelope) => Self::Deliver {
                id,
                cursor,
                message: MessageJson::new(envelope),
            },
            Delivery::Gap(gap) => Self::Gap {
                id,
                cursor,
                gap: GapJson::new(gap),
            },
            Delivery::EpochEnded(ended) => Self::EpochEnded {
                id,
                cursor,
                epoch_ended: EpochEndedJson::new(ended),
            },
            Delivery::Live(live) => Self::Live {
                id,
                cursor,
                live: LiveJson::new(live),
            },
            _ => return None,
        })
    }

    /// As a text frame.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|err| {
            tracing::debug!(%err, "a frame of a client's socket has no JSON");
            String::new()
        })
    }
}
