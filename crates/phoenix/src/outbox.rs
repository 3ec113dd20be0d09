//! What waits to be written to a client.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_sink::Sink;

use crate::frame::Outgoing;

/// While so many bytes wait, nothing more is read from the client, nor from what its channels receive: that waits in the
/// subscriptions' own queues, whose policy tells of gaps. One frame and its answer may go beyond.
const ENOUGH_BYTES: usize = 64 * 1024;
/// A client that takes nothing for so long is cut off.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// The frames that one client has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    frames: VecDeque<Message>,
    bytes: usize,
    /// Something was handed to the socket that it may still hold.
    is_unflushed: bool,
    /// When the client last took something, or had nothing to take.
    moved: Duration,
}

impl Outbox {
    /// Behind everything that waits.
    pub(crate) fn push(&mut self, frame: Outgoing) {
        self.bytes += frame.len();
        self.frames.push_back(match frame {
            Outgoing::Text(text) => Message::Text(text.into()),
            Outgoing::Binary(data) => Message::Binary(data.into()),
        });
    }

    /// The last that is written.
    pub(crate) fn close(&mut self, close: Message) {
        self.frames.push_back(close);
    }

    /// Whether there is room for more.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < ENOUGH_BYTES
    }

    /// Whether the client has taken everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty() && !self.is_unflushed
    }

    /// Whether the client has taken nothing for too long.
    pub(crate) fn is_stuck(&self, now: Duration) -> bool {
        !self.is_empty() && now.saturating_sub(self.moved) >= WRITE_DEADLINE
    }

    /// Writes what the client takes now.
    pub(crate) fn poll(
        &mut self,
        socket: &mut WebSocket,
        now: Duration,
        context: &mut Context<'_>,
    ) -> Result<(), axum::Error> {
        if self.is_empty() {
            self.moved = now;
            return Ok(());
        }
        let mut socket = Pin::new(socket);
        while !self.frames.is_empty() {
            if socket.as_mut().poll_ready(context)?.is_pending() {
                return Ok(());
            }
            let Some(frame) = self.frames.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(bytes(&frame));
            self.is_unflushed = true;
            self.moved = now;
            socket.as_mut().start_send(frame)?;
        }
        if let Poll::Ready(flushed) = socket.poll_flush(context) {
            flushed?;
            self.is_unflushed = false;
            self.moved = now;
        }
        Ok(())
    }
}

fn bytes(frame: &Message) -> usize {
    match frame {
        Message::Text(text) => text.len(),
        Message::Binary(data) => data.len(),
        _ => 0,
    }
}
