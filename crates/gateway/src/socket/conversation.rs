//! What a socket's client and its node have agreed on: which subscriptions there are, and how much of each may come.
//!
//! Pure: frames go in, what is to be done comes out.

use std::collections::BTreeMap;

use super::frame::{About, Refused, Request, Subscribe};
use crate::error::{ApiError, Reason};
use crate::message_line::MessageLine;

/// Subscriptions of one socket.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 1024;
/// Most credit of one subscription.
const MAX_CREDIT: u32 = 1 << 30;

/// The state of one socket's protocol.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// Deliveries that may come of each; `None`: as many as the connection takes.
    credits: BTreeMap<String, Option<u32>>,
}

/// Takes arbitrary bytes as the frames of one socket, a line each, for fuzzers. Nothing panics, whatever the bytes.
pub fn check_socket_frames(bytes: &[u8]) {
    let mut conversation = Conversation::default();
    for frame in bytes.split(|byte| *byte == b'\n') {
        let Ok(text) = std::str::from_utf8(frame) else {
            continue;
        };
        // A refusal is an answer.
        drop(conversation.receive(text));
    }
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// The subscription is known from now on.
    Subscribe(Subscribe),
    /// It is not known any more.
    Unsubscribe {
        id: String,
    },
    Publish(Box<MessageLine<'a>>),
    Pong {
        reference: Option<String>,
    },
    /// More of this may come.
    Credited,
}

impl Conversation {
    /// A text frame came.
    pub(crate) fn receive<'a>(&mut self, text: &'a str) -> Result<Step<'a>, Refused> {
        match Request::parse(text)? {
            Request::Subscribe(subscribe) => {
                self.add(&subscribe).map_err(|err| Refused {
                    about: About::subscription(&subscribe.id),
                    err,
                })?;
                Ok(Step::Subscribe(subscribe))
            }
            Request::Credit { id, credit } => {
                self.credit(&id, credit).map_err(|err| Refused {
                    about: About::subscription(id),
                    err,
                })?;
                Ok(Step::Credited)
            }
            Request::Unsubscribe { id } => match self.credits.remove(&id) {
                Some(_) => Ok(Step::Unsubscribe { id }),
                None => Err(Refused {
                    err: unknown(&id),
                    about: About::subscription(id),
                }),
            },
            Request::Publish(line) => Ok(Step::Publish(line)),
            Request::Ping { reference } => Ok(Step::Pong { reference }),
        }
    }

    /// Whether a delivery of the subscription may come now.
    pub(crate) fn may_deliver(&self, id: &str) -> bool {
        self.credits.get(id).is_some_and(|credit| *credit != Some(0))
    }

    /// One came.
    pub(crate) fn delivered(&mut self, id: &str) {
        if let Some(Some(credit)) = self.credits.get_mut(id) {
            *credit = credit.saturating_sub(1);
        }
    }

    /// The subscription is over, or never began. Its id is free.
    pub(crate) fn ended(&mut self, id: &str) {
        self.credits.remove(id);
    }

    fn add(&mut self, subscribe: &Subscribe) -> Result<(), ApiError> {
        if subscribe.id.is_empty() {
            return Err(ApiError::new(Reason::BadId, "`id` is empty"));
        }
        if self.credits.contains_key(&subscribe.id) {
            let words = "`id` is that of a subscription that is there; unsubscribe it, or choose another";
            return Err(ApiError::new(Reason::BadId, words));
        }
        if self.credits.len() >= MAX_SUBSCRIPTIONS {
            let words = format!("this socket has {MAX_SUBSCRIPTIONS} subscriptions, the most it may have");
            return Err(ApiError::new(Reason::LimitExceeded, words));
        }
        if subscribe.credit.is_some_and(|credit| credit > MAX_CREDIT) {
            return Err(too_much());
        }
        self.credits.insert(subscribe.id.clone(), subscribe.credit);
        Ok(())
    }

    fn credit(&mut self, id: &str, more: u32) -> Result<(), ApiError> {
        let credit = self.credits.get_mut(id).ok_or_else(|| unknown(id))?;
        let Some(credit) = credit else {
            let words = "the subscription began without `credit`, so that its deliveries need none";
            return Err(ApiError::new(Reason::BadField, words));
        };
        let sum = credit.checked_add(more).filter(|sum| *sum <= MAX_CREDIT);
        *credit = sum.ok_or_else(too_much)?;
        Ok(())
    }
}

fn too_much() -> ApiError {
    let words = format!("that is more than {MAX_CREDIT} deliveries; leave `credit` out if they need none");
    ApiError::new(Reason::BadField, words)
}

fn unknown(id: &str) -> ApiError {
    let words = format!("this socket has no subscription `{}`", id.escape_debug());
    ApiError::new(Reason::UnknownId, words)
}

#[cfg(test)]
mod tests;
