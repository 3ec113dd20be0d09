//! What a publisher wants to be sure of: that nobody loses anything to its speed, that somebody hears a question, and that
//! peers hold its message.

use std::time::Duration;

use bellwether::catalogue::spelling::canonical_topic;
use bellwether::{
    Confirm, Confirmed, Draft, Instance, MessageId, Node, PeerOutcome, PublishConfirmedError, PublishError,
};
use serde::Serialize;

/// The longest wait for room, and that of a publisher who names none, in seconds.
pub const MAX_WAIT_S: u64 = 30;
/// How long peers have to confirm, unless told otherwise, in seconds.
pub const DEFAULT_CONFIRM_WITHIN_S: u64 = 10;
/// The longest that they may have, in seconds.
pub const MAX_CONFIRM_WITHIN_S: u64 = 60;

/// What one publish waits for. By default nothing but that the node has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assurance {
    /// For room, at most so long; `None`: not at all.
    pub wait: Option<Duration>,
    /// Then until these hold the message,
    pub confirm: Confirm,
    /// at most so long.
    pub within: Duration,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishAssuredError {
    /// There was none in time.
    #[error(
        "there was no room within {} s: a peer or a subscriber is slower than what is published; nothing was published",
        waited.as_secs()
    )]
    NoRoom {
        /// So long.
        waited: Duration,
    },
    /// A question that nobody would hear.
    #[error(
        "an answer is awaited (`reply_to`), and no subscription of the mesh hears the question; nothing was published"
    )]
    NoResponders,
    /// Fewer peers want the message than are to confirm it.
    #[error("{0}; nothing was published")]
    TooFewPeers(PublishConfirmedError),
    /// The node does not publish it.
    #[error(transparent)]
    Refused(#[from] PublishError),
}

/// What was published, and what was waited for.
#[derive(Debug)]
pub struct Assured {
    /// The message.
    pub id: MessageId,
    /// Whether everything that was asked for has come true: not if peers have not confirmed in time, nor where nothing was to
    /// be known.
    pub is_certain: bool,
    confirmed: Option<Confirmed>,
}

/// What its publisher is told, as JSON: `id`, and with peers to confirm `confirmed`, `required` and `peers`.
#[derive(Debug, Serialize)]
pub struct Published<'a> {
    id: &'a MessageId,
    #[serde(flatten)]
    confirmed: Option<ConfirmedBy<'a>>,
}

#[derive(Debug, Serialize)]
struct ConfirmedBy<'a> {
    /// How many peers hold it.
    confirmed: usize,
    required: usize,
    peers: &'a [PeerOutcome],
}

impl Default for Assurance {
    fn default() -> Self {
        Self {
            wait: None,
            confirm: Confirm::default(),
            within: Duration::from_secs(DEFAULT_CONFIRM_WITHIN_S),
        }
    }
}

impl Assurance {
    /// Whether it waits for room.
    pub fn waits(&self) -> bool {
        self.wait.is_some_and(|wait| !wait.is_zero())
    }

    /// Whether it can be published without waiting for anything.
    pub fn is_immediate(&self) -> bool {
        self.wait.is_none() && matches!(self.confirm, Confirm::None | Confirm::Local)
    }

    /// Publishes, and returns once what was asked for has been waited for. Published when this is polled first, unless it
    /// waits for room; cancelled before, nothing was published.
    ///
    /// # Errors
    /// [`PublishAssuredError`]
    pub async fn publish(
        &self,
        node: &Node,
        instance: Instance,
        draft: &Draft,
    ) -> Result<Assured, PublishAssuredError> {
        if let Some(within) = self.wait
            && !node
                .room(instance, canonical_topic(instance, &draft.topic).as_str(), within)
                .await
        {
            return Err(PublishAssuredError::NoRoom { waited: within });
        }
        if matches!(self.confirm, Confirm::None | Confirm::Local) {
            return self.publish_now(node, instance, draft);
        }
        check_heard(node, instance, draft)?;
        match node.publish_confirmed(instance, draft, self.confirm, self.within).await {
            Ok(confirmed) => Ok(Assured {
                id: confirmed.id.clone(),
                is_certain: confirmed.is_confirmed(),
                confirmed: Some(confirmed),
            }),
            Err(PublishConfirmedError::Publish(err)) => Err(err.into()),
            Err(err) => Err(PublishAssuredError::TooFewPeers(err)),
        }
    }

    /// Publishes without waiting for anything.
    ///
    /// # Errors
    /// [`PublishAssuredError::NoResponders`], [`PublishAssuredError::Refused`]
    pub fn publish_now(&self, node: &Node, instance: Instance, draft: &Draft) -> Result<Assured, PublishAssuredError> {
        check_heard(node, instance, draft)?;
        Ok(Assured {
            id: node.publish(instance, draft)?,
            is_certain: self.confirm != Confirm::None,
            confirmed: None,
        })
    }
}

/// Who was told that nobody heard must not be heard later.
fn check_heard(node: &Node, instance: Instance, draft: &Draft) -> Result<(), PublishAssuredError> {
    match draft.reply_to.is_some() && !node.is_wanted(instance, draft.topic.as_str()) {
        true => Err(PublishAssuredError::NoResponders),
        false => Ok(()),
    }
}

impl Assured {
    /// What its publisher is told.
    pub fn published(&self) -> Published<'_> {
        let confirmed = self.confirmed.as_ref().map(|confirmed| ConfirmedBy {
            confirmed: confirmed.confirmed(),
            required: confirmed.required,
            peers: &confirmed.peers,
        });
        Published {
            id: &self.id,
            confirmed,
        }
    }
}
