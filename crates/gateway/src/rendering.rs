//! How deliveries look on the wire: lines of JSON (NDJSON), server-sent events around the same JSON, or lines that are
//! CloudEvents.

use std::time::Duration;

use bellwether::{Delivery, LiveReport};
use serde::Serialize;

use crate::cloud_event::{DeliveryEvent, EventIds};
use crate::error::ApiError;
use crate::json::{DeliveryJson, SubscribedJson};
use bellwether_delivery::ResumeToken;

/// What browsers wait before they connect again, in milliseconds.
pub(crate) const RETRY: &str = "retry: 1000\n\n";
/// An idle stream of server-sent events says something this often, so that nobody between takes it for dead.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// A form of stream, and what it must remember.
#[derive(Debug)]
pub(crate) enum Rendering {
    /// One JSON value per line. An idle stream is silent.
    Ndjson,
    /// Server-sent events: `event:` names the kind, `id:` where the stream stands (left out where nobody can say how to
    /// go on), `data:` is the line of NDJSON. An idle stream has a comment now and then.
    Sse,
    /// One [CloudEvent](DeliveryEvent) per line. An idle stream is silent.
    CloudEvents(EventIds),
}

impl Rendering {
    pub(crate) fn content_type(&self) -> &'static str {
        match self {
            Self::Ndjson | Self::CloudEvents(_) => "application/x-ndjson",
            Self::Sse => "text/event-stream",
        }
    }

    /// Whether the form shows where the stream stands.
    pub(crate) fn has_places(&self) -> bool {
        matches!(self, Self::Sse)
    }

    /// Whether the form has comments, which clients pass over.
    pub(crate) fn has_heartbeats(&self) -> bool {
        matches!(self, Self::Sse)
    }

    /// Appends the beginning of the stream.
    pub(crate) fn begin(&mut self, report: &LiveReport, place: Option<&mut ResumeToken>, out: &mut Vec<u8>) {
        if let Self::Sse = self {
            out.extend_from_slice(RETRY.as_bytes());
        }
        self.subscribed(report, place, out);
    }

    /// Appends where the subscription is live.
    pub(crate) fn subscribed(&mut self, report: &LiveReport, place: Option<&mut ResumeToken>, out: &mut Vec<u8>) {
        match self {
            Self::CloudEvents(ids) => line(&ids.subscribed(report), out),
            _ => self.event("subscribed", &SubscribedJson::new(report), place, out),
        }
    }

    /// Appends a delivery; `place` is behind it.
    pub(crate) fn delivery(&mut self, delivery: &Delivery, place: Option<&mut ResumeToken>, out: &mut Vec<u8>) {
        let Some(name) = delivery_name(delivery) else {
            return;
        };
        match self {
            Self::CloudEvents(ids) => line(&DeliveryEvent::new(delivery, ids), out),
            _ => self.event(name, &DeliveryJson::new(delivery), place, out),
        }
    }

    /// Appends why the stream ends.
    pub(crate) fn error(&mut self, err: &ApiError, out: &mut Vec<u8>) {
        match self {
            Self::CloudEvents(ids) => line(&ids.error(err), out),
            _ => self.event("error", &err.json(), None, out),
        }
    }

    /// Appends a comment, if the form has comments.
    pub(crate) fn heartbeat(&self, out: &mut Vec<u8>) {
        if self.has_heartbeats() {
            out.extend_from_slice(b":\n\n");
        }
    }

    fn event(&self, name: &str, value: &impl Serialize, place: Option<&mut ResumeToken>, out: &mut Vec<u8>) {
        if let Self::Sse = self {
            let start = out.len();
            if let Some(token) = place {
                out.extend_from_slice(b"id: ");
                token.write(out);
                out.push(b'\n');
            }
            out.extend_from_slice(b"event: ");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\ndata: ");
            let data = out.len();
            line(value, out);
            match out.len() > data {
                true => out.push(b'\n'),
                false => out.truncate(start),
            }
        } else {
            line(value, out);
        }
    }
}

/// What a delivery is called; `None` for those that have no form yet.
pub(crate) fn delivery_name(delivery: &Delivery) -> Option<&'static str> {
    match delivery {
        Delivery::Message(_) => Some("message"),
        Delivery::Gap(_) => Some("gap"),
        Delivery::EpochEnded(_) => Some("epoch_ended"),
        Delivery::Live(_) => Some("live"),
        _ => None,
    }
}

/// Appends a value as one line of JSON, or nothing.
fn line(value: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    match serde_json::to_writer(&mut *out, value) {
        Ok(()) => out.push(b'\n'),
        Err(err) => {
            tracing::debug!(%err, "a delivery was left out of a client's stream");
            out.truncate(start);
        }
    }
}
