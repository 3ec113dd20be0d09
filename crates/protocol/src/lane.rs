//! Lanes: which instances share a connection.

use bellwether_message::Instance;

/// One QUIC connection of a link. Measured: stream priority alone does not protect an alert behind a flood (worst
/// case 0.2–1.2 s on a 100 Mbit/s link), a connection of its own does (20–50 ms).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Lane {
    /// Gossip, control, and the instances that must not wait. Always open while the link is up.
    Urgent = 0,
    /// The `events` instance.
    Events = 1,
    /// `metrics`, `logging` and `diagnostics`.
    Bulk = 2,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Events, Self::Bulk];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Events => "events",
            Self::Bulk => "bulk",
        }
    }

    /// The lane that carries an instance.
    pub fn of(instance: Instance) -> Self {
        match instance {
            Instance::Events => Self::Events,
            Instance::Metrics | Instance::Logging | Instance::Diagnostics => Self::Bulk,
            Instance::System
            | Instance::Health
            | Instance::Lifecycle
            | Instance::Alerts
            | Instance::Audit
            | Instance::Security => Self::Urgent,
        }
    }

    /// The lane with this number on the wire.
    pub fn from_wire(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// QUIC priority of an instance's stream among those of its lane: higher goes first. Gossip and control have 100.
    pub fn priority(instance: Instance) -> i32 {
        match instance {
            Instance::Alerts => 50,
            Instance::Security => 40,
            Instance::Audit => 30,
            Instance::Health | Instance::Lifecycle | Instance::System => 20,
            Instance::Events | Instance::Metrics => 10,
            Instance::Diagnostics | Instance::Logging => 0,
        }
    }
}
