//! `POST /v1/broadcast/{helper}` and `POST /v1/broadcast`: the calls of the integration helper.
//!
//! | status | body | |
//! | --- | --- | --- |
//! | 200 | `{"id"}` | the message that the call stands for is published |
//! | 200 | `{"disabled":true}` | the integration is switched off: nothing was done, nor judged |
//! | 200 | `{"success","errors","failures":[{"index","reason","error"}]}` | of a batch; switched off, also `"disabled":true` |
//!
//! What is no call at all is told to its client only; what the node refuses it logs and counts as well.

mod call;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use bellwether::{MessageId, Sent};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use self::call::Call;
use crate::api::{Api, json};
use crate::body::{parse_json, read_within};
use crate::client::Client;
use crate::error::{ApiError, Reason};
use crate::typed_publish::refused_typed;

/// Calls of one batch. One with more is refused whole.
const BATCH_CALLS: usize = 10_000;
/// The body of a batch: 400 bytes for each call.
const BATCH_BYTES: usize = 4_000_000;
/// The arguments of one call.
const CALL_BYTES: usize = 1024 * 1024;
/// After so many calls others have their turn: some milliseconds.
const TURN_CALLS: usize = 64;

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Published { id: MessageId },
    Disabled { disabled: bool },
}

/// One call.
pub(crate) async fn broadcast(
    State(api): State<Api>,
    client: Client,
    path: Result<Path<String>, PathRejection>,
    body: Body,
) -> Result<Response, ApiError> {
    let Path(helper) = path.map_err(|err| ApiError::new(Reason::UnknownPath, err.body_text()))?;
    let helper = call::helper(&helper)?;
    let body = read_within(body, CALL_BYTES).await?;
    let arguments = parse_json(&body)?;
    Ok(json(&match make(&api, &client, || Call::parse(helper, arguments))? {
        Sent::Published(id) => Answer::Published { id },
        Sent::Disabled => Answer::Disabled { disabled: true },
    }))
}

/// What became of a batch.
#[derive(Default, Serialize)]
struct BatchAnswer {
    success: usize,
    errors: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    /// Those that failed, in their order; at most as many as there are calls.
    failures: Vec<Failure>,
}

#[derive(Serialize)]
struct Failure {
    /// Its place in the list, from 0.
    index: usize,
    reason: &'static str,
    error: String,
}

/// Many calls, each by itself: one that fails does not stop the others. A client that goes meanwhile ends the batch.
pub(crate) async fn batch(State(api): State<Api>, client: Client, body: Body) -> Result<Response, ApiError> {
    let body = read_within(body, BATCH_BYTES).await?;
    let calls: Calls<'_> = parse_json(&body)?;
    if calls.count > BATCH_CALLS {
        let words = format!("there are {} calls; a batch has at most {BATCH_CALLS}", calls.count);
        return Err(ApiError::new(Reason::TooManyCalls, words));
    }
    let mut answer = BatchAnswer::default();
    if !api.node.integration().enabled() {
        answer.disabled = true;
        return Ok(json(&answer));
    }
    for (index, item) in calls.items.into_iter().enumerate() {
        if index % TURN_CALLS == TURN_CALLS - 1 {
            tokio::task::yield_now().await;
        }
        match make(&api, &client, || Call::parse_item(item)) {
            Ok(_) => answer.success += 1,
            Err(err) => {
                answer.errors += 1;
                answer.failures.push(Failure {
                    index,
                    reason: err.code(),
                    error: err.words().to_owned(),
                });
            }
        }
    }
    Ok(json(&answer))
}

fn make(api: &Api, client: &Client, call: impl FnOnce() -> Result<Call, ApiError>) -> Result<Sent, ApiError> {
    let mut integration = api.node.integration();
    if !integration.enabled() {
        return Ok(Sent::Disabled);
    }
    let call = call()?;
    if let Some(topic) = call.topic {
        integration = integration.on_topic(topic);
    }
    if let Some(node) = call.node {
        integration = integration.about_node(node);
    }
    let sent = integration.broadcast_if(call.broadcast, |instance, draft| {
        client.may_publish(instance, draft.topic.as_str())?;
        client.spend(draft.payload.len())
    });
    sent?.map_err(|err| refused_typed(&err))
}

/// A list of what should be calls, unread: read, all at once could take ten times the room of their text.
struct Calls<'a> {
    /// The first [`BATCH_CALLS`].
    items: Vec<&'a RawValue>,
    /// How many there are.
    count: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Calls<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Calls<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "a list of calls such as [{\"health_update\":{\"component\":\"store\",\"status\":\"healthy\"}}]",
                )
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Calls<'de>, A::Error> {
                let mut items = Vec::new();
                while items.len() < BATCH_CALLS
                    && let Some(item) = list.next_element()?
                {
                    items.push(item);
                }
                let mut count = items.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Calls { items, count })
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// The arguments of a call as they come.
type Arguments = serde_json::Map<String, Value>;
