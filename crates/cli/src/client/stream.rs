//! A subscription as it comes from a node.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::events::{Event, Events};
use super::{Client, ClientError};

/// Longest event of a stream: the largest payload, 16 MiB, each byte escaped as `\u00xx`, and room for the rest.
const EVENT_BYTES: usize = 128 * 1024 * 1024;

/// Server-sent events: JSON, each with the place of the stream behind it.
#[derive(Debug)]
pub(crate) struct Stream {
    body: Incoming,
    events: Events,
    /// The connection it comes over.
    client: Client,
}

impl Stream {
    pub(super) fn new(body: Incoming, client: Client) -> Self {
        Self {
            body,
            events: Events::default(),
            client,
        }
    }

    /// An event that has already been received.
    pub(crate) fn received_event(&mut self) -> Option<Event> {
        self.events.next()
    }

    /// Waits until more has been received; `false` when the node has ended the stream.
    ///
    /// # Errors
    /// The node was lost, or sends what no node sends.
    pub(crate) async fn receive(&mut self) -> Result<bool, ClientError> {
        loop {
            let Some(frame) = self.body.frame().await else {
                return Ok(false);
            };
            let frame = frame.map_err(|source| self.client.lost(Some(source)))?;
            let Ok(data) = frame.into_data() else { continue };
            let data: Bytes = data;
            if self.events.kept_bytes() + data.len() > EVENT_BYTES {
                return Err(self.client.not_a_node("an event without end"));
            }
            self.events.push(&data);
            return Ok(true);
        }
    }
}
