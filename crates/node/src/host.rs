//! What a node takes from the host it runs on.

use std::sync::Arc;

use bellwether_mesh::{SocketFactory, UdpSockets};
use bellwether_message::{Timestamp, WallClock};

/// Sockets and the wall clock. The default is the real host; a simulation gives its own.
#[derive(Debug, Clone)]
pub struct Host {
    /// Makes the UDP sockets.
    pub sockets: Arc<dyn SocketFactory>,
    /// Reads the time: for people to read in messages, and as the least number that a first run may have.
    pub clock: WallClock,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            sockets: Arc::new(UdpSockets),
            clock: Timestamp::now,
        }
    }
}
