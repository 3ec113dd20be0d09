//! `POST /v1/publish/{instance}/{topic}`: one request, one message.
//!
//! | status | body | the message |
//! | --- | --- | --- |
//! | 200 | `{"id"}` | is published: this node holds it |
//! | 200 | `{"id","confirmed","required","peers":[{"node","outcome"}]}` | and so do as many peers as `confirm` asks for |
//! | 202 | the same | is published, but fewer peers said within `confirm_within` that they hold it |
//! | 202 | `{"id"}` | is published with `confirm=none` |
//! | 409 | `too_few_peers` | is not published: fewer peers want it than are to confirm it |
//! | 503 | `no_room` | is not published: there was no room for it within `wait` |

use std::num::NonZeroU16;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use bellwether::{ContentType, Draft, DraftError, NodeId, PublishError, Topic};
use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api::{Api, Query, parse_instance};
use crate::assurance::Assurance;
use crate::error::{ApiError, Reason, with_causes};

/// A client has this long to send a payload.
const BODY_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// So much of a body that is too large is still read: what any node may be configured to take.
const DISCARD_BYTES: u64 = bellwether::MAX_PAYLOAD_BYTES as u64;
/// A client that sends nothing for so long has stopped sending.
const DISCARD_IDLE: Duration = Duration::from_millis(300);
/// The event tag of a message whose publisher names none.
const DEFAULT_EVENT: &str = "message";

/// What may be said about a message in the query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishQuery {
    event: Option<String>,
    originating_node: Option<String>,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    schema_version: Option<NonZeroU16>,
    wait: Option<String>,
    confirm: Option<String>,
    confirm_within: Option<String>,
}

/// Publishes the body. What is wrong with the rest of the request is said before the body is read.
pub(crate) async fn publish(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    Query(query): Query<PublishQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Path((instance, topic)) = path.map_err(|err| ApiError::new(Reason::BadTopic, err.body_text()))?;
    let instance = parse_instance(&instance)?;
    let assurance = Assurance::parse(
        query.wait.as_deref(),
        query.confirm.as_deref(),
        query.confirm_within.as_deref(),
    )?;
    let mut draft = draft(&topic, query)?;
    draft.content_type = content_type(&headers)?;
    draft.check(0).map_err(|err| refused_draft(&err))?;
    draft.payload = read_within(body, api.max_payload_bytes(instance)).await?.into();
    if draft.content_type.is_json() {
        serde_json::from_slice::<&RawValue>(&draft.payload).map_err(|err| {
            let words = format!("the body is not JSON, though its Content-Type says so: {err}");
            ApiError::new(Reason::BadJson, words)
        })?;
    }
    assurance.publish(&api.node, instance, &draft).await
}

fn draft(topic: &str, query: PublishQuery) -> Result<Draft, ApiError> {
    let topic =
        Topic::new(topic).map_err(|err| ApiError::new(Reason::BadTopic, format!("the topic is wrong: {err}")))?;
    if topic.is_reserved() {
        let words = "topics that begin with `$` belong to the mesh itself; choose another first level";
        return Err(ApiError::new(Reason::ReservedTopic, words));
    }
    let mut draft = match query.event {
        Some(event) => Draft::new(topic, event),
        None => Draft::new(topic, DEFAULT_EVENT),
    };
    if let Some(node) = query.originating_node {
        let node = NodeId::new(&node)
            .map_err(|err| ApiError::new(Reason::BadField, format!("`originating_node` is wrong: {err}")))?;
        draft.originating_node = Some(node);
    }
    draft.correlation_id = query.correlation_id;
    draft.causation_id = query.causation_id;
    if let Some(version) = query.schema_version {
        draft.schema_version = version.get();
    }
    Ok(draft)
}

fn content_type(headers: &HeaderMap) -> Result<ContentType, ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(ContentType::Bytes);
    };
    match value.to_str() {
        Ok("") => Ok(ContentType::Bytes),
        Ok(name) => Ok(ContentType::from_name(name)),
        Err(_) => Err(ApiError::new(
            Reason::BadContentType,
            "the Content-Type holds characters beyond ASCII",
        )),
    }
}

/// The whole body, if it is no larger than `limit`. One that says its size is judged before a byte is read.
async fn read_within(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let said = body.size_hint().lower();
    let reading = async {
        let read = match said > limit as u64 {
            true => Err(too_large(format_args!("{said}"), limit)),
            false => collect_within(&mut body, limit).await,
        };
        if matches!(&read, Err(err) if err.reason() == Reason::TooLarge) && said <= DISCARD_BYTES {
            discard(&mut body).await;
        }
        read
    };
    match tokio::time::timeout(BODY_READ_TIMEOUT, reading).await {
        Ok(payload) => payload,
        Err(_) => {
            let words = format!("the body did not arrive within {} s", BODY_READ_TIMEOUT.as_secs());
            Err(ApiError::new(Reason::SlowBody, words))
        }
    }
}

/// Reads on and forgets, so that the answer is heard: a client that is still sending when the connection closes sees a
/// reset instead. One that is not sending waits for the answer: it gets it.
async fn discard(body: &mut Body) {
    let mut bytes = 0;
    let mut next = async || {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
        tokio::time::timeout(DISCARD_IDLE, frame).await
    };
    while let Ok(Some(Ok(frame))) = next().await {
        bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
        if bytes > DISCARD_BYTES {
            return;
        }
    }
}

async fn collect_within(body: &mut Body, limit: usize) -> Result<Bytes, ApiError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        let frame = frame.map_err(|err| ApiError::new(Reason::BadBody, format!("the body broke off: {err}")))?;
        let Ok(piece) = frame.into_data() else {
            continue; // Trailers say nothing that we use.
        };
        let bytes = first.len() + rest.len() + piece.len();
        if bytes > limit {
            return Err(too_large(format_args!("at least {bytes}"), limit));
        }
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    // Most payloads are one piece and are not copied.
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

fn too_large(bytes: std::fmt::Arguments<'_>, limit: usize) -> ApiError {
    let words = format!("the payload has {bytes} bytes; this instance takes at most {limit} (`max_payload_bytes`)");
    ApiError::new(Reason::TooLarge, words)
}

/// The node does not publish it.
pub(crate) fn refused(err: &PublishError) -> ApiError {
    match err {
        PublishError::Draft(err) => refused_draft(err),
        PublishError::Closed => ApiError::new(Reason::Stopping, err.to_string()),
        err => ApiError::new(Reason::Internal, with_causes(err)),
    }
}

fn refused_draft(err: &DraftError) -> ApiError {
    match err {
        DraftError::PayloadTooLarge { bytes, limit } => too_large(format_args!("{bytes}"), *limit),
        err => ApiError::new(Reason::BadField, err.to_string()),
    }
}
