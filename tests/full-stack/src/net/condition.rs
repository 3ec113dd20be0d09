//! Conditions: what is wrong with some paths of the network, for a while.

/// A set of hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hosts(u32);

impl Hosts {
    /// Every host.
    pub const ALL: Self = Self(u32::MAX);

    /// These hosts.
    pub fn of(hosts: impl IntoIterator<Item = usize>) -> Self {
        Self(hosts.into_iter().fold(0, |set, host| set | 1 << (host % 32)))
    }

    /// All other hosts.
    #[must_use]
    pub fn others(self) -> Self {
        Self(!self.0)
    }

    /// Whether a host is among them.
    pub fn has(self, host: usize) -> bool {
        self.0 & (1 << (host % 32)) != 0
    }
}

/// Something imposed on every path from some hosts to some others.
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    /// Where datagrams come from.
    pub from: Hosts,
    /// Where they go to.
    pub to: Hosts,
    /// What happens to them.
    pub what: What,
}

/// What happens to a datagram.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// It is lost.
    Cut,
    /// It may be lost, doubled or late.
    Rough {
        /// Of a thousand, so many are lost.
        loss: u64,
        /// Of a thousand, so many arrive twice.
        duplicates: u64,
        /// It takes up to so much longer, each another time: they overtake each other.
        jitter_ms: u64,
    },
    /// It waits for those before it.
    Narrow {
        /// So many bytes get through in a millisecond.
        bytes_per_ms: u64,
    },
}

impl Condition {
    /// The same in both directions.
    pub fn both_ways(one: Hosts, other: Hosts, what: What) -> Vec<Self> {
        let (from, to) = (one, other);
        vec![
            Self { from, to, what },
            Self {
                from: to,
                to: from,
                what,
            },
        ]
    }

    /// Whether it is imposed on the path of this pair.
    pub(crate) fn is_on(&self, (from, to): (usize, usize)) -> bool {
        self.from.has(from) && self.to.has(to)
    }
}
