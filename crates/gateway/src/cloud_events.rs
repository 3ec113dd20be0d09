//! `POST /v1/publish` with a list of CloudEvents, `application/cloudevents-batch+json`: each published by itself.
//!
//! Status 200, `{"published","failed","results":[…]}`; a result is what one event would be answered with, in the order of
//! the list: `{"id",…}`, or `{"error","reason"}`.

use axum::body::Body;
use axum::response::Response;
use bellwether_delivery::Published;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api::{Api, json};
use crate::assurance::Wanted;
use crate::body::{parse_json, read_within};
use crate::client::Client;
use crate::cloud_event::{CloudEvent, EventPlace};
use crate::error::{ApiError, ErrorJson, Reason};
use crate::publishing::{Outcome, Publishing};
use crate::trace_context::TraceContext;

/// Events of one list. One with more is refused whole.
const MAX_EVENTS: usize = 10_000;
/// A list may have so many bytes, or those of one largest event: more goes as lines of JSON, which have no end.
const LIST_BYTES: usize = 4_000_000;

#[derive(Serialize)]
struct Answer<'a> {
    published: usize,
    failed: usize,
    results: Vec<Answered<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answered<'a> {
    Published(Published<'a>),
    Failed(ErrorJson<'a>),
}

/// Publishes them in their order.
pub(crate) async fn publish(
    api: Api,
    client: Client,
    wanted: &Wanted,
    trace_context: &TraceContext,
    body: Body,
) -> Result<Response, ApiError> {
    wanted.assurance()?;
    let body = read_within(body, LIST_BYTES.max(api.max_line_bytes())).await?;
    let events: Vec<&RawValue> = parse_json(&body)?;
    if events.len() > MAX_EVENTS {
        let words = format!("there are {} events; a list has at most {MAX_EVENTS}", events.len());
        return Err(ApiError::new(Reason::TooManyCalls, words));
    }
    let mut publishing = Publishing::default();
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(events.len());
    let mut events = events.into_iter();
    let total = events.len();
    while outcomes.len() < total {
        let outcome = std::future::poll_fn(|context| {
            while publishing.has_room()
                && let Some(event) = events.next()
            {
                let mut outgoing = CloudEvent::parse(event.get().as_bytes())
                    .and_then(|event| event.outgoing(EventPlace::InEvent, wanted.assurance()?));
                if let Ok(outgoing) = &mut outgoing {
                    trace_context.give_to(&mut outgoing.draft.headers);
                }
                publishing.begin(context, (), outgoing, (&api, &client));
            }
            publishing.poll_first(context)
        });
        let ((), outcome) = outcome.await;
        outcomes.push(outcome);
    }
    let published = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let results = outcomes.iter().map(|outcome| match outcome {
        Ok(assured) => Answered::Published(assured.published()),
        Err(err) => Answered::Failed(err.json()),
    });
    Ok(json(&Answer {
        published,
        failed: total - published,
        results: results.collect(),
    }))
}
