//! Events: the lines of a history.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::kind::Kind;

/// One thing that happened, and to whom. One line of JSON.
///
/// ```
/// use bellwether_history::{Event, Kind};
///
/// let event = Event::new(1_500_000, "a", 7, Kind::Start {});
/// let line = serde_json::to_string(&event).unwrap();
/// assert_eq!(line, r#"{"t":1500000,"node":"a","epoch":7,"kind":"start"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds since the run of the whole mesh began, by the clock of whoever wrote the line.
    pub t: u64,
    /// The node it happened to or on; for events of the driver, such as faults, any name that is no node's.
    pub node: Arc<str>,
    /// The run of that node; 0 where the writer does not know it or there is none. For what a driver says of a node
    /// (`kill`, `exit`), 0 means the run that was going on.
    pub epoch: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: Kind,
}

impl Event {
    /// An event from its parts.
    pub fn new(t: u64, node: impl Into<Arc<str>>, epoch: u64, kind: Kind) -> Self {
        Self {
            t,
            node: node.into(),
            epoch,
            kind,
        }
    }
}

/// One run of one node, to write events in its name without allocating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The node.
    pub node: Arc<str>,
    /// The number of the run.
    pub epoch: u64,
}

impl Run {
    /// A run from its parts.
    pub fn new(node: impl Into<Arc<str>>, epoch: u64) -> Self {
        Self {
            node: node.into(),
            epoch,
        }
    }

    /// What happened to this run at `t`.
    pub fn at(&self, t: u64, kind: Kind) -> Event {
        Event::new(t, self.node.clone(), self.epoch, kind)
    }
}
