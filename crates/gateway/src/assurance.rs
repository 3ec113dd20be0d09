//! What a publisher wants to be sure of: that nobody loses anything to its speed, and that peers hold its message.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use bellwether::catalogue::spelling::canonical_topic;
use bellwether::{
    Confirm, Confirmed, Draft, Instance, MessageId, Node, PeerOutcome, PublishConfirmedError, PublishError, Topic,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::json;
use crate::error::{ApiError, Reason, with_causes};
use crate::outgoing::refused_draft;

/// The longest wait for room, and that of `wait=true`.
const MAX_WAIT_S: u64 = 30;
/// How long peers have to confirm, unless told otherwise.
const DEFAULT_CONFIRM_WITHIN_S: u64 = 10;
/// The longest that they may have.
const MAX_CONFIRM_WITHIN_S: u64 = 60;

/// The parameters of that, as they are written.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) wait: Option<String>,
    pub(crate) confirm: Option<String>,
    pub(crate) confirm_within: Option<String>,
}

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

/// What was published, and what was waited for.
#[derive(Debug)]
pub(crate) struct Assured {
    status: StatusCode,
    id: MessageId,
    confirmed: Option<Confirmed>,
}

/// What its publisher is told.
#[derive(Serialize)]
pub(crate) struct Published<'a> {
    id: &'a MessageId,
    #[serde(flatten)]
    confirmed: Option<ConfirmedBy<'a>>,
    #[serde(flatten)]
    message: Option<Message<'a>>,
}

#[derive(Serialize)]
struct ConfirmedBy<'a> {
    /// How many peers hold it.
    confirmed: usize,
    required: usize,
    peers: &'a [PeerOutcome],
}

/// A message as it was published, where that is more than what its publisher gave.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Message<'a> {
    pub(crate) topic: &'a Topic,
    pub(crate) payload: &'a RawValue,
}

impl Assurance {
    /// By what a publisher has written.
    pub(crate) fn parse(wanted: &Wanted) -> Result<Self, ApiError> {
        let Wanted {
            wait,
            confirm,
            confirm_within,
        } = wanted;
        let wait = match wait.as_deref() {
            None | Some("false") => None,
            Some("true") => Some(MAX_WAIT_S),
            Some(text) => Some(seconds(text, 0, MAX_WAIT_S).ok_or_else(|| {
                let words = format!("`wait` must be true, false or a whole number of seconds up to {MAX_WAIT_S}");
                ApiError::new(Reason::BadQuery, words)
            })?),
        };
        let confirm = match confirm.as_deref() {
            None => Confirm::default(),
            Some(text) => text
                .parse()
                .map_err(|err| ApiError::new(Reason::BadQuery, format!("`confirm` is wrong: {err}")))?,
        };
        let within = match confirm_within.as_deref() {
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

    /// Whether it waits for room.
    pub(crate) fn waits(&self) -> bool {
        self.wait.is_some_and(|wait| !wait.is_zero())
    }

    /// Publishes, and returns once what was asked for has been waited for. A client that goes while there is no room has
    /// published nothing.
    pub(crate) async fn publish(&self, node: &Node, instance: Instance, draft: &Draft) -> Result<Assured, ApiError> {
        if let Some(within) = self.wait
            && !node
                .room(instance, canonical_topic(instance, &draft.topic).as_str(), within)
                .await
        {
            let words = format!(
                "there was no room within {} s: a peer or a subscriber is slower than what is published; nothing was \
                 published",
                within.as_secs()
            );
            return Err(ApiError::new(Reason::NoRoom, words));
        }
        match self.confirm {
            Confirm::None | Confirm::Local => {
                let id = node.publish(instance, draft).map_err(|err| refused(&err))?;
                let status = match self.confirm {
                    Confirm::None => StatusCode::ACCEPTED,
                    _ => StatusCode::OK,
                };
                Ok(Assured {
                    status,
                    id,
                    confirmed: None,
                })
            }
            confirm => match node.publish_confirmed(instance, draft, confirm, self.within).await {
                Ok(confirmed) => Ok(confirmed.into()),
                Err(PublishConfirmedError::Publish(err)) => Err(refused(&err)),
                Err(err) => Err(ApiError::new(
                    Reason::TooFewPeers,
                    format!("{err}; nothing was published"),
                )),
            },
        }
    }
}

impl From<Confirmed> for Assured {
    fn from(confirmed: Confirmed) -> Self {
        let status = match confirmed.is_confirmed() {
            true => StatusCode::OK,
            false => StatusCode::ACCEPTED,
        };
        Self {
            status,
            id: confirmed.id.clone(),
            confirmed: Some(confirmed),
        }
    }
}

impl Assured {
    /// What its publisher is told.
    pub(crate) fn answer(&self) -> Response {
        self.answer_with(None)
    }

    /// The same, and the message.
    pub(crate) fn answer_with(&self, message: Option<Message<'_>>) -> Response {
        let mut response = json(&Published {
            message,
            ..self.published()
        });
        *response.status_mut() = self.status;
        response
    }

    /// The same, as JSON.
    pub(crate) fn published(&self) -> Published<'_> {
        let confirmed = self.confirmed.as_ref().map(|confirmed| ConfirmedBy {
            confirmed: confirmed.confirmed(),
            required: confirmed.required,
            peers: &confirmed.peers,
        });
        Published {
            id: &self.id,
            confirmed,
            message: None,
        }
    }
}

/// The node does not publish it.
pub(crate) fn refused(err: &PublishError) -> ApiError {
    match err {
        PublishError::Draft(err) => refused_draft(err),
        PublishError::Closed => ApiError::new(Reason::Stopping, err.to_string()),
        err => ApiError::new(Reason::Internal, with_causes(err)),
    }
}

fn seconds(text: &str, min: u64, max: u64) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_plain)?;
    (min..=max).contains(&seconds).then_some(seconds)
}
