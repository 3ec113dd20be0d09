//! What a client can look at: members, instances, subscribers, health.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bellwether::Topic;
use serde::Deserialize;

use crate::api::{Api, Query, json, parse_instance};
use crate::client::{AnyClient, Client};
use crate::control::Control;
use crate::error::{ApiError, Reason};

/// The members this node knows, itself included.
pub(crate) async fn members(State(api): State<Api>, client: Client) -> Result<Response, ApiError> {
    client.may_look()?;
    Ok(json(&api.node.members()))
}

/// The ten instances.
pub(crate) async fn instances(State(api): State<Api>, client: Client) -> Result<Response, ApiError> {
    client.may_look()?;
    Ok(json(&api.node.instances()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscribersQuery {
    instance: Option<String>,
    topic: Option<String>,
}

/// Local subscriptions and peers' interest; all, of one instance, or those that a message on one topic would reach.
pub(crate) async fn subscribers(
    State(api): State<Api>,
    client: Client,
    Query(query): Query<SubscribersQuery>,
) -> Result<Response, ApiError> {
    client.may_look()?;
    let instance = query.instance.as_deref().map(parse_instance).transpose()?;
    let topic = match query.topic.as_deref().map(Topic::new).transpose() {
        Ok(topic) => topic,
        Err(err) => return Err(ApiError::new(Reason::BadTopic, format!("the topic is wrong: {err}"))),
    };
    Ok(json(&api.node.subscribers(instance, topic.as_ref())))
}

/// This process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// Whether the node has joined and does not stop; if not, what it waits for, for those who may look.
pub(crate) async fn readyz(State(api): State<Api>, client: AnyClient) -> Response {
    let mut readiness = api.node.readiness();
    if api.control.as_ref().is_some_and(Control::is_stopping) {
        readiness.ready = false;
        readiness.waiting_for = "nothing: the node is stopping".to_owned();
    }
    let mut response = match client.may_look() {
        true => json(&readiness),
        false => json(&serde_json::json!({"ready": readiness.ready})),
    };
    if !readiness.ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}
