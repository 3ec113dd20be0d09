//! What a publisher wants to be sure of: that nobody loses anything to its speed, and that peers hold its message.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use bellwether::{Confirm, Confirmed, Draft, Instance, MessageId, Node, PeerOutcome, PublishConfirmedError};
use serde::Serialize;

use crate::api::json;
use crate::error::{ApiError, Reason};
use crate::publish::refused;

/// The longest wait for room, and that of `wait=true`.
const MAX_WAIT_S: u64 = 30;
/// How long peers have to confirm, unless told otherwise.
const DEFAULT_CONFIRM_WITHIN_S: u64 = 10;
/// The longest that they may have.
const MAX_CONFIRM_WITHIN_S: u64 = 60;

/// What one publish waits for.
#[derive(Debug)]
pub(crate) struct Assurance {
    /// For room, at most so long; `None`: not at all.
    wait: Option<Duration>,
    /// Then until these hold the message,
    confirm: Confirm,
    /// at most so long.
    within: Duration,
}

#[derive(Serialize)]
struct Published<'a> {
    id: &'a MessageId,
}

#[derive(Serialize)]
struct PublishedTo<'a> {
    id: &'a MessageId,
    /// How many peers hold it.
    confirmed: usize,
    required: usize,
    peers: &'a [PeerOutcome],
}

impl Assurance {
    /// By the parameters `wait`, `confirm` and `confirm_within`.
    pub(crate) fn parse(wait: Option<&str>, confirm: Option<&str>, within: Option<&str>) -> Result<Self, ApiError> {
        let wait = match wait {
            None | Some("false") => None,
            Some("true") => Some(MAX_WAIT_S),
            Some(text) => Some(seconds(text, 0, MAX_WAIT_S).ok_or_else(|| {
                let words = format!("`wait` must be true, false or a whole number of seconds up to {MAX_WAIT_S}");
                ApiError::new(Reason::BadQuery, words)
            })?),
        };
        let confirm = match confirm {
            None => Confirm::default(),
            Some(text) => text
                .parse()
                .map_err(|err| ApiError::new(Reason::BadQuery, format!("`confirm` is wrong: {err}")))?,
        };
        let within = match within {
            None => DEFAULT_CONFIRM_WITHIN_S,
            Some(text) => seconds(text, 1, MAX_CONFIRM_WITHIN_S).ok_or_else(|| {
                let words = format!("`confirm_within` must be a whole number of seconds, 1 to {MAX_CONFIRM_WITHIN_S}");
                ApiError::new(Reason::BadQuery, words)
            })?,
        };
        Ok(Self {
            wait: wait.map(Duration::from_secs),
            confirm,
            within: Duration::from_secs(within),
        })
    }

    /// Publishes, and answers once what was asked for has been waited for. A client that goes while there is no room has
    /// published nothing.
    pub(crate) async fn publish(&self, node: &Node, instance: Instance, draft: &Draft) -> Result<Response, ApiError> {
        if let Some(within) = self.wait
            && !node.room(instance, draft.topic.as_str(), within).await
        {
            let words = format!(
                "there was no room within {} s: a peer or a subscriber is slower than what is published; nothing was \
                 published",
                within.as_secs()
            );
            return Err(ApiError::new(Reason::NoRoom, words));
        }
        match self.confirm {
            Confirm::None => {
                let id = node.publish(instance, draft).map_err(|err| refused(&err))?;
                Ok(with_status(StatusCode::ACCEPTED, json(&Published { id: &id })))
            }
            Confirm::Local => {
                let id = node.publish(instance, draft).map_err(|err| refused(&err))?;
                Ok(json(&Published { id: &id }))
            }
            confirm => match node.publish_confirmed(instance, draft, confirm, self.within).await {
                Ok(confirmed) => Ok(answer(&confirmed)),
                Err(PublishConfirmedError::Publish(err)) => Err(refused(&err)),
                Err(err) => Err(ApiError::new(
                    Reason::TooFewPeers,
                    format!("{err}; nothing was published"),
                )),
            },
        }
    }
}

fn answer(confirmed: &Confirmed) -> Response {
    let response = json(&PublishedTo {
        id: &confirmed.id,
        confirmed: confirmed.confirmed(),
        required: confirmed.required,
        peers: &confirmed.peers,
    });
    match confirmed.is_confirmed() {
        true => response,
        false => with_status(StatusCode::ACCEPTED, response),
    }
}

fn with_status(status: StatusCode, mut response: Response) -> Response {
    *response.status_mut() = status;
    response
}

fn seconds(text: &str, min: u64, max: u64) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_plain)?;
    (min..=max).contains(&seconds).then_some(seconds)
}
