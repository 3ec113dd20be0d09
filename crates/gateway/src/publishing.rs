//! Messages of one client that are being published: begun in their order, answered once what was asked for has been waited
//! for.

use bellwether_delivery::Assured;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::api::Api;
use crate::client::Client;
use crate::error::ApiError;
use crate::outgoing::Outgoing;

/// Messages that wait for their confirmations at once; a further one is not read.
pub(crate) const MAX_PENDING: usize = 256;
/// Payload bytes of those. May be exceeded by one message.
const MAX_PENDING_BYTES: usize = 4 << 20;

/// What became of a message.
pub(crate) type Outcome = Result<Assured, ApiError>;

/// Messages that are being published, each with what its client knows it by.
pub(crate) struct Publishing<L> {
    pending: VecDeque<Pending<L>>,
    bytes: usize,
}

struct Pending<L> {
    label: L,
    bytes: usize,
    /// It may not be published yet: what comes after it must wait, to stay after it.
    waits: bool,
    state: State,
}

enum State {
    Published(Pin<Box<dyn Future<Output = Outcome> + Send>>),
    Done(Outcome),
}

impl<L> Pending<L> {
    /// Ready once it is known what became of it.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let State::Published(publishing) = &mut self.state {
            self.state = State::Done(std::task::ready!(publishing.as_mut().poll(context)));
            self.waits = false;
        }
        Poll::Ready(())
    }
}

impl<L> Default for Publishing<L> {
    fn default() -> Self {
        Self {
            pending: VecDeque::new(),
            bytes: 0,
        }
    }
}

impl<L> Publishing<L> {
    /// Whether one more may begin.
    pub(crate) fn has_room(&self) -> bool {
        self.pending.len() < MAX_PENDING
            && self.bytes < MAX_PENDING_BYTES
            && !self.pending.back().is_some_and(|last| last.waits)
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Begins one, or keeps what is wrong with it in its place.
    pub(crate) fn begin(
        &mut self,
        context: &mut Context<'_>,
        label: L,
        outgoing: Result<Outgoing, ApiError>,
        (api, client): (&Api, &Client),
    ) {
        let mut bytes = 0;
        let mut waits = false;
        let state = match outgoing {
            Err(err) => State::Done(Err(err)),
            Ok(outgoing) => {
                bytes = outgoing.draft.payload.len();
                waits = outgoing.assurance.waits();
                let mut publishing = Box::pin(outgoing.publish(api.clone(), client.clone()));
                match publishing.as_mut().poll(context) {
                    Poll::Ready(outcome) => State::Done(outcome),
                    Poll::Pending => State::Published(publishing),
                }
            }
        };
        self.bytes += bytes;
        self.pending.push_back(Pending {
            label,
            bytes,
            waits: waits && matches!(state, State::Published(_)),
            state,
        });
    }

    /// What became of the first of them.
    pub(crate) fn poll_first(&mut self, context: &mut Context<'_>) -> Poll<(L, Outcome)> {
        self.poll_at(0, context)
    }

    /// Goes on with the last of them, for which those after it may have to wait, whatever those before it wait for.
    pub(crate) fn poll_last(&mut self, context: &mut Context<'_>) {
        if let Some(last) = self.pending.back_mut() {
            let _ = last.poll(context);
        }
    }

    /// What became of any of them.
    pub(crate) fn poll_any(&mut self, context: &mut Context<'_>) -> Poll<(L, Outcome)> {
        for at in 0..self.pending.len() {
            if let Poll::Ready(done) = self.poll_at(at, context) {
                return Poll::Ready(done);
            }
        }
        Poll::Pending
    }

    /// Not ready if there is none at this place.
    fn poll_at(&mut self, at: usize, context: &mut Context<'_>) -> Poll<(L, Outcome)> {
        let Some(pending) = self.pending.get_mut(at) else {
            return Poll::Pending;
        };
        std::task::ready!(pending.poll(context));
        match self.pending.remove(at) {
            Some(Pending {
                label,
                bytes,
                state: State::Done(outcome),
                ..
            }) => {
                self.bytes -= bytes;
                Poll::Ready((label, outcome))
            }
            _ => Poll::Pending,
        }
    }
}
