//! Publishing what a push asks for.

use bellwether::catalogue::BroadcastError;
use bellwether::{Draft, DraftError, Instance, Node, PublishError, PublishTypedError};
use bellwether_access::Session;
use bellwether_delivery::{Assurance, Assured, PublishAssuredError};

use crate::publication::{Content, Publication};
use crate::refusal::{Reason, Refusal};

/// A message that its publisher may publish.
#[derive(Debug)]
pub(crate) struct Ready {
    instance: Instance,
    draft: Draft,
    assurance: Assurance,
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
        assurance: publication.assurance,
    })
}

impl Ready {
    /// Whether it is published only after a wait, or confirmed after one.
    pub(crate) fn must_wait(&self) -> bool {
        !self.assurance.is_immediate()
    }

    /// Publishes at once, and says `{"id"}`.
    pub(crate) fn publish_now(&self, node: &Node) -> Result<String, Refusal> {
        let assured = self.assurance.publish_now(node, self.instance, &self.draft);
        Ok(response(&assured.map_err(|err| not_published(&err))?))
    }

    /// The same after the wait; with peers to confirm, says `{"id","confirmed","required","peers"}`.
    pub(crate) async fn publish(&self, node: &Node) -> Result<String, Refusal> {
        let assured = self.assurance.publish(node, self.instance, &self.draft).await;
        Ok(response(&assured.map_err(|err| not_published(&err))?))
    }
}

fn response(assured: &Assured) -> String {
    serde_json::to_string(&assured.published()).unwrap_or_else(|_| "{}".to_owned())
}

fn not_published(err: &PublishAssuredError) -> Refusal {
    let reason = match err {
        PublishAssuredError::NoRoom { .. } => Reason::NoRoom,
        PublishAssuredError::NoResponders => Reason::NoResponders,
        PublishAssuredError::TooFewPeers(_) => Reason::TooFewPeers,
        PublishAssuredError::Refused(err) => return refused(err),
        _ => Reason::Internal,
    };
    Refusal::new(reason, err.to_string())
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
