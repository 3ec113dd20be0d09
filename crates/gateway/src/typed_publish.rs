//! `POST /v1/messages/{instance}/{tag}` and `POST /v1/validate/{instance}/{tag}`: typed messages as JSON.
//!
//! The first publishes: what its publisher may leave out is filled in, and the answer has the whole message as it was
//! published, `{"id","topic","payload"}`, beside what [`publish`](crate::publish) answers. The second judges a message as
//! its receivers do, `{"valid":true,"payload"}`, and publishes nothing.
//!
//! `{tag}` is the tag of a type or its name: `node_health_updated`, `NodeHealth`. The body is read as JSON whatever its
//! Content-Type says.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bellwether::catalogue::{MessageType, ValidateError, all_types, unknown_type, validate_message};
use bellwether::{Draft, Instance, PublishTypedError, Topic};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::{Api, Query, json, parse_instance, parse_topic};
use crate::assurance::refused;
use crate::assurance::{Message, Wanted, answer_with};
use crate::body::{parse_json, read_within};
use crate::client::Client;
use crate::error::{ApiError, Reason};
use crate::outgoing::refused_draft;
use crate::trace_context::TraceContext;

/// What may be said about a typed message in the query; all else is in the message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageQuery {
    topic: Option<String>,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    wait: Option<String>,
    confirm: Option<String>,
    confirm_within: Option<String>,
}

/// No parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

/// Publishes a message of a type.
pub(crate) async fn publish(
    State(api): State<Api>,
    client: Client,
    path: Result<Path<(String, String)>, PathRejection>,
    Query(query): Query<MessageQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (instance, tag) = parse_path(path)?;
    let message_type = find_type(instance, &tag).map_err(|err| ApiError::unknown(&err))?;
    let assurance = Wanted {
        wait: query.wait.clone(),
        confirm: query.confirm.clone(),
        confirm_within: query.confirm_within.clone(),
    }
    .assurance()?;
    let topic = query.topic.as_deref().map(parse_topic).transpose()?;
    let body = read_within(body, api.max_payload_bytes(instance)).await?;
    let mut draft = draft(&api, message_type, &body, topic, &query)?;
    TraceContext::of(&headers).give_to(&mut draft.headers);
    client.may_publish(instance, draft.topic.as_str())?;
    client.spend(draft.payload.len())?;
    let assured = assurance.publish(&api.node, instance, &draft).await?;
    let payload: &RawValue = serde_json::from_slice(&draft.payload)
        .map_err(|err| ApiError::new(Reason::Internal, format!("what was published is no JSON: {err}")))?;
    let message = Message {
        topic: &draft.topic,
        payload,
    };
    Ok(answer_with(&assured, Some(message)))
}

/// Judges a message of a type.
pub(crate) async fn validate(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    Query(NoQuery {}): Query<NoQuery>,
    body: Body,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct Valid {
        valid: bool,
        payload: Value,
    }

    let (instance, tag) = parse_path(path)?;
    let tag = find_type(instance, &tag).map_or(tag.as_str(), |found| found.tag);
    let body = read_within(body, api.max_payload_bytes(instance)).await?;
    let payload = validate_message(instance, tag, parse_json(&body)?).map_err(|err| ApiError::unknown(&err))?;
    Ok(json(&Valid { valid: true, payload }))
}

/// Not async: a parsed message may take ten times the room of its text, and must not wait for anything.
fn draft(
    api: &Api,
    message_type: &'static MessageType,
    body: &[u8],
    topic: Option<Topic>,
    query: &MessageQuery,
) -> Result<Draft, ApiError> {
    let payload = parse_json(body)?;
    let drafted = api.node.draft_payload(message_type, payload, topic);
    let mut draft = drafted.map_err(|err| refused_typed(&err))?;
    draft.correlation_id.clone_from(&query.correlation_id);
    draft.causation_id.clone_from(&query.causation_id);
    let topic = bellwether::catalogue::spelling::canonical_topic(message_type.instance, &draft.topic).into_owned();
    draft.topic = topic;
    let limit = api.max_payload_bytes(message_type.instance);
    draft.check(limit).map_err(|err| refused_draft(&err))?;
    Ok(draft)
}

fn parse_path(path: Result<Path<(String, String)>, PathRejection>) -> Result<(Instance, String), ApiError> {
    let Path((instance, tag)) = path.map_err(|err| ApiError::new(Reason::UnknownPath, err.body_text()))?;
    Ok((parse_instance(&instance)?, tag))
}

/// The type of that tag or name in an instance.
pub(crate) fn find_type(instance: Instance, name: &str) -> Result<&'static MessageType, ValidateError> {
    if !instance.has_typed_messages() {
        return Err(ValidateError::UnknownInstance { instance });
    }
    all_types()
        .find(|message| message.instance == instance && (message.tag == name || message.name == name))
        .ok_or_else(|| unknown_type(instance, name))
}

/// A typed message is none, or the node does not publish it.
pub(crate) fn refused_typed(err: &PublishTypedError) -> ApiError {
    use bellwether::catalogue::BroadcastError;
    match err {
        PublishTypedError::Message(BroadcastError::Invalid(invalid)) => ApiError::invalid(invalid),
        PublishTypedError::Message(err) => ApiError::new(Reason::BadTopic, err.to_string()),
        PublishTypedError::Reserved => ApiError::new(Reason::ReservedTopic, err.to_string()),
        PublishTypedError::Publish(err) => refused(err),
        err => ApiError::new(Reason::Internal, err.to_string()),
    }
}
