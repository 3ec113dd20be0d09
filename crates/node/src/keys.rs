//! The keys of a running node: replaced without losing a message, and shown by their ids beside those of the members.

use std::sync::Arc;

use bellwether_mesh::{IdentityError, MemberState};
use bellwether_message::{KeyId, KeyRing, NodeId, SecretError};
use serde::Serialize;
use tokio::sync::watch;

use crate::config::Secrets;
use crate::node::Node;

/// The keys of a node, and those of the other members as they tell. As JSON it is what `GET /v1/keys` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// Those of this node, the signing one first; none without a secret.
    pub keys: Vec<KeyInfo>,
    /// The other members, by node id; among them some that are down.
    pub members: Vec<MemberKeys>,
}

/// One key, by its id. Two nodes with the same secret and cluster know it by the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// 16 hexadecimal digits, from which nobody gets back to the secret.
    pub id: KeyId,
    /// Whether it signs what its node publishes. All verify.
    pub signs: bool,
}

/// The keys of another member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberKeys {
    /// Which member.
    pub node: NodeId,
    /// What this node thinks of it.
    pub state: MemberState,
    /// Its keys, the signing one first; `None` while no link from it is up.
    pub keys: Option<Vec<KeyInfo>>,
}

/// What became of the keys of a node when its secrets were replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// The key that signs now.
    pub signing: KeyId,
    /// Keys that are new.
    pub added: Vec<KeyId>,
    /// Keys that no longer count.
    pub removed: Vec<KeyId>,
    /// Living members that have told their keys, and that the signing one is not among them: they refuse this node, as it
    /// may refuse them.
    pub lacking: Vec<NodeId>,
}

impl Node {
    /// Replaces the secrets of a running node, the signing one first, and loses no message.
    ///
    /// From when it returns, what is published is signed by the first, all others are verified, and one that is left out is
    /// refused. Links whose peer has shown a key that is left out are closed and dialed again; what was on its way is sent
    /// again. Doors learn of it by [`watch_key_ring`](Self::watch_key_ring). To replace a secret in a whole mesh, add the
    /// new one behind the old on every node, then put it first on every node, then leave the old one out on every node.
    ///
    /// Nothing is asked of the other members: one that lacks the first key refuses this node, and is named. It takes some
    /// milliseconds of the caller's thread.
    ///
    /// # Errors
    /// [`ReplaceSecretsError`]; the keys are as they were.
    pub fn replace_secrets(&self, secrets: &Secrets) -> Result<Rotation, ReplaceSecretsError> {
        let mesh = self.mesh().ok_or(ReplaceSecretsError::NoMesh)?;
        let ring = Arc::new(KeyRing::new(self.cluster(), secrets.iter())?);
        let signing = ring.ids().next().ok_or(SecretError::Missing)?;
        let before = mesh.replace_ring(ring.clone())?;
        let lacks = |keys: &[KeyId]| !keys.contains(&signing);
        let living = mesh.member_keys().into_iter();
        let living = living.filter(|member| member.state != MemberState::Down);
        let rotation = Rotation {
            signing,
            added: ring.ids().filter(|id| !before.contains(*id)).collect(),
            removed: before.ids().filter(|id| !ring.contains(*id)).collect(),
            lacking: living
                .filter(|member| member.keys.as_deref().is_some_and(lacks))
                .map(|member| member.node)
                .collect(),
        };
        rotation.log(before.ids().next() != Some(signing));
        Ok(rotation)
    }

    /// The keys of this node and of the other members, by their ids.
    pub fn keys(&self) -> Keys {
        let Some(mesh) = self.mesh() else {
            return Keys::default();
        };
        let members = mesh.member_keys().into_iter().map(|member| MemberKeys {
            node: member.node,
            state: member.state,
            keys: member.keys.map(infos),
        });
        Keys {
            keys: infos(mesh.watch_ring().borrow().ids()),
            members: members.collect(),
        }
    }

    /// The key ring, to be woken when the secrets are replaced: for doors, whose own keys derive from it. `None` without a
    /// secret.
    pub fn watch_key_ring(&self) -> Option<watch::Receiver<Arc<KeyRing>>> {
        self.mesh().map(bellwether_mesh::Mesh::watch_ring)
    }
}

fn infos(ids: impl IntoIterator<Item = KeyId>) -> Vec<KeyInfo> {
    let infos = ids.into_iter().enumerate();
    infos.map(|(place, id)| KeyInfo { id, signs: place == 0 }).collect()
}

impl Rotation {
    fn log(&self, signs_anew: bool) {
        let Self {
            signing,
            added,
            removed,
            lacking,
        } = self;
        if signs_anew || !added.is_empty() || !removed.is_empty() {
            tracing::info!(%signing, ?added, ?removed, "the keys of this node were replaced");
        }
        if !lacking.is_empty() {
            tracing::warn!(%signing, members = ?lacking, "members lack the key that signs, and refuse this node: add it there");
        }
    }
}

/// Why the secrets were not replaced. The keys are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplaceSecretsError {
    /// The node has started without a secret.
    #[error("this node was started without a secret, so it has no mesh; it takes one at its next start")]
    NoMesh,
    /// There is none, or one is unfit.
    #[error("the cluster secret is not usable")]
    Secret(#[from] SecretError),
    /// One gives no identity.
    #[error("the node's identity cannot be made")]
    Identity(#[from] IdentityError),
}
