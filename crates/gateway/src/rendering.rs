//! How deliveries look on the wire: lines of JSON (NDJSON), or server-sent events around the same JSON.

use bellwether::{Delivery, LiveReport};
use bellwether_delivery::Place;
use serde::Serialize;

use crate::json::{DeliveryJson, SubscribedJson};

/// A form of stream, and what it must remember.
#[derive(Debug)]
pub(crate) enum Rendering {
    /// One JSON value per line.
    Ndjson,
    /// Server-sent events: `event:` names the kind, `id:` where the stream stands (left out where nobody can say how to
    /// go on), `data:` is the line of NDJSON.
    Sse(Place),
}

impl Rendering {
    pub(crate) fn sse() -> Self {
        Self::Sse(Place::default())
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Sse(_) => "text/event-stream",
        }
    }

    /// The place of the stream, if the form shows it.
    pub(crate) fn place(&mut self) -> Option<&mut Place> {
        match self {
            Self::Ndjson => None,
            Self::Sse(place) => Some(place),
        }
    }

    /// Appends where the subscription is live.
    pub(crate) fn subscribed(&mut self, report: &LiveReport, out: &mut Vec<u8>) {
        self.event("subscribed", &SubscribedJson::new(report), out);
    }

    /// Appends a delivery.
    pub(crate) fn delivery(&mut self, delivery: &Delivery, out: &mut Vec<u8>) {
        let name = match delivery {
            Delivery::Message(_) => "message",
            Delivery::Gap(_) => "gap",
            Delivery::EpochEnded(_) => "epoch_ended",
            Delivery::Live(_) => "live",
            _ => return,
        };
        if let Some(place) = self.place() {
            place.pass(delivery);
        }
        self.event(name, &DeliveryJson::new(delivery), out);
    }

    /// Appends a comment that clients pass over, if the form has comments.
    pub(crate) fn heartbeat(&self, out: &mut Vec<u8>) {
        if let Self::Sse(_) = self {
            out.extend_from_slice(b":\n\n");
        }
    }

    fn event(&mut self, name: &str, value: &impl Serialize, out: &mut Vec<u8>) {
        let start = out.len();
        let mut suffix: &[u8] = b"\n";
        if let Self::Sse(place) = self {
            if let Some(token) = place.token() {
                out.extend_from_slice(b"id: ");
                token.write(out);
                out.push(b'\n');
            }
            out.extend_from_slice(b"event: ");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\ndata: ");
            suffix = b"\n\n";
        }
        if let Err(err) = serde_json::to_writer(&mut *out, value) {
            tracing::debug!(%err, "a delivery was left out of a client's stream");
            out.truncate(start);
            return;
        }
        out.extend_from_slice(suffix);
    }
}
