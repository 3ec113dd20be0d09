//! `GET` and `PUT /v1/integration`: whether helpers and reporters publish.
//!
//! Of this node alone, and until it stops: a node that starts does what its configuration says.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::api::{Api, json};
use crate::body::{parse_json, read_within};
use crate::client::Client;
use crate::error::ApiError;

/// What a switch may have to say is far shorter.
const SWITCH_BYTES: usize = 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    enabled: bool,
}

/// How it stands.
pub(crate) async fn status(State(api): State<Api>, client: Client) -> Result<Response, ApiError> {
    client.may_look()?;
    Ok(json(&api.node.integration().status()))
}

/// Whether this node's messages are what consumers of the original expect; publishes nothing.
pub(crate) async fn compatibility(State(api): State<Api>, client: Client) -> Result<Response, ApiError> {
    client.may_look()?;
    Ok(json(&api.node.integration().validate_messaging_compatibility()))
}

/// Switches it on or off, and says how it stands now.
pub(crate) async fn switch(State(api): State<Api>, client: Client, body: Body) -> Result<Response, ApiError> {
    client.may_administer()?;
    let body = read_within(body, SWITCH_BYTES).await?;
    let Switch { enabled } = parse_json(&body)?;
    let integration = api.node.integration();
    match enabled {
        true => integration.enable(),
        false => integration.disable(),
    }
    Ok(json(&integration.status()))
}
