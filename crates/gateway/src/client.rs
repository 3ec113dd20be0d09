//! Who sends a request.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bellwether::{Instance, Timestamp};
use bellwether_access::{Access, Caller, Credentials, Session};

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

    /// Refuses what it may not publish.
    pub(crate) fn may_publish(&self, instance: Instance, topic: &str) -> Result<(), ApiError> {
        let denied = self.caller().may_publish(instance, topic);
        denied.map_err(|err| ApiError::new(Reason::Denied, err.to_string()))
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
    let session = caller
        .open_session()
        .map_err(|err| ApiError::new(Reason::LimitExceeded, err.to_string()))?;
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
