//! The one form of an error over HTTP: `{"error":"<words>","reason":"<code>"}`; where a message or a call is not what its
//! type says (422), also `"fields":[…]`, the names of those that are wrong.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellwether::catalogue::{self, Invalid, ValidateError};
use serde::Serialize;

/// A publisher that found no room may well find some after a second.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");
/// What somebody may show who is told that it is not known who he is.
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

/// Why a request was not served. Nothing was done, unless its reason says otherwise.
#[derive(Debug)]
pub(crate) struct ApiError {
    reason: Reason,
    words: String,
    /// Only of what is judged by the catalogue.
    fields: Option<Vec<&'static str>>,
}

impl ApiError {
    /// The words are for people: what is wrong with what was given, and what would be right.
    pub(crate) fn new(reason: Reason, words: impl Into<String>) -> Self {
        Self {
            reason,
            words: words.into(),
            fields: (reason.status() == StatusCode::UNPROCESSABLE_ENTITY).then(Vec::new),
        }
    }

    /// A payload that is no message of its type.
    pub(crate) fn invalid(invalid: &Invalid) -> Self {
        Self {
            reason: Reason::Invalid(invalid.reason()),
            words: invalid.to_string(),
            fields: Some(invalid.fields().to_vec()),
        }
    }

    /// What is judged by us as the catalogue judges its messages: the rule that is broken, and by which fields.
    pub(crate) fn broken(rule: catalogue::Reason, fields: Vec<&'static str>, words: impl Into<String>) -> Self {
        Self {
            reason: Reason::Invalid(rule),
            words: words.into(),
            fields: Some(fields),
        }
    }

    /// What is none of the catalogue.
    pub(crate) fn unknown(err: &ValidateError) -> Self {
        match err {
            ValidateError::UnknownInstance { .. } => Self::new(Reason::UnknownInstance, err.to_string()),
            ValidateError::UnknownType { .. } => Self::new(Reason::UnknownType, err.to_string()),
            ValidateError::Invalid(invalid) => Self::invalid(invalid),
        }
    }

    pub(crate) fn reason(&self) -> Reason {
        self.reason
    }

    /// What programs may tell it by.
    pub(crate) fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// What it says to people.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// As it is told.
    pub(crate) fn json(&self) -> ErrorJson<'_> {
        ErrorJson {
            error: &self.words,
            reason: self.code(),
            fields: self.fields.as_deref(),
        }
    }
}

/// The form of an error, wherever one is told.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ErrorJson<'a> {
    error: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a [&'static str]>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.reason.status();
        let mut body = serde_json::to_vec(&self.json()).unwrap_or_default();
        body.push(b'\n');
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        match self.reason {
            Reason::NoRoom | Reason::LimitExceeded => {
                response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S);
            }
            Reason::Unauthenticated => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, BEARER);
            }
            _ => {}
        }
        response
    }
}

/// What programs may tell errors apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    BadInstance,
    BadTopic,
    BadPattern,
    MissingPattern,
    TooManyPatterns,
    BadQuery,
    /// A resume token that is none.
    BadToken,
    BadField,
    BadContentType,
    BadJson,
    /// A CloudEvent that is none.
    BadCloudEvent,
    /// A frame of a socket that is none of ours.
    BadFrame,
    /// No WebSocket where one is expected.
    BadUpgrade,
    /// An id that a client chose and may not have.
    BadId,
    /// A subscription that a socket does not have.
    UnknownId,
    /// A subscription that read too slowly, where that ends it.
    SlowSubscriber,
    /// The body ended before it was whole.
    BadBody,
    SlowBody,
    TooLarge,
    /// Not what its type says.
    Invalid(catalogue::Reason),
    /// An instance without typed messages.
    UnknownInstance,
    /// A type that its instance does not have, of a message.
    UnknownType,
    /// The same, in a path of the catalogue.
    NoSuchType,
    UnknownHelper,
    /// An item of a batch that is no call of a helper.
    UnknownEventType,
    TooManyCalls,
    UnknownAlert,
    UnknownSubscription,
    UnknownThreshold,
    TooManyThresholds,
    ReservedTopic,
    UnknownPath,
    WrongMethod,
    /// Fewer peers want the message than are to confirm it.
    TooFewPeers,
    /// An answer is awaited, and nobody hears the question.
    NoResponders,
    /// The mesh is slower than what is published.
    NoRoom,
    /// Who it is cannot be believed, or nobody is served without saying who they are.
    Unauthenticated,
    /// It is known who it is, and it may not do that.
    Denied,
    /// It has taken as much as it may.
    LimitExceeded,
    BadHost,
    BadOrigin,
    TooManyConnections,
    /// The node's configuration, read again.
    BadConfiguration,
    /// Nobody runs the node who could be told.
    NotControlled,
    Stopping,
    Internal,
}

impl Reason {
    pub(crate) fn status(self) -> StatusCode {
        self.status_and_code().0
    }

    pub(crate) fn code(self) -> &'static str {
        self.status_and_code().1
    }

    fn status_and_code(self) -> (StatusCode, &'static str) {
        match self {
            Self::BadInstance => (StatusCode::BAD_REQUEST, "bad_instance"),
            Self::BadTopic => (StatusCode::BAD_REQUEST, "bad_topic"),
            Self::BadPattern => (StatusCode::BAD_REQUEST, "bad_pattern"),
            Self::MissingPattern => (StatusCode::BAD_REQUEST, "missing_pattern"),
            Self::TooManyPatterns => (StatusCode::BAD_REQUEST, "too_many_patterns"),
            Self::BadQuery => (StatusCode::BAD_REQUEST, "bad_query"),
            Self::BadToken => (StatusCode::BAD_REQUEST, "bad_token"),
            Self::BadField => (StatusCode::BAD_REQUEST, "bad_field"),
            Self::BadContentType => (StatusCode::BAD_REQUEST, "bad_content_type"),
            Self::BadJson => (StatusCode::BAD_REQUEST, "bad_json"),
            Self::BadCloudEvent => (StatusCode::BAD_REQUEST, "bad_cloud_event"),
            Self::BadFrame => (StatusCode::BAD_REQUEST, "bad_frame"),
            Self::BadUpgrade => (StatusCode::UPGRADE_REQUIRED, "bad_upgrade"),
            Self::BadId => (StatusCode::BAD_REQUEST, "bad_id"),
            Self::UnknownId => (StatusCode::NOT_FOUND, "unknown_id"),
            Self::SlowSubscriber => (StatusCode::SERVICE_UNAVAILABLE, "slow_subscriber"),
            Self::BadBody => (StatusCode::BAD_REQUEST, "bad_body"),
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "slow_body"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::Invalid(reason) => (StatusCode::UNPROCESSABLE_ENTITY, reason.name()),
            Self::UnknownInstance => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_instance"),
            Self::UnknownType => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_type"),
            Self::NoSuchType => (StatusCode::NOT_FOUND, "unknown_type"),
            Self::UnknownHelper => (StatusCode::NOT_FOUND, "unknown_helper"),
            Self::UnknownEventType => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_event_type"),
            Self::TooManyCalls => (StatusCode::PAYLOAD_TOO_LARGE, "too_many_calls"),
            Self::UnknownAlert => (StatusCode::NOT_FOUND, "unknown_alert"),
            Self::UnknownSubscription => (StatusCode::NOT_FOUND, "unknown_subscription"),
            Self::UnknownThreshold => (StatusCode::NOT_FOUND, "unknown_threshold"),
            Self::TooManyThresholds => (StatusCode::CONFLICT, "too_many_thresholds"),
            Self::ReservedTopic => (StatusCode::FORBIDDEN, "reserved_topic"),
            Self::UnknownPath => (StatusCode::NOT_FOUND, "unknown_path"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "wrong_method"),
            Self::TooFewPeers => (StatusCode::CONFLICT, "too_few_peers"),
            Self::NoResponders => (StatusCode::CONFLICT, "no_responders"),
            Self::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "no_room"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::Denied => (StatusCode::FORBIDDEN, "denied"),
            Self::LimitExceeded => (StatusCode::TOO_MANY_REQUESTS, "limit_exceeded"),
            Self::BadHost => (StatusCode::MISDIRECTED_REQUEST, "bad_host"),
            Self::BadOrigin => (StatusCode::FORBIDDEN, "bad_origin"),
            Self::TooManyConnections => (StatusCode::SERVICE_UNAVAILABLE, "too_many_connections"),
            Self::BadConfiguration => (StatusCode::CONFLICT, "bad_configuration"),
            Self::NotControlled => (StatusCode::NOT_IMPLEMENTED, "not_controlled"),
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

/// An error and its causes in one line.
pub(crate) fn with_causes(err: &dyn std::error::Error) -> String {
    let mut words = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        words.push_str(": ");
        words.push_str(&err.to_string());
        cause = err.source();
    }
    words
}
