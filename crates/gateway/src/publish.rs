//! `POST /v1/publish/{instance}/{topic}`: one request, one message. `POST /v1/publish`: the body says where it goes, or is
//! many messages.
//!
//! | Content-Type | at | the body |
//! | --- | --- | --- |
//! | any other | `/{instance}/{topic}` | is the payload |
//! | any, with headers `ce-…` | both | is the data of a [CloudEvent](crate::cloud_event) |
//! | `application/cloudevents+json` | both | is a CloudEvent |
//! | `application/cloudevents-batch+json` | `/v1/publish` | is a list of them: [`cloud_events`] |
//! | `application/x-ndjson` | `/v1/publish` | is a message per line: [`batch`] |
//!
//! | status | body | the message |
//! | --- | --- | --- |
//! | 200 | `{"id"}` | is published: this node holds it |
//! | 200 | `{"id","confirmed","required","peers":[{"node","outcome"}]}` | and so do as many peers as `confirm` asks for |
//! | 202 | the same | is published, but fewer peers said within `confirm_within` that they hold it |
//! | 202 | `{"id"}` | is published with `confirm=none` |
//! | 409 | `too_few_peers` | is not published: fewer peers want it than are to confirm it |
//! | 409 | `no_responders` | is not published: an answer is awaited (`reply_to`), and nobody hears the question |
//! | 503 | `no_room` | is not published: there was no room for it within `wait` |
//!
//! A header `Bellwether-Header-Trace-Id: 17` of the request is the header `trace-id` of the message: names over HTTP have
//! no case. Its `traceparent` and `tracestate` are those of each message that has [none of its own](crate::trace_context).

use std::num::NonZeroU16;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use bellwether::{ContentType, Draft, Headers, Instance};
use serde::Deserialize;

use crate::api::{Api, Query, parse_instance};
use crate::assurance::{Wanted, answer};
use crate::batch;
use crate::body::read_within;
use crate::client::Client;
use crate::cloud_event::{self, CloudEvent, EventPlace};
use crate::cloud_events;
use crate::error::{ApiError, Reason};
use crate::outgoing::{Outgoing, draft, parse_destination, parse_node, parse_reply_to, refused_draft};
use crate::trace_context::TraceContext;

/// What a header of a request begins with that is one of the message.
const HEADER_PREFIX: &str = "bellwether-header-";

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

/// What may be said about all messages of a body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedQuery {
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
    let wanted = Wanted {
        wait: query.wait.clone(),
        confirm: query.confirm.clone(),
        confirm_within: query.confirm_within.clone(),
    };
    let assurance = wanted.assurance()?;
    let limit = api.max_payload_bytes(instance);
    let form = Form::of(&headers)?;
    if form != Form::Payload {
        let topic = parse_destination(instance, &topic)?;
        client.may_publish(instance, topic.as_str())?;
        query.refuse_in_event()?;
        let place = EventPlace::At(instance, topic);
        let event = event(form, &headers, body, limit, api.max_line_bytes()).await?;
        let mut outgoing = event.outgoing(place, assurance)?;
        TraceContext::of(&headers).give_to(&mut outgoing.draft.headers);
        return Ok(answer(&outgoing.publish(api, client).await?));
    }
    let mut draft = query.draft(instance, &topic)?;
    client.may_publish(instance, draft.topic.as_str())?;
    draft.content_type = content_type(&headers)?;
    draft.headers = message_headers(&headers)?;
    TraceContext::of(&headers).give_to(&mut draft.headers);
    draft.check(0).map_err(|err| refused_draft(&err))?;
    draft.payload = read_within(body, limit).await?.into();
    let outgoing = Outgoing {
        instance,
        draft,
        assurance,
    };
    Ok(answer(&outgoing.publish(api, client).await?))
}

/// Publishes what the body says, where it says.
pub(crate) async fn publish_body(
    State(api): State<Api>,
    client: Client,
    Query(query): Query<WantedQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let wanted = Wanted {
        wait: query.wait,
        confirm: query.confirm,
        confirm_within: query.confirm_within,
    };
    let form = Form::of(&headers)?;
    match form {
        Form::Lines => batch::publish(api, client, wanted, TraceContext::of(&headers), body),
        Form::Events => cloud_events::publish(api, client, &wanted, &TraceContext::of(&headers), body).await,
        Form::Event | Form::EventData => {
            let assurance = wanted.assurance()?;
            let limit = Instance::ALL
                .into_iter()
                .map(|instance| api.max_payload_bytes(instance));
            let limit = limit.max().unwrap_or_default();
            let event = event(form, &headers, body, limit, api.max_line_bytes()).await?;
            let mut outgoing = event.outgoing(EventPlace::InEvent, assurance)?;
            TraceContext::of(&headers).give_to(&mut outgoing.draft.headers);
            Ok(answer(&outgoing.publish(api, client).await?))
        }
        Form::Payload => {
            let words = "this path takes application/x-ndjson, application/cloudevents+json, \
                         application/cloudevents-batch+json, or a body with headers ce-…; a payload goes to \
                         /v1/publish/{instance}/{topic}";
            Err(ApiError::new(Reason::BadContentType, words))
        }
    }
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Payload,
    /// Data of a CloudEvent whose attributes are in the headers.
    EventData,
    Event,
    Events,
    Lines,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let content_type = content_type(headers)?;
        let name = content_type.name();
        let media_type = name.split_once(';').map_or(name, |(media_type, _)| media_type);
        Ok(match media_type.trim().to_ascii_lowercase().as_str() {
            "application/cloudevents+json" => Self::Event,
            "application/cloudevents-batch+json" => Self::Events,
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Self::Lines,
            _ if cloud_event::is_in_headers(headers) => Self::EventData,
            _ => Self::Payload,
        })
    }
}

/// The event that a body is, or is the data of.
async fn event(
    form: Form,
    headers: &HeaderMap,
    body: Body,
    data_limit: usize,
    event_limit: usize,
) -> Result<CloudEvent, ApiError> {
    match form {
        Form::Event => CloudEvent::parse(&read_within(body, event_limit).await?),
        Form::EventData => {
            let mut event = CloudEvent::from_headers(headers)?;
            event.set_data(content_type(headers)?, read_within(body, data_limit).await?.into());
            Ok(event)
        }
        Form::Payload | Form::Events | Form::Lines => {
            let words = "this path takes one message; send many to /v1/publish";
            Err(ApiError::new(Reason::BadContentType, words))
        }
    }
}

impl PublishQuery {
    fn draft(self, instance: Instance, topic: &str) -> Result<Draft, ApiError> {
        let mut draft = draft(instance, topic, self.event)?;
        draft.originating_node = self.originating_node.as_deref().map(parse_node).transpose()?;
        draft.correlation_id = self.correlation_id;
        draft.causation_id = self.causation_id;
        draft.schema_version = self.schema_version.map_or(draft.schema_version, NonZeroU16::get);
        draft.reply_to = self.reply_to.map(parse_reply_to).transpose()?;
        Ok(draft)
    }

    /// An event says these itself.
    fn refuse_in_event(&self) -> Result<(), ApiError> {
        let is_said = self.event.is_some()
            || self.originating_node.is_some()
            || self.correlation_id.is_some()
            || self.causation_id.is_some()
            || self.schema_version.is_some()
            || self.reply_to.is_some();
        match is_said {
            false => Ok(()),
            true => Err(ApiError::new(
                Reason::BadQuery,
                "a CloudEvent says in its attributes what it is; the query may say wait, confirm and confirm_within",
            )),
        }
    }
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

/// The headers of the message among those of the request.
fn message_headers(headers: &HeaderMap) -> Result<Headers, ApiError> {
    let mut of_message = Headers::default();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix(HEADER_PREFIX) else {
            continue;
        };
        let refused = |words: String| ApiError::new(Reason::BadField, words);
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| refused(format!("the value of the header {HEADER_PREFIX}{name} is not UTF-8")))?;
        of_message
            .push(name, value)
            .map_err(|err| refused(format!("the header {HEADER_PREFIX}{name}: {err}")))?;
    }
    Ok(of_message)
}
