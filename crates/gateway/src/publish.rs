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

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use bellwether::{ContentType, Draft, DraftError, NodeId, PublishError};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api::{Api, Query, parse_instance, parse_topic};
use crate::assurance::Assurance;
use crate::body::{read_within, too_large};
use crate::client::Client;
use crate::error::{ApiError, Reason, with_causes};

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
    reply_to: Option<String>,
    wait: Option<String>,
    confirm: Option<String>,
    confirm_within: Option<String>,
}

/// Publishes the body. What is wrong with the rest of the request is said before the body is read.
pub(crate) async fn publish(
    State(api): State<Api>,
    client: Client,
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
    client.may_publish(instance, draft.topic.as_str())?;
    draft.content_type = content_type(&headers)?;
    draft.check(0).map_err(|err| refused_draft(&err))?;
    draft.payload = read_within(body, api.max_payload_bytes(instance)).await?.into();
    if draft.content_type.is_json() {
        serde_json::from_slice::<&RawValue>(&draft.payload).map_err(|err| {
            let words = format!("the body is not JSON, though its Content-Type says so: {err}");
            ApiError::new(Reason::BadJson, words)
        })?;
    }
    Ok(assurance.publish(&api.node, instance, &draft).await?.answer())
}

fn draft(topic: &str, query: PublishQuery) -> Result<Draft, ApiError> {
    let topic = parse_topic(topic)?;
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
    draft.reply_to = query.reply_to;
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

/// The node does not publish it.
pub(crate) fn refused(err: &PublishError) -> ApiError {
    match err {
        PublishError::Draft(err) => refused_draft(err),
        PublishError::Closed => ApiError::new(Reason::Stopping, err.to_string()),
        err => ApiError::new(Reason::Internal, with_causes(err)),
    }
}

/// It cannot be published as it is.
pub(crate) fn refused_draft(err: &DraftError) -> ApiError {
    match err {
        DraftError::PayloadTooLarge { bytes, limit } => too_large(format_args!("{bytes}"), *limit),
        err => ApiError::new(Reason::BadField, err.to_string()),
    }
}
