//! Where clients of channels come in: `GET /socket/websocket?vsn=2.0.0`.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellwether::{Instance, Node, Timestamp};
use bellwether_access::{Access, AuthenticateError, Session};
use bellwether_delivery::{Handover, Peer};
use serde::Serialize;

use crate::frame::excerpt;
use crate::socket::{Opened, serve};

/// What a frame may have beside the payload: its texts, and what else is said about a message.
const FRAME_OVERHEAD_BYTES: usize = 16 * 1024;
/// A frame so much larger is not even read to its end.
const REFUSED_FRAME_BYTES: usize = 64 * 1024;
/// Bytes gathered before they are written to the system.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// Bytes read from the system at once.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// The one version of the serializer.
const VSN: &str = "2.0.0";
/// The sub-protocol that is selected if it is offered.
const SUB_PROTOCOL: &str = "phoenix";
/// The sub-protocol that is a token: this and the token in base64url.
const BEARER: &str = "base64url.bearer.phx.";

/// The paths `/socket/websocket` and `/socket/longpoll` (which only says that it is not served), for clients whose socket
/// is at `/socket`.
///
/// Authenticates by itself, since a browser can show a token in the query or as a sub-protocol only; so it must not stand
/// behind what authenticates requests. Origins are for what it stands behind. The extensions of each request hold its
/// [`Peer`] and a [`Handover`], in which its socket goes on; when that stops, the socket is closed with 1012 (service restart).
pub fn router<S: Clone + Send + Sync + 'static>(node: Node, access: Access) -> Router<S> {
    let door = Door { node, access };
    Router::new()
        .route("/socket/websocket", any(open))
        .route("/socket/longpoll", any(long_poll))
        .with_state(door)
}

#[derive(Clone)]
struct Door {
    node: Node,
    access: Access,
}

async fn open(
    State(door): State<Door>,
    query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    Extension(handover): Extension<Handover>,
    Extension(peer): Extension<Peer>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let Query(query) = query.map_err(|err| Refused::bad_query(err.body_text()))?;
    let of = |name: &str| {
        query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    check_version(of("vsn"))?;
    let upgrade = upgrade.map_err(|err| Refused {
        status: StatusCode::UPGRADE_REQUIRED,
        reason: "not_a_websocket",
        words: format!("this path is for WebSockets of Phoenix channels: {}", err.body_text()),
    })?;
    let token = match bearer(&headers)? {
        Some(token) => Some(token),
        None => of("token").filter(|token| !token.is_empty()).map(ToOwned::to_owned),
    };
    let session = door.authenticate(peer, token.as_deref())?;
    let max_frame_bytes = door.max_frame_bytes();
    let opened = Opened {
        node: door.node,
        session: Arc::new(session),
        max_frame_bytes,
        stop: handover.stop().clone(),
    };
    let most = max_frame_bytes + REFUSED_FRAME_BYTES;
    Ok(upgrade
        .protocols([SUB_PROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(most)
        .max_frame_size(most)
        .on_failed_upgrade(|err| tracing::debug!(%err, "a client of channels went before its socket was open"))
        .on_upgrade(async move |socket| handover.go_on_with(serve(socket, opened)).await))
}

async fn long_poll() -> Refused {
    Refused {
        status: StatusCode::NOT_FOUND,
        reason: "unknown_path",
        words: "long polling is not served; use the WebSocket at /socket/websocket".to_owned(),
    }
}

impl Door {
    /// Of a socket that is opened now.
    fn max_frame_bytes(&self) -> usize {
        let each = Instance::ALL.map(|instance| self.node.max_payload_bytes(instance));
        each.into_iter().max().unwrap_or_default() + FRAME_OVERHEAD_BYTES
    }

    fn authenticate(&self, peer: Peer, token: Option<&str>) -> Result<Session, Refused> {
        let credentials = peer.credentials(token);
        let caller = self.access.authenticate(credentials, Timestamp::now());
        let caller = caller.map_err(|err| Refused::unauthenticated(&err))?;
        caller.open_session().map_err(|err| Refused {
            status: StatusCode::TOO_MANY_REQUESTS,
            reason: "limit_exceeded",
            words: err.to_string(),
        })
    }
}

fn check_version(vsn: Option<&str>) -> Result<(), Refused> {
    let words = match vsn {
        Some(VSN) => return Ok(()),
        Some("1.0.0") => "the serializer 1.0.0, whose frames are objects, is not served".to_owned(),
        Some(other) => format!("the serializer `{}` is not served", excerpt(other)),
        None => "the query does not say which serializer is spoken".to_owned(),
    };
    Err(Refused::bad_query(format!("{words}; connect with vsn={VSN}")))
}

/// The token that a client shows as a sub-protocol, or in the header that programs use. Never repeated in an answer.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    if let Some(encoded) = offered.find_map(|protocol| protocol.trim().strip_prefix(BEARER)) {
        // Some clients write the alphabet of plain base64, without the padding.
        let encoded = encoded.replace('+', "-").replace('/', "_");
        let bytes = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).ok();
        let token = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        return match token {
            Some(token) => Ok(Some(token)),
            None => Err(Refused::unauthenticated(&AuthenticateError::Invalid)),
        };
    }
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    Ok(token.map(|(_, token)| token.trim().to_owned()))
}

/// Why a socket was not opened, in the one form of errors over HTTP: `{"error":"<words>","reason":"<code>"}`.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    reason: &'static str,
    words: String,
}

impl Refused {
    fn bad_query(words: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            reason: "bad_query",
            words,
        }
    }

    /// Forbidden, as Phoenix answers it: a client then comes back more and more slowly.
    fn unauthenticated(err: &AuthenticateError) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            reason: "unauthenticated",
            words: err.to_string(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Form<'a> {
            error: &'a str,
            reason: &'a str,
        }

        let form = Form {
            error: &self.words,
            reason: self.reason,
        };
        let mut body = serde_json::to_vec(&form).unwrap_or_default();
        body.push(b'\n');
        (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}
