//! What a publisher writes of what it wants to be sure of, and what it is answered.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use bellwether::{Confirm, PublishError, Topic};
use bellwether_delivery::{
    Assurance, Assured, DEFAULT_CONFIRM_WITHIN_S, MAX_CONFIRM_WITHIN_S, MAX_WAIT_S, PublishAssuredError, Published,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::json;
use crate::error::{ApiError, Reason, with_causes};
use crate::outgoing::refused_draft;

/// The parameters of that, as they are written.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) wait: Option<String>,
    pub(crate) confirm: Option<String>,
    pub(crate) confirm_within: Option<String>,
}

/// A message as it was published, where that is more than what its publisher gave.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Message<'a> {
    pub(crate) topic: &'a Topic,
    pub(crate) payload: &'a RawValue,
}

impl Wanted {
    /// What it means.
    pub(crate) fn assurance(&self) -> Result<Assurance, ApiError> {
        let wait = match self.wait.as_deref() {
            None | Some("false") => None,
            Some("true") => Some(MAX_WAIT_S),
            Some(text) => Some(seconds(text, 0, MAX_WAIT_S).ok_or_else(|| {
                let words = format!("`wait` must be true, false or a whole number of seconds up to {MAX_WAIT_S}");
                ApiError::new(Reason::BadQuery, words)
            })?),
        };
        let confirm = match self.confirm.as_deref() {
            None => Confirm::default(),
            Some(text) => text
                .parse()
                .map_err(|err| ApiError::new(Reason::BadQuery, format!("`confirm` is wrong: {err}")))?,
        };
        let within = match self.confirm_within.as_deref() {
            None => DEFAULT_CONFIRM_WITHIN_S,
            Some(text) => seconds(text, 1, MAX_CONFIRM_WITHIN_S).ok_or_else(|| {
                let words = format!("`confirm_within` must be a whole number of seconds, 1 to {MAX_CONFIRM_WITHIN_S}");
                ApiError::new(Reason::BadQuery, words)
            })?,
        };
        Ok(Assurance {
            wait: wait.map(Duration::from_secs),
            confirm,
            within: Duration::from_secs(within),
        })
    }
}

/// What the publisher is told: 200, or 202 where not everything that was asked for is certain.
pub(crate) fn answer(assured: &Assured) -> Response {
    answer_with(assured, None)
}

/// The same, and the message.
pub(crate) fn answer_with(assured: &Assured, message: Option<Message<'_>>) -> Response {
    #[derive(Serialize)]
    struct Answer<'a> {
        #[serde(flatten)]
        published: Published<'a>,
        #[serde(flatten)]
        message: Option<Message<'a>>,
    }

    let published = assured.published();
    let mut response = json(&Answer { published, message });
    *response.status_mut() = match assured.is_certain {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    response
}

/// Nothing was published.
impl From<PublishAssuredError> for ApiError {
    fn from(err: PublishAssuredError) -> Self {
        let reason = match &err {
            PublishAssuredError::NoRoom { .. } => Reason::NoRoom,
            PublishAssuredError::NoResponders => Reason::NoResponders,
            PublishAssuredError::TooFewPeers(_) => Reason::TooFewPeers,
            PublishAssuredError::Refused(err) => return refused(err),
            _ => Reason::Internal,
        };
        Self::new(reason, err.to_string())
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
