//! An alert as it is shown.

use bellwether_message::{NodeId, Timestamp};
use serde::Serialize;

use super::alert::{AlertState, Level, Severity};

/// An alert as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertView {
    /// The id to acknowledge it by.
    pub alert_id: String,
    /// What it is about.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// What raised it.
    pub source: String,
    /// The node that reported it.
    pub node: NodeId,
    /// When it was raised first, by the publisher's clock.
    pub raised_at: Timestamp,
    /// When it was raised last, by the publisher's clock.
    pub last_seen: Timestamp,
    /// How often it was raised.
    pub count: u64,
    /// Where it is in its life.
    pub state: AlertState,
    /// How far it was escalated.
    pub level: Level,
    /// Who has taken it up.
    pub acknowledged_by: Option<String>,
    /// In their words.
    pub ack_note: Option<String>,
    /// What they did about it.
    pub resolution: Option<String>,
    /// Whether somebody has to acknowledge it.
    pub requires_ack: bool,
}
