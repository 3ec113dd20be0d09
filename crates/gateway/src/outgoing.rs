//! A message that a client has given in any form, ready to be published.

use std::borrow::Cow;

use bellwether::{ContentType, DEFAULT_EVENT, Draft, DraftError, Instance, NodeId, Topic};
use bellwether_delivery::{Assurance, Assured};
use serde_json::value::RawValue;

use crate::api::{Api, parse_instance, parse_topic};
use crate::body::too_large;
use crate::client::Client;
use crate::error::{ApiError, Reason};

/// What the topics of NATS subjects that name no instance begin with; they are in `events`.
const FOREIGN: &str = "$nats:";

/// A message, where it goes and what is waited for.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) instance: Instance,
    pub(crate) draft: Draft,
    pub(crate) assurance: Assurance,
}

impl Outgoing {
    /// Publishes it if its client may. It is published when this is polled first, unless it waits for room.
    pub(crate) async fn publish(self, api: Api, client: Client) -> Result<Assured, ApiError> {
        self.check(&api, &client)?;
        client.spend(self.draft.payload.len())?;
        Ok(self.assurance.publish(&api.node, self.instance, &self.draft).await?)
    }

    fn check(&self, api: &Api, client: &Client) -> Result<(), ApiError> {
        client.may_publish(self.instance, self.draft.topic.as_str())?;
        let checked = self.draft.check(api.max_payload_bytes(self.instance));
        checked.map_err(|err| refused_draft(&err))?;
        if self.draft.content_type.is_json() {
            serde_json::from_slice::<&RawValue>(&self.draft.payload).map_err(|err| {
                let words = format!("the payload is not JSON, though its content type says so: {err}");
                ApiError::new(Reason::BadJson, words)
            })?;
        }
        Ok(())
    }
}

/// Where a message may go: subjects of NATS too, so that whoever is asked by one can answer it.
pub(crate) fn parse_destination(instance: Instance, topic: &str) -> Result<Topic, ApiError> {
    let topic_of_subject = || Topic::new(topic).ok().filter(|_| instance == Instance::Events);
    match topic.starts_with(FOREIGN) {
        true => topic_of_subject().map_or_else(|| parse_topic(topic), Ok),
        false => parse_topic(topic),
    }
}

/// An empty message for a topic, with the event that is named or the one of those that name none.
pub(crate) fn draft(instance: Instance, topic: &str, event: Option<String>) -> Result<Draft, ApiError> {
    let event = event.map_or(Cow::Borrowed(DEFAULT_EVENT), Cow::Owned);
    Ok(Draft::new(parse_destination(instance, topic)?, event).payload(ContentType::Bytes, Vec::new()))
}

/// Where an event arose.
pub(crate) fn parse_node(text: &str) -> Result<NodeId, ApiError> {
    NodeId::new(text).map_err(|err| ApiError::new(Reason::BadField, format!("`originating_node` is wrong: {err}")))
}

/// Where an answer is awaited: `instance/topic`.
pub(crate) fn parse_reply_to(text: String) -> Result<String, ApiError> {
    let Some((instance, topic)) = text.split_once('/') else {
        let words = "`reply_to` is written INSTANCE/TOPIC, for example events/answers:7";
        return Err(ApiError::new(Reason::BadField, words));
    };
    parse_instance(instance)?;
    Topic::check(topic).map_err(|err| ApiError::new(Reason::BadField, format!("`reply_to` is wrong: {err}")))?;
    Ok(text)
}

/// It cannot be published as it is.
pub(crate) fn refused_draft(err: &DraftError) -> ApiError {
    match err {
        DraftError::PayloadTooLarge { bytes, limit } => too_large(format_args!("{bytes}"), *limit),
        err => ApiError::new(Reason::BadField, err.to_string()),
    }
}
