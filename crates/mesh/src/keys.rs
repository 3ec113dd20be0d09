//! The key ring of a running node, and what members say of theirs.
//!
//! A ring is replaced as a whole: first the identity (what is dialed and accepted with from now on), then the ring, by which
//! every connection and every stream judges what carries it, then what signs. Nothing is cut whose keys are still there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_message::{KeyId, KeyRing, NodeId};
use bellwether_protocol::member::MemberState;
use tokio::sync::watch;

use crate::identity::{Identity, IdentityError};
use crate::mesh::Mesh;

/// The ring, to be replaced by one at a time.
#[derive(Debug)]
pub(crate) struct Keys {
    ring: watch::Sender<Arc<KeyRing>>,
    replacing: Mutex<()>,
}

impl Keys {
    pub(crate) fn new(ring: Arc<KeyRing>) -> Self {
        Self {
            ring: watch::Sender::new(ring),
            replacing: Mutex::default(),
        }
    }

    /// The ring now.
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        self.ring.borrow().clone()
    }

    /// To be woken when it is replaced.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<KeyRing>> {
        self.ring.subscribe()
    }

    /// The ids of the keys as a peer is told, the signing one first.
    pub(crate) fn told(&self) -> Vec<[u8; 8]> {
        self.ring.borrow().ids().map(|id| id.0).collect()
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.replacing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of another member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberKeys {
    /// Which member.
    pub node: NodeId,
    /// What is thought of it.
    pub state: MemberState,
    /// The ids of its keys, the signing one first, as it tells on its link; `None` while that is not up.
    pub keys: Option<Vec<KeyId>>,
}

impl Mesh {
    /// Replaces the key ring, and gives back the one before: from now on its first key signs and stands for this node, and all of them verify.
    ///
    /// Links whose peer shows a key that is no longer there are closed and dialed again. The others stay: their streams go on
    /// under the key that signs now, and nothing is lost or sent twice. The key that resets connections after a restart stays
    /// that of the start.
    ///
    /// # Errors
    /// [`IdentityError`]; all is as it was.
    pub fn replace_ring(&self, ring: Arc<KeyRing>) -> Result<Arc<KeyRing>, IdentityError> {
        let shared = &self.shared;
        let _one_at_a_time = shared.keys.lock();
        let identity = Identity::new(&ring, &shared.own.node)?;
        shared.endpoints.replace_identity(identity);
        let before = shared.keys.ring.send_replace(ring.clone());
        shared.broker.replace_ring(&ring);
        Ok(before)
    }

    /// The key ring, to be woken when it is replaced.
    pub fn watch_ring(&self) -> watch::Receiver<Arc<KeyRing>> {
        self.shared.keys.watch()
    }

    /// Which keys the other members have, by node id.
    pub fn member_keys(&self) -> Vec<MemberKeys> {
        let upstreams = self.shared.sources.all();
        let keys = |node: &NodeId| {
            let upstream = upstreams.iter().find(|upstream| upstream.source.node == *node)?;
            upstream.carrier.keys()
        };
        let members = self.members().into_iter();
        let others = members.filter(|member| member.state != MemberState::Own);
        let of_member = others.map(|member| MemberKeys {
            keys: keys(&member.node),
            node: member.node,
            state: member.state,
        });
        of_member.collect()
    }
}
