//! How deliveries look on the wire: lines of JSON (NDJSON), or server-sent events around the same JSON.

use bellwether::{Delivery, LiveReport};
use serde::Serialize;

use crate::json::{DeliveryJson, SubscribedJson};
use crate::resume_token::ResumeToken;

/// A form of stream, and what it must remember.
#[derive(Debug)]
pub(crate) enum Rendering {
    /// One JSON value per line.
    Ndjson,
    /// Server-sent events: `event:` names the kind, `id:` where the stream stands, `data:` is the line of NDJSON.
    Sse(ResumeToken),
}

impl Rendering {
    pub(crate) fn sse() -> Self {
        Self::Sse(ResumeToken::default())
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Sse(_) => "text/event-stream",
        }
    }

    /// Appends where the subscription is live.
    pub(crate) fn subscribed(&self, report: &LiveReport, out: &mut Vec<u8>) {
        if let Self::Sse(_) = self {
            out.extend_from_slice(b"event: subscribed\n");
        }
        self.line(&SubscribedJson::new(report), out);
    }

    /// Appends a delivery.
    pub(crate) fn delivery(&mut self, delivery: &Delivery, out: &mut Vec<u8>) {
        if let Self::Sse(token) = self {
            let name = match delivery {
                Delivery::Message(envelope) => {
                    token.advance(envelope.instance(), envelope.source(), envelope.seq());
                    "message"
                }
                Delivery::Gap(gap) => {
                    token.advance(gap.instance, &gap.source, gap.last);
                    "gap"
                }
                Delivery::EpochEnded(ended) => {
                    token.end(ended.instance, &ended.source);
                    "epoch_ended"
                }
                _ => return,
            };
            out.extend_from_slice(b"id: ");
            token.write(out);
            out.extend_from_slice(b"\nevent: ");
            out.extend_from_slice(name.as_bytes());
            out.push(b'\n');
        }
        self.line(&DeliveryJson::new(delivery), out);
    }

    /// Appends a comment that clients pass over, if the form has comments.
    pub(crate) fn heartbeat(&self, out: &mut Vec<u8>) {
        if let Self::Sse(_) = self {
            out.extend_from_slice(b":\n\n");
        }
    }

    fn line(&self, value: &impl Serialize, out: &mut Vec<u8>) {
        let (prefix, suffix): (&[u8], &[u8]) = match self {
            Self::Ndjson => (b"", b"\n"),
            Self::Sse(_) => (b"data: ", b"\n\n"),
        };
        let start = out.len();
        out.extend_from_slice(prefix);
        if let Err(err) = serde_json::to_writer(&mut *out, value) {
            tracing::debug!(%err, "a delivery was left out of a client's stream");
            out.truncate(start);
            return;
        }
        out.extend_from_slice(suffix);
    }
}
