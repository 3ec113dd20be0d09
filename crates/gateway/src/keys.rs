//! `GET /v1/keys`: which keys this node and the others have, by ids that tell nothing of the secrets.

use axum::extract::State;
use axum::response::Response;

use crate::api::{Api, json};
use crate::client::Client;
use crate::error::ApiError;

/// Those of this node, and of each member as it tells.
pub(crate) async fn keys(State(api): State<Api>, client: Client) -> Result<Response, ApiError> {
    client.may_look()?;
    Ok(json(&api.node.keys()))
}
