//! Strangers: whoever reaches our port without belonging to the mesh.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// At most one warning in this time, whatever comes.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// Counts strangers, and names them in one rate-limited warning.
#[derive(Debug, Default)]
pub struct Strangers {
    connections: AtomicU64,
    datagrams: AtomicU64,
    warned: Mutex<Option<Instant>>,
}

impl Strangers {
    /// Connection attempts that were refused.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Datagrams that were not QUIC at all.
    pub fn datagrams(&self) -> u64 {
        self.datagrams.load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self, address: SocketAddr, reason: &str) {
        let refused = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let now = Instant::now();
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|at| now.duration_since(at) >= WARN_EVERY) {
            *warned = Some(now);
            tracing::warn!(%address, reason, refused, "refused a stranger; further ones are only counted for a while");
        }
    }

    pub(crate) fn not_quic(&self, datagrams: u64) {
        self.datagrams.fetch_add(datagrams, Ordering::Relaxed);
    }
}
