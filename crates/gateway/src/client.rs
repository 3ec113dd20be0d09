//! Who sends a request.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bellwether::{Instance, Node, Pattern, Timestamp};
use bellwether_access::{Access, Caller, Credentials, Denied, LimitExceeded, Reach, Session};
use bellwether_delivery::Peer;

use crate::credentials::Shown;
use crate::error::{ApiError, Reason};

/// The client of a request, authenticated. Handlers take it as an argument; it goes with what the handler keeps of it, and
/// with it what the client has taken.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    session: Arc<Session>,
    /// By whose clock rates are measured, in every door.
    node: Node,
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

    /// Refuses who may not see the state of the node and its mesh.
    pub(crate) fn may_look(&self) -> Result<(), ApiError> {
        self.caller().may_look().map_err(|err| denied(&err))
    }

    /// Refuses who may not change what the node does.
    pub(crate) fn may_administer(&self) -> Result<(), ApiError> {
        self.caller().may_administer().map_err(|err| denied(&err))
    }

    /// Counts one message to publish, and refuses what is too much.
    pub(crate) fn spend(&self, payload_bytes: usize) -> Result<(), ApiError> {
        let spent = self.session.spend(payload_bytes, self.node.uptime());
        spent.map_err(|err| limited(&err))
    }
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

/// Paths that tell nothing: whoever asks is served, known or not. What watches whether a node runs has no token.
const OPEN_PATHS: [&str; 3] = ["/", "/healthz", "/readyz"];

/// Authenticates a request, or answers it. From here on no token is left in its target.
pub(crate) async fn authenticate((access, node): (Access, Node), mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::Tcp);
    let is_open = OPEN_PATHS.contains(&request.uri().path());
    let shown = Shown::take(&mut request);
    if is_open
        && !access.serves_anonymous()
        && matches!(&shown, Ok(shown) if matches!(peer.credentials(shown.token()), Credentials::Anonymous))
    {
        // A probe shows nothing and asks for nothing: it is not refused anything either, and not counted.
        return next.run(request).await;
    }
    let client = shown.and_then(|shown| begin(&access, node, peer.credentials(shown.token())));
    match client {
        Ok(client) => {
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(_) if is_open => next.run(request).await,
        Err(err) => err.into_response(),
    }
}

fn begin(access: &Access, node: Node, credentials: Credentials<'_>) -> Result<Client, ApiError> {
    let caller = access
        .authenticate(credentials, Timestamp::now())
        .map_err(|err| ApiError::new(Reason::Unauthenticated, err.to_string()))?;
    let session = caller.open_session().map_err(|err| limited(&err))?;
    Ok(Client {
        session: Arc::new(session),
        node,
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let client = parts.extensions.get::<Self>().cloned();
        client.ok_or_else(|| ApiError::new(Reason::Internal, "the request was not authenticated"))
    }
}

/// The client of a request to a path that serves also those who are not known.
#[derive(Debug)]
pub(crate) struct AnyClient(Option<Client>);

impl AnyClient {
    /// Whether it may see the state of the node and its mesh. Who may not is not counted: it asked for less.
    pub(crate) fn may_look(&self) -> bool {
        self.0.as_ref().is_some_and(|client| client.caller().looks())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AnyClient {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Client>().cloned()))
    }
}
