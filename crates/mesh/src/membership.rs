//! Gossip: how nodes learn of each other. It only tells where to dial; [`bellwether_protocol::roster`] decides who is a member.

mod gossip;

use std::net::SocketAddr;

use async_trait::async_trait;
use bellwether_protocol::roster::Gossiped;
use tokio::sync::watch;

pub(crate) use self::gossip::{Carrier, Gossip, GossipSettings, INBOX, MAX_MESSAGE, Received, decode};

/// A gossip library, behind the little that the mesh asks of it.
#[async_trait]
pub(crate) trait Membership: Send + Sync {
    /// The runs that gossip now, this node's among them or not.
    fn live(&self) -> watch::Receiver<Vec<Gossiped>>;

    /// Gossips with an address that may be a node.
    fn introduce(&self, address: SocketAddr);

    /// Waits until gossip has ended by itself, which it must not. Gives the reason.
    async fn ended(&self) -> String;
}
