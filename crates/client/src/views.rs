//! What a node lets programs look at.

use std::collections::BTreeMap;

use bellwether_message::{Epoch, Instance, NodeId, Pattern};
use serde::Deserialize;

/// A member of the mesh, as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// Its configured name.
    pub node: NodeId,
    /// Its run.
    pub epoch: Epoch,
    /// The UDP address it is dialed at.
    pub address: String,
    /// What is known of its life: `self`, `alive`, `suspect` or `down`.
    pub state: String,
    /// Whether its link to the node is up.
    #[serde(rename = "in")]
    pub inbound: bool,
    /// Whether the node's link to it is up.
    #[serde(rename = "out")]
    pub outbound: bool,
    /// The version of its program; empty until it has said so.
    pub version: String,
}

/// One of the ten instances, as one node has counted it since it started.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct InstanceInfo {
    /// Which.
    pub instance: Instance,
    /// What it is for.
    #[serde(default)]
    pub purpose: String,
    /// Messages accepted from local publishers.
    #[serde(default)]
    pub published: u64,
    /// Messages handed to local subscriptions, once per subscription.
    #[serde(default)]
    pub delivered: u64,
    /// Messages sent to peers, once per peer.
    #[serde(default)]
    pub forwarded: u64,
    /// Messages accepted from peers.
    #[serde(default)]
    pub received: u64,
    /// Messages dropped or refused, by reason.
    #[serde(default)]
    pub dropped: BTreeMap<String, u64>,
    /// Local subscriptions.
    #[serde(default)]
    pub subscriptions: usize,
    /// Messages that wait in their queues.
    #[serde(default)]
    pub queue_messages: usize,
    /// Messages kept for peers.
    #[serde(default)]
    pub backlog_messages: usize,
    /// Their bytes.
    #[serde(default)]
    pub backlog_bytes: usize,
    /// Largest payload accepted.
    pub max_payload_bytes: usize,
}

/// A subscription of the node, or what a peer of it wants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Subscriber {
    /// The node that has it.
    pub node: NodeId,
    /// Its instance.
    pub instance: Instance,
    /// Its patterns.
    pub patterns: Vec<Pattern>,
    /// Items that wait in its queue; none for a peer's.
    pub queue_messages: Option<usize>,
    /// Their bytes; none for a peer's.
    pub queue_bytes: Option<usize>,
}
