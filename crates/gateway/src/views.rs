//! What a client can look at: members, instances, subscribers, health.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bellwether::{Member, MemberState, Node, Readiness, Topic};
use serde::{Deserialize, Serialize};

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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadyQuery {
    /// Whatever it says.
    verbose: Option<String>,
}

/// What was looked at, and what was found. Only the first decides whether the node is ready: a node whose peer is in
/// trouble still serves its clients.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    found: String,
}

/// Whether the node has joined and does not stop; if not, what it waits for, for those who may look.
pub(crate) async fn readyz(
    State(api): State<Api>,
    client: AnyClient,
    Query(query): Query<ReadyQuery>,
) -> Result<Response, ApiError> {
    let mut readiness = api.node.readiness();
    if api.control.as_ref().is_some_and(Control::is_stopping) {
        readiness.ready = false;
        readiness.waiting_for = "nothing: the node is stopping".to_owned();
    }
    let mut response = match (client.may_look(), query.verbose) {
        (true, None) => json(&readiness),
        (true, Some(_)) => json(&serde_json::json!({
            "ready": readiness.ready, "waiting_for": readiness.waiting_for, "checks": checks(&api.node, &readiness),
        })),
        (false, _) => json(&serde_json::json!({"ready": readiness.ready})),
    };
    if !readiness.ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}

fn checks(node: &Node, readiness: &Readiness) -> [Check; 4] {
    let members = node.members();
    let names = |which: &dyn Fn(&Member) -> bool| -> Vec<String> {
        let members = members.iter().filter(|member| which(member));
        members.map(|member| member.node.to_string()).collect()
    };
    let is_there = |member: &Member| matches!(member.state, MemberState::Alive | MemberState::Suspect);
    let check = |name, wrong: &str, nodes: Vec<String>| Check {
        name,
        ok: nodes.is_empty(),
        found: match nodes.is_empty() {
            true => String::new(),
            false => format!("{wrong}: {}", nodes.join(", ")),
        },
    };
    let unconfirmed = node.unconfirmed_instances().into_iter();
    let unconfirmed = unconfirmed.filter(|(_, instances)| *instances > 0);
    [
        Check {
            name: "joined",
            ok: readiness.ready,
            found: readiness.waiting_for.clone(),
        },
        check(
            "linked",
            "no link up both ways",
            names(&|member| is_there(member) && !(member.inbound && member.outbound)),
        ),
        check(
            "confirmed",
            "has not confirmed what is wanted here",
            unconfirmed.map(|(peer, _)| peer.to_string()).collect(),
        ),
        check("members", "down", names(&|member| member.state == MemberState::Down)),
    ]
}
