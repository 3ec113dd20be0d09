//! What is measured.

use std::fmt;

use clap::ValueEnum;
use tokio::runtime::{Builder, Runtime};

use crate::version;

/// A system that carries messages from process to process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum System {
    Bellwether,
    ZenohTcp,
    ZenohQuic,
    Nats,
    BellwetherNats,
}

impl System {
    /// Its row in a table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Bellwether => "Bellwether, three nodes",
            Self::ZenohTcp => "Zenoh, three peers, TCP",
            Self::ZenohQuic => "Zenoh, three peers, QUIC",
            Self::Nats => "NATS, three servers and their clients",
            Self::BellwetherNats => "Bellwether, three nodes and NATS clients",
        }
    }

    /// How it was set up, for whoever reads the figures.
    pub(crate) fn settings(self) -> String {
        let zenoh = format!(
            "Zenoh {}: scouting off, each peer connects to those before it; reliable, congestion control `block`, not \
             express, subscribers are callbacks; the rest by default",
            version::of("zenoh")
        );
        match self {
            Self::Bellwether => {
                "embedded in the three processes, on one thread each; QUIC, mutually authenticated and encrypted; every \
                 message signed once and verified twice; defaults"
                    .to_owned()
            }
            Self::ZenohTcp => format!("embedded; not encrypted, not signed. {zenoh}"),
            Self::ZenohQuic => format!("embedded; encrypted, the listener authenticated; not signed. {zenoh}"),
            Self::Nats => format!(
                "a full mesh of three servers of defaults, a client at each: async-nats {} on one thread; not encrypted, \
                 not signed; core NATS, flushed as the client likes, up to {} messages pending",
                version::of("async-nats"),
                crate::bus::nats::PENDING
            ),
            Self::BellwetherNats => {
                "three nodes as they are started as programs, with their defaults, and the same clients; between nodes \
                 authenticated, encrypted and signed"
                    .to_owned()
            }
        }
    }

    /// What one of its processes runs on, beside the threads that the system starts itself.
    pub(crate) fn runtime(self) -> std::io::Result<Runtime> {
        match self {
            Self::Bellwether | Self::BellwetherNats | Self::Nats => Builder::new_current_thread().enable_all().build(),
            // Zenoh refuses a runtime of the current thread.
            Self::ZenohTcp | Self::ZenohQuic => Builder::new_multi_thread().worker_threads(1).enable_all().build(),
        }
    }
}

/// As it is typed.
impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}
