//! Publishing what a push asks for.

use std::time::Duration;

use bellwether::catalogue::BroadcastError;
use bellwether::catalogue::spelling::canonical_topic;
use bellwether::{
    Confirm, Confirmed, Draft, DraftError, Instance, MessageId, Node, PeerOutcome, PublishConfirmedError, PublishError,
    PublishTypedError,
};
use bellwether_access::Session;
use serde::Serialize;

use crate::publication::{Content, Publication};
use crate::refusal::{Reason, Refusal};

/// A message that its publisher may publish.
#[derive(Debug)]
pub(crate) struct Ready {
    instance: Instance,
    draft: Draft,
    wait: Option<Duration>,
    confirm: Confirm,
    within: Duration,
}

/// Judges what is to be published, and asks whether its publisher may.
pub(crate) fn prepare(node: &Node, session: &Session, publication: Publication) -> Result<Ready, Refusal> {
    let instance = publication.instance;
    session
        .caller()
        .may_publish(instance, publication.topic().as_str())
        .map_err(|err| Refusal::new(Reason::Unauthorized, err.to_string()))?;
    let draft = match publication.content {
        Content::Raw(draft) => *draft,
        Content::Typed(message_type, value, topic) => node
            .draft_payload(message_type, value, Some(topic))
            .map_err(|err| refused_typed(&err))?,
    };
    session
        .spend(draft.payload.len(), node.uptime())
        .map_err(|err| Refusal::limited(&err))?;
    Ok(Ready {
        instance,
        draft,
        wait: publication.wait,
        confirm: publication.confirm,
        within: publication.within,
    })
}

impl Ready {
    /// Whether it is published only after a wait, or confirmed after one.
    pub(crate) fn must_wait(&self) -> bool {
        self.wait.is_some() || !matches!(self.confirm, Confirm::None | Confirm::Local)
    }

    /// Publishes at once, and says `{"id"}`.
    pub(crate) fn publish_now(&self, node: &Node) -> Result<String, Refusal> {
        let id = node.publish(self.instance, &self.draft).map_err(|err| refused(&err))?;
        Ok(response(&id, None))
    }

    /// The same after the wait; with peers to confirm, says `{"id","confirmed","required","peers"}`.
    pub(crate) async fn publish(&self, node: &Node) -> Result<String, Refusal> {
        if let Some(within) = self.wait {
            let topic = canonical_topic(self.instance, &self.draft.topic);
            if !node.room(self.instance, topic.as_str(), within).await {
                let words = format!(
                    "there was no room within {} s: a peer or a subscriber is slower than what is published; nothing \
                     was published",
                    within.as_secs()
                );
                return Err(Refusal::new(Reason::NoRoom, words));
            }
        }
        if matches!(self.confirm, Confirm::None | Confirm::Local) {
            return self.publish_now(node);
        }
        let confirming = node.publish_confirmed(self.instance, &self.draft, self.confirm, self.within);
        match confirming.await {
            Ok(confirmed) => Ok(response(&confirmed.id, Some(&confirmed))),
            Err(PublishConfirmedError::Publish(err)) => Err(refused(&err)),
            Err(err) => {
                let words = format!("{err}; nothing was published");
                Err(Refusal::new(Reason::TooFewPeers, words))
            }
        }
    }
}

fn response(id: &MessageId, confirmed: Option<&Confirmed>) -> String {
    #[derive(Serialize)]
    struct Published<'a> {
        id: &'a MessageId,
        #[serde(flatten)]
        confirmed: Option<ConfirmedBy<'a>>,
    }

    #[derive(Serialize)]
    struct ConfirmedBy<'a> {
        confirmed: usize,
        required: usize,
        peers: &'a [PeerOutcome],
    }

    let confirmed = confirmed.map(|confirmed| ConfirmedBy {
        confirmed: confirmed.confirmed(),
        required: confirmed.required,
        peers: &confirmed.peers,
    });
    serde_json::to_string(&Published { id, confirmed }).unwrap_or_else(|_| "{}".to_owned())
}

/// The node does not publish it.
fn refused(err: &PublishError) -> Refusal {
    let reason = match err {
        PublishError::Draft(DraftError::PayloadTooLarge { .. }) => Reason::TooLarge,
        PublishError::Draft(_) => Reason::BadField,
        PublishError::Closed => Reason::Stopping,
        _ => Reason::Internal,
    };
    let words = match err {
        PublishError::Draft(err) => err.to_string(),
        err => err.to_string(),
    };
    Refusal::new(reason, words)
}

/// A message is not what its type says.
fn refused_typed(err: &PublishTypedError) -> Refusal {
    let reason = match err {
        PublishTypedError::Message(BroadcastError::Invalid(_)) => Reason::Invalid,
        PublishTypedError::Message(_) => Reason::BadTopic,
        PublishTypedError::Reserved => Reason::ReservedTopic,
        _ => Reason::Internal,
    };
    let words = match err {
        PublishTypedError::Message(BroadcastError::Invalid(invalid)) => invalid.to_string(),
        err => err.to_string(),
    };
    Refusal::new(reason, words)
}
