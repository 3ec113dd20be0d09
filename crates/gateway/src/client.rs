//! Who sends a request.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bellwether::{Instance, Pattern, Timestamp};
use bellwether_access::{Access, Caller, Credentials, Denied, LimitExceeded, Reach, Session};

use crate::error::{ApiError, Reason};

/// The client of a request, authenticated. Handlers take it as an argument; it goes with what the handler keeps of it, and
/// with it what the client has taken.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    session: Arc<Session>,
}

impl Client {
    /// Who it is.
    pub(crate) fn caller(&self) -> &Caller {
        self.session.caller()
    }

    /// What it has taken; for streams, which outlive their request.
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Refuses what it may not publish.
    pub(crate) fn may_publish(&self, instance: Instance, topic: &str) -> Result<(), ApiError> {
        self.caller().may_publish(instance, topic).map_err(|err| denied(&err))
    }

    /// Refuses a pattern of which it may receive nothing; else says how much.
    pub(crate) fn may_subscribe(&self, instance: Instance, pattern: &Pattern) -> Result<Reach, ApiError> {
        self.caller()
            .may_subscribe(instance, pattern)
            .map_err(|err| denied(&err))
    }

    /// Counts one message to publish, and refuses what is too much.
    pub(crate) fn spend(&self, payload_bytes: usize) -> Result<(), ApiError> {
        let spent = self.session.spend(payload_bytes, uptime());
        spent.map_err(|err| limited(&err))
    }
}

/// The time that limits are measured by: the same for all clients.
fn uptime() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed()
}

/// It may not do that.
pub(crate) fn denied(err: &Denied) -> ApiError {
    ApiError::new(Reason::Denied, err.to_string())
}

/// It has taken too much.
pub(crate) fn limited(err: &LimitExceeded) -> ApiError {
    match err {
        LimitExceeded::Payload { .. } => ApiError::new(Reason::TooLarge, err.to_string()),
        err => ApiError::new(Reason::LimitExceeded, err.to_string()),
    }
}

/// Authenticates a request, or answers it.
pub(crate) async fn authenticate(access: Access, mut request: Request, next: Next) -> Response {
    match begin(&access) {
        Ok(client) => {
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(err) => err.into_response(),
    }
}

fn begin(access: &Access) -> Result<Client, ApiError> {
    let caller = access
        .authenticate(Credentials::Anonymous, Timestamp::now())
        .map_err(|err| ApiError::new(Reason::Unauthenticated, err.to_string()))?;
    let session = caller.open_session().map_err(|err| limited(&err))?;
    Ok(Client {
        session: Arc::new(session),
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let client = parts.extensions.get::<Self>().cloned();
        client.ok_or_else(|| ApiError::new(Reason::Internal, "the request was not authenticated"))
    }
}
