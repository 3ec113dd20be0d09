//! `GET /v1/thresholds`, `PUT` and `DELETE /v1/thresholds/{id}`: which figures are watched.
//!
//! Of this node alone, which judges what is published on it, and until it stops: a node that starts watches what its
//! configuration says.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use bellwether::catalogue::Reason as Broken;
use bellwether::{AddRuleError, ThresholdRule};
use serde::Serialize;
use serde_json::Value;

use crate::api::{Api, Query, json};
use crate::body::{cut, parse_json, read_within};
use crate::client::Client;
use crate::error::{ApiError, Reason};
use crate::typed_publish::NoQuery;

/// A rule has three texts of at most 128 bytes, which escaped are six times as long, and some numbers.
const RULE_BYTES: usize = 4096;

/// The rules, by id.
pub(crate) async fn list(
    State(api): State<Api>,
    client: Client,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, ApiError> {
    client.may_look()?;
    Ok(json(&api.node.thresholds()))
}

/// Watches a figure by a rule, instead of the one with the same id, and says the rule whole.
pub(crate) async fn put(
    State(api): State<Api>,
    client: Client,
    path: Result<Path<String>, PathRejection>,
    Query(NoQuery {}): Query<NoQuery>,
    body: Body,
) -> Result<Response, ApiError> {
    client.may_administer()?;
    let Path(id) = path.map_err(|err| ApiError::new(Reason::UnknownPath, err.body_text()))?;
    let body = read_within(body, RULE_BYTES).await?;
    let rule = parse(id, parse_json(&body)?)?;
    api.node.add_threshold(rule.clone()).map_err(|err| match err {
        AddRuleError::Full => ApiError::new(Reason::TooManyThresholds, err.to_string()),
        AddRuleError::Rule(err) => ApiError::broken(Broken::InvalidFields, Vec::new(), cut(&err.to_string())),
    })?;
    Ok(json(&rule))
}

/// Watches it no more.
pub(crate) async fn delete(
    State(api): State<Api>,
    client: Client,
    path: Result<Path<String>, PathRejection>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, ApiError> {
    client.may_administer()?;
    #[derive(Serialize)]
    struct Removed<'a> {
        id: &'a str,
        removed: bool,
    }

    let Path(id) = path.map_err(|err| ApiError::new(Reason::UnknownPath, err.body_text()))?;
    if !api.node.remove_threshold(&id) {
        let words = format!(
            "this node has no threshold `{}`; GET /v1/thresholds lists those it has",
            cut(&id.escape_debug().to_string())
        );
        return Err(ApiError::new(Reason::UnknownThreshold, words));
    }
    Ok(json(&Removed { id: &id, removed: true }))
}

/// A rule as its client writes it. It need not repeat the id of the path, but may not have another.
fn parse(id: String, given: Value) -> Result<ThresholdRule, ApiError> {
    let Value::Object(mut given) = given else {
        let words =
            "a threshold is a JSON object such as {\"metric_name\":\"queue_depth\",\"kind\":\"max\",\"warning\":100}";
        return Err(ApiError::broken(Broken::InvalidPayload, Vec::new(), words));
    };
    let said = given.insert("id".to_owned(), id.clone().into());
    if said.is_some_and(|said| said != id) {
        let words = "the `id` in the body is not that of the path; leave it out";
        return Err(ApiError::broken(Broken::InvalidFields, vec!["id"], words));
    }
    serde_json::from_value(given.into()).map_err(|err| {
        let words = format!("this is no threshold: {}", cut(&err.to_string()));
        ApiError::broken(Broken::InvalidPayload, Vec::new(), words)
    })
}
