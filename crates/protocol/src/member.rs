//! A member: a node as the membership view knows it.

use std::net::SocketAddr;

use bellwether_message::{Epoch, NodeId};
use serde::Serialize;

/// One row of the membership view; this node itself is one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its configured name.
    pub node: NodeId,
    /// Its run.
    pub epoch: Epoch,
    /// The address it is dialed at.
    pub address: SocketAddr,
    /// What is known of its life.
    pub state: MemberState,
    /// Whether its link to this node is up.
    #[serde(rename = "in")]
    pub inbound: bool,
    /// Whether this node's link to it is up.
    #[serde(rename = "out")]
    pub outbound: bool,
    /// The version of its program; empty until it has said so.
    pub version: String,
}

/// What is known of a member's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// This node.
    #[serde(rename = "self")]
    Own,
    /// It gossips, or answers.
    Alive,
    /// Its gossip has stopped; it is being asked.
    Suspect,
    /// It did not answer. Kept in view for five minutes.
    Down,
}
