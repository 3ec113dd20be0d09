//! `GET /v1/socket`: one WebSocket for everything a client does, in text frames of JSON.
//!
//! The sub-protocol is `bellwether.v1`; it is chosen if a client offers it, and spoken also if none is offered. The node
//! begins with `hello`; then either side speaks when it has something to say.
//!
//! | a client says | and is told |
//! | --- | --- |
//! | `{"op":"subscribe","id":"s1","patterns":["alerts/*"],"from":"live","credit":100}` | `subscribed`, then deliveries |
//! | `{"op":"credit","id":"s1","n":50}` | nothing: so many more deliveries may come |
//! | `{"op":"unsubscribe","id":"s1"}` | `unsubscribed`, and nothing more of it |
//! | `{"op":"publish","ref":"7","instance":"events","topic":"orders:new","payload":{"n":1}}` | `published`, or `error` |
//! | `{"op":"ping","ref":"8"}` | `pong`, once everything before it was read |
//!
//! - `id` names a subscription, 1 to 128 bytes, chosen by the client; free again once it is told `unsubscribed` or `ended`.
//! - `patterns` are written `instance/pattern`, at most 256. `from` is as in `GET /v1/subscribe`, and a cursor is an ID: a
//!   client that connects again goes on with `"from":"id:CURSOR"`.
//! - `credit` is how many deliveries may come; left out, as many as the connection takes. Without credit nothing of the
//!   subscription comes, and what is published waits in its own bounded queue, whose overflow is told as a gap. Only
//!   `deliver` costs credit.
//! - `publish` is [one message](crate::message_line); `wait`, `confirm` and `confirm_within` may be said, and `ref`, at most 128 bytes.
//!   Messages are published in the order of their frames; one that waits for room holds up the frames after it. Answers come as
//!   they are known. 256 may wait for confirmation at once, with 4 MiB; then the socket is read no further.
//!
//! | the node says | |
//! | --- | --- |
//! | `{"op":"hello","node","epoch","max_frame_bytes","max_subscriptions"}` | first of all |
//! | `{"op":"subscribed","id","live","nodes","not_yet","joined"}` | where it is live; again once it is everywhere |
//! | `{"op":"deliver","id","cursor","message":{…}}` | a message, as `GET /v1/subscribe` has it |
//! | `{"op":"gap","id","cursor","gap":{…}}` | messages that will not come, in their place |
//! | `{"op":"epoch_ended","id","cursor","epoch_ended":{…}}` | a run of a node is over |
//! | `{"op":"live","id","cursor","live":{…}}` | what was kept is over; from here on it is what is published |
//! | `{"op":"unsubscribed","id"}` | it was asked for |
//! | `{"op":"ended","id","error","reason"}` | the subscription is over: `slow_subscriber`, `stopping` |
//! | `{"op":"published","ref","id",…}` | as `POST /v1/publish` answers; `id` is the message's |
//! | `{"op":"error","id" or "ref","error","reason"}` | what was asked for was not done; the socket stays open |
//! | `{"op":"pong","ref"}` | |
//!
//! A `cursor` is left out where nobody can say how to go on. Payloads that are neither JSON nor text are `payload_base64`, both ways.
//!
//! | closed with | when |
//! | --- | --- |
//! | 1000 | the client closed |
//! | 1001 | the node stops |
//! | 1002 | what came is no WebSocket |
//! | 1003 | a binary frame: this protocol has none |
//! | 1008 | the client may not go on: its token has expired or was revoked |
//! | 1009 | a frame is larger than `max_frame_bytes` |
//! | 1013 | the client takes nothing, or does not answer pings |
//!
//! A node pings a silent client every 20 s and closes after 50 s of silence. A client that stops reading costs only itself: what
//! is sent to it must get on within 10 s and a second for every MiB.

mod conversation;
mod frame;
mod serving;

pub use self::conversation::check_socket_frames;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;

use self::serving::Serving;
use crate::api::Api;
use crate::client::Client;
use crate::error::{ApiError, Reason};
use bellwether_delivery::Handover;

/// The sub-protocol.
const PROTOCOL: &str = "bellwether.v1";
/// Bytes read and written at once.
const BUFFER_BYTES: usize = 16 * 1024;

/// Takes the connection over.
pub(crate) async fn socket(
    State(api): State<Api>,
    client: Client,
    Extension(handover): Extension<Handover>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|err| {
        let words = format!("this path is a WebSocket: {}", err.body_text());
        ApiError::new(Reason::BadUpgrade, words)
    })?;
    let max_frame_bytes = api.max_line_bytes();
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_frame_size(max_frame_bytes)
        .max_message_size(max_frame_bytes);
    let stop = handover.stop().clone();
    Ok(upgrade.on_upgrade(async move |socket| {
        handover.go_on_with(Serving::new(api, client, socket, stop).run()).await;
    }))
}
