//! Publishing with care: with back-pressure, and until peers confirm.

use std::time::Duration;

use bellwether_broker::PublishError;
use bellwether_catalogue::spelling::canonical_topic;
use bellwether_mesh::{Mesh, Outcome};
use bellwether_message::{Confirm, Draft, Instance, MessageId, NodeId};
use serde::Serialize;
use tokio::time::Instant;

use crate::node::Node;
use crate::span_counts::SpanCounts;

/// How often a waiting publisher looks whether there is room.
const ROOM_POLL: Duration = Duration::from_millis(1);

/// What became of a message that was published to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirmed {
    /// Its id.
    pub id: MessageId,
    /// How many peers had to confirm.
    pub required: usize,
    /// Each peer that wanted it, by node id.
    pub peers: Vec<PeerOutcome>,
}

impl Confirmed {
    /// How many peers hold it.
    pub fn confirmed(&self) -> usize {
        let holds = |peer: &&PeerOutcome| peer.outcome == Outcome::Confirmed;
        self.peers.iter().filter(holds).count()
    }

    /// Whether as many peers hold it as had to.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed() >= self.required
    }
}

/// What became of a message at one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeerOutcome {
    /// The peer.
    pub node: NodeId,
    /// What became of it there.
    pub outcome: Outcome,
}

impl Node {
    /// Waits until there is room for one more message on the topic: until every link that makes progress has at most
    /// half of the backlog before it, and no local or remote subscription that reads would lose a message by it. A link or
    /// a subscription that has not moved for a second does not hold publishers back: it will be told a gap.
    ///
    /// False if there was none within the time. Several publishers that wait at once may each take the same room: a
    /// quarter of each queue is kept for that. Cancel safe.
    pub async fn room(&self, instance: Instance, topic: &str, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        while !self.has_room(instance, topic) {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(ROOM_POLL).await;
        }
        true
    }

    /// Publishes once there is [room](Self::room), so that a fast publisher loses nothing to a slower mesh. Cancelled
    /// while it waits, it has published nothing.
    ///
    /// # Errors
    /// [`PublishWaitingError`]; nothing was published.
    pub async fn publish_waiting(
        &self,
        instance: Instance,
        draft: &Draft,
        within: Duration,
    ) -> Result<MessageId, PublishWaitingError> {
        let topic = canonical_topic(instance, &draft.topic);
        if !self.room(instance, topic.as_str(), within).await {
            return Err(PublishWaitingError::NoRoom { waited: within });
        }
        Ok(self.publish(instance, draft)?)
    }

    /// Publishes, and waits until the peers that `confirm` asks for hold the message, or no more will, or the time is
    /// over; says what became of it at each. The message is published in any case: cancelled, it still is.
    ///
    /// A peer holds it when its broker does: its subscriptions will get it, or a gap if they read too slowly.
    ///
    /// # Errors
    /// [`PublishConfirmedError`]; nothing was published.
    pub async fn publish_confirmed(
        &self,
        instance: Instance,
        draft: &Draft,
        confirm: Confirm,
        within: Duration,
    ) -> Result<Confirmed, PublishConfirmedError> {
        let deadline = Instant::now() + within;
        let topic = canonical_topic(instance, &draft.topic);
        let peers = self
            .mesh()
            .map(|mesh| mesh.interested(instance, topic.as_str()))
            .unwrap_or_default();
        let required = match confirm {
            Confirm::None | Confirm::Local => 0,
            Confirm::All => peers.len(),
            Confirm::Peers(count) if count > peers.len() => {
                return Err(PublishConfirmedError::TooFew {
                    asked: count,
                    interested: peers.len(),
                });
            }
            Confirm::Peers(count) => count,
        };
        let id = self.publish(instance, draft)?;
        let outcomes = match self.mesh() {
            Some(mesh) if required > 0 => mesh.held_by(instance, id.seq, peers, required, deadline).await,
            _ => Vec::new(),
        };
        let peers = outcomes
            .into_iter()
            .map(|(node, outcome)| PeerOutcome { node, outcome })
            .collect();
        Ok(Confirmed { id, required, peers })
    }

    /// How many spans were made of messages with a sampled trace context; `None` without the feature `otel`.
    pub fn span_counts(&self) -> Option<SpanCounts> {
        self.spans().counts()
    }

    /// The topic is the instance's own name for it.
    pub(crate) fn publish_canonical(&self, instance: Instance, draft: &Draft) -> Result<MessageId, PublishError> {
        let publish = |draft: &Draft| self.broker().publish(instance, draft);
        self.spans().publish(instance, draft, publish)
    }

    fn has_room(&self, instance: Instance, topic: &str) -> bool {
        self.mesh().is_none_or(|mesh: &Mesh| mesh.has_room(instance))
            && self.broker().has_room(instance, topic, self.uptime())
    }
}

/// Why a message was not published with back-pressure. Nothing was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishWaitingError {
    /// The mesh is slower than its publishers.
    #[error("no room within {} s: a peer or a subscriber is slower than what is published", waited.as_secs())]
    NoRoom {
        /// How long was waited.
        waited: Duration,
    },
    /// It was refused.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Why a message was not published to be confirmed. Nothing was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishConfirmedError {
    /// Fewer peers want it than are to confirm it.
    #[error("{asked} peers are to confirm, but {interested} want messages on this topic now")]
    TooFew {
        /// So many were asked for.
        asked: usize,
        /// So many want it.
        interested: usize,
    },
    /// It was refused.
    #[error(transparent)]
    Publish(#[from] PublishError),
}
