//! `GET /v1/mesh`: what every node is like, from any of them.
//!
//! The nodes publish snapshots of themselves while somebody is subscribed to them; this is who subscribes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bellwether::{Delivery, Envelope, Instance, MemberState, Node, NodeId, Pattern, SNAPSHOTS, Subscription};
use bellwether_access::Permit;
use bytes::Bytes;
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::{Instant, Sleep, timeout_at};

use crate::api::{Api, Query, json};
use crate::client::{Client, limited};
use crate::error::{ApiError, Reason};
use crate::rendering::{HEARTBEAT, RETRY};
use crate::subscribe::accepts_sse;
use crate::watch::ClientWatch;

/// Nodes that have not said how they are within this are named as missing. They speak once a second.
const WITHIN: Duration = Duration::from_millis(2500);
/// Snapshots are gathered into a chunk up to this. It may be exceeded by one.
const CHUNK_BYTES: usize = 64 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeshQuery {
    format: Option<String>,
}

/// What every member said of itself last.
#[derive(Debug, Serialize)]
struct MeshView {
    /// By name.
    snapshots: Vec<Box<RawValue>>,
    /// Members that should be there and said nothing.
    missing: Vec<NodeId>,
}

pub(crate) async fn mesh(
    State(api): State<Api>,
    client: Client,
    Query(query): Query<MeshQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    client.may_look()?;
    let is_stream = match query.format.as_deref() {
        Some("json") => false,
        Some("sse") => true,
        None => accepts_sse(&headers),
        Some(_) => return Err(ApiError::new(Reason::BadQuery, "`format` must be json or sse")),
    };
    let permit = client.session().subscribe().map_err(|err| limited(&err))?;
    let subscription = subscribe(&api.node)?;
    if !is_stream {
        return Ok(json(&gather(&api.node, subscription).await));
    }
    let stream = Snapshots {
        subscription,
        watch: ClientWatch::new(client),
        heartbeat: Box::pin(tokio::time::sleep(HEARTBEAT)),
        has_begun: false,
        has_ended: false,
        _permit: permit,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

fn subscribe(node: &Node) -> Result<Subscription, ApiError> {
    let internal = |words: String| ApiError::new(Reason::Internal, words);
    let pattern = Pattern::new(&format!("{SNAPSHOTS}:*")).map_err(|err| internal(err.to_string()))?;
    let subscribed = node.subscribe_at_once(Instance::Diagnostics, [pattern]);
    subscribed.map_err(|err| ApiError::new(Reason::Stopping, err.to_string()))
}

/// Waits until everybody who is there has spoken, or the time is over.
async fn gather(node: &Node, mut subscription: Subscription) -> MeshView {
    let deadline = Instant::now() + WITHIN;
    let mut snapshots = BTreeMap::new();
    let mut missing = silent(node, &snapshots);
    while !missing.is_empty() {
        let Ok(Some(delivery)) = timeout_at(deadline, subscription.next()).await else {
            break;
        };
        if let Delivery::Message(envelope) = delivery
            && let Some(text) = snapshot(&envelope)
            && let Ok(raw) = RawValue::from_string(text.to_owned())
        {
            snapshots.insert(envelope.source().node.clone(), raw);
        }
        missing = silent(node, &snapshots);
    }
    MeshView {
        snapshots: snapshots.into_values().collect(),
        missing,
    }
}

fn silent(node: &Node, snapshots: &BTreeMap<NodeId, Box<RawValue>>) -> Vec<NodeId> {
    let members = node.members().into_iter();
    members
        .filter(|member| member.state != MemberState::Down && !snapshots.contains_key(&member.node))
        .map(|member| member.node)
        .collect()
}

/// What a node says of itself: one line of JSON, if it is that.
fn snapshot(envelope: &Envelope) -> Option<&str> {
    let of = envelope.topic().strip_prefix(SNAPSHOTS)?.strip_prefix(':')?;
    let text = std::str::from_utf8(envelope.payload()).ok()?;
    (of == envelope.source().node.as_str() && !text.contains(['\n', '\r'])).then_some(text)
}

/// Every node's snapshots as server-sent events, until the client goes or may not look any more. What it does not take waits
/// in the subscription's own bounded queue; the oldest go.
struct Snapshots {
    subscription: Subscription,
    watch: ClientWatch,
    heartbeat: Pin<Box<Sleep>>,
    has_begun: bool,
    has_ended: bool,
    _permit: Permit,
}

impl Stream for Snapshots {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.has_ended {
            return Poll::Ready(None);
        }
        let mut chunk = String::new();
        if !std::mem::replace(&mut this.has_begun, true) {
            chunk.push_str(RETRY);
        }
        if let Poll::Ready(err) = this.watch.poll_denied(context, Client::may_look) {
            this.has_ended = true;
            write_event(
                "error",
                &serde_json::to_string(&err.json()).unwrap_or_default(),
                &mut chunk,
            );
            return Poll::Ready(Some(Ok(chunk.into())));
        }
        while chunk.len() < CHUNK_BYTES {
            match Pin::new(&mut this.subscription).poll_next(context) {
                Poll::Ready(Some(Delivery::Message(envelope))) => {
                    if let Some(text) = snapshot(&envelope) {
                        write_event("snapshot", text, &mut chunk);
                    }
                }
                // Who missed one gets the next within a second.
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => {
                    this.has_ended = true;
                    break;
                }
                Poll::Pending => break,
            }
        }
        if !chunk.is_empty() {
            this.heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
        }
        while this.heartbeat.as_mut().poll(context).is_ready() {
            chunk.push_str(":\n\n");
            this.heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
        }
        match (chunk.is_empty(), this.has_ended) {
            (false, _) => Poll::Ready(Some(Ok(chunk.into()))),
            (true, true) => Poll::Ready(None),
            (true, false) => Poll::Pending,
        }
    }
}

fn write_event(name: &str, data: &str, out: &mut String) {
    for part in ["event: ", name, "\ndata: ", data, "\n\n"] {
        out.push_str(part);
    }
}
