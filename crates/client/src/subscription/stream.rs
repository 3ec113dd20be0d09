//! One connection's worth of a subscription: server-sent events.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use tokio::time::{Instant, Sleep};

use super::Loss;
use crate::NodeAddress;
use crate::client::Client;
use crate::connection::Connection;
use crate::delivery::{Delivery, is_message};
use crate::error::CallError;
use crate::events::{Event, Events};

/// Longest event of a stream: the largest payload, 16 MiB, each byte escaped as `\u00xx`, and room for the rest.
const EVENT_BYTES: usize = 128 * 1024 * 1024;
/// Once nothing has come for too long: how much longer it may be that only this program slept.
const GRACE: Duration = Duration::from_secs(1);

/// JSON items, each with the place of the stream behind it. Dropping it closes the connection, and so unsubscribes.
pub(crate) struct EventStream {
    body: Incoming,
    events: Events,
    /// The node was heard to end it for this.
    is_too_slow: bool,
    node: NodeAddress,
    silence: Silence,
    /// The connection that it comes over.
    connection: Connection,
}

impl EventStream {
    pub(crate) fn new(connection: Connection, body: Incoming, client: &Client) -> Self {
        Self {
            body,
            events: Events::default(),
            is_too_slow: false,
            node: client.node().clone(),
            silence: Silence::new(client.settings().silence_timeout),
            connection,
        }
    }

    /// An event that has already been received.
    pub(crate) fn received(&mut self) -> Option<Event> {
        let event = self.events.next()?;
        if !is_message(&event.data)
            && let Delivery::Gap(gap) = Delivery::of(&event.data)
        {
            self.is_too_slow |= gap.is_disconnection();
        }
        Some(event)
    }

    /// Waits until more has been received.
    pub(crate) fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Loss>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
                let waited = ready!(self.silence.poll(context));
                return Poll::Ready(Err(self.lost(self.connection.silent(waited))));
            };
            self.silence.broken();
            let Some(frame) = frame else {
                let node = self.node.clone();
                return Poll::Ready(Err(match self.is_too_slow {
                    true => Loss::TooSlow { node },
                    false => Loss::Ended { node },
                }));
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(_) if self.is_too_slow => {
                    return Poll::Ready(Err(Loss::TooSlow {
                        node: self.node.clone(),
                    }));
                }
                Err(err) => return Poll::Ready(Err(self.lost(self.connection.lost(&err)))),
            };
            let Ok(data) = frame.into_data() else { continue };
            if self.events.kept_bytes() + data.len() > EVENT_BYTES {
                return Poll::Ready(Err(self.lost(self.connection.not_a_node("an event without end"))));
            }
            self.events.push(&data);
            return Poll::Ready(Ok(()));
        }
    }

    fn lost(&self, source: CallError) -> Loss {
        Loss::Call { source }
    }
}

/// Tells a connection that is dead from one that is idle: a node's stream says something every 15 s.
struct Silence {
    longest: Duration,
    timer: Pin<Box<Sleep>>,
    state: Waiting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// Something came since.
    No,
    Yes,
    /// For long enough, but this program may have slept: what came meanwhile is taken first.
    Long,
}

impl Silence {
    fn new(longest: Duration) -> Self {
        Self {
            longest,
            timer: Box::pin(tokio::time::sleep(longest)),
            state: Waiting::No,
        }
    }

    fn broken(&mut self) {
        self.state = Waiting::No;
    }

    /// Ready once it has lasted too long.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Duration> {
        if self.state == Waiting::No {
            self.timer.as_mut().reset(Instant::now() + self.longest);
            self.state = Waiting::Yes;
        }
        ready!(self.timer.as_mut().poll(context));
        if self.state == Waiting::Yes {
            self.timer.as_mut().reset(Instant::now() + GRACE);
            self.state = Waiting::Long;
            ready!(self.timer.as_mut().poll(context));
        }
        Poll::Ready(self.longest)
    }
}
