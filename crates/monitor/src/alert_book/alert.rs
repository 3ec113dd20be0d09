//! An alert as it is raised, and the words that its life is told in.

use bellwether_message::{Epoch, NodeId, Timestamp};
use serde::{Deserialize, Serialize};

/// Longest alert id in bytes: ours have 16 characters, those of others some dozens. A longer one is refused, for cut
/// off it would be another.
pub const MAX_ALERT_ID_BYTES: usize = 128;
/// Longest key in bytes; the rest is cut off.
pub const MAX_KEY_BYTES: usize = 256;
/// Longest title, source, note or resolution in bytes; the rest is cut off. The message itself has the whole text.
pub const MAX_TEXT_BYTES: usize = 512;

/// An alert, as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its own id, at most [`MAX_ALERT_ID_BYTES`], not empty.
    pub alert_id: String,
    /// What it is about: alerts with equal keys speak of the same trouble, such as `node_failure:b`. At most
    /// [`MAX_KEY_BYTES`] of it count.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// What raised it.
    pub source: String,
    /// The node that reported it.
    pub node: NodeId,
    /// Its run: a newer one knows nothing of what an older one has raised.
    pub epoch: Epoch,
    /// Whether somebody has to acknowledge it; if so it is escalated until somebody does.
    pub requires_ack: bool,
    /// When it was published. Decides which of several equal alerts gives the name, nothing else.
    pub timestamp: Timestamp,
}

/// How bad an alert is, from harmless to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it some time.
    Warning,
    /// Something does not work.
    Error,
    /// Something important does not work.
    Critical,
}

/// How far an alert was escalated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As raised.
    Level1,
    /// Nobody acknowledged it in time.
    Level2,
    /// Nor after that. There is nobody further to call.
    Level3,
}

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody has acknowledged it, and it lasts.
    Open,
    /// Somebody has taken it up.
    Acknowledged,
    /// What it was about is over.
    Cleared,
}

/// That somebody has taken an alert up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acknowledgement {
    /// What was done about it, if anything.
    pub resolution: Option<String>,
    /// Who.
    pub by: String,
    /// In their words.
    pub note: Option<String>,
}

/// A step of escalation to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// The alert.
    pub alert_id: String,
    /// Where it was.
    pub from: Level,
    /// Where it is now.
    pub to: Level,
}

impl Level {
    pub(super) fn next(self) -> Option<Self> {
        match self {
            Self::Level1 => Some(Self::Level2),
            Self::Level2 => Some(Self::Level3),
            Self::Level3 => None,
        }
    }
}

impl Alert {
    /// Cut to what a book keeps.
    pub(super) fn trimmed(mut self) -> Self {
        trim(&mut self.key, MAX_KEY_BYTES);
        trim(&mut self.title, MAX_TEXT_BYTES);
        trim(&mut self.source, MAX_TEXT_BYTES);
        self
    }
}

impl Acknowledgement {
    pub(super) fn trimmed(mut self) -> Self {
        trim(&mut self.by, MAX_TEXT_BYTES);
        for text in [&mut self.note, &mut self.resolution].into_iter().flatten() {
            trim(text, MAX_TEXT_BYTES);
        }
        self
    }

    /// Of two acknowledgements of one alert, which came in different orders at different nodes, the one that all keep:
    /// one that says what was done before one that does not, then the lesser text.
    pub(super) fn prevails_over(&self, other: &Self) -> bool {
        let rank = |ack: &Self| ack.resolution.is_none();
        (rank(self), self) < (rank(other), other)
    }
}

/// The part of a key that counts.
pub(super) fn key_part(key: &str) -> &str {
    key.get(..key.floor_char_boundary(MAX_KEY_BYTES)).unwrap_or(key)
}

fn trim(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.shrink_to_fit();
    }
}
