//! Memory in use, and how much the bounds of the queues allow.

use bellwether::Node;
use bellwether_tests::memory::resident;

/// What the bounds do not count: windows of QUIC (8 MiB a connection, three a link, one link each way with two peers),
/// remembered routes, latencies, and what the allocator holds back.
const BESIDES_BYTES: u64 = 128 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Memory {
    at_start: u64,
}

impl Memory {
    pub(crate) fn now() -> Self {
        Self {
            at_start: resident(std::process::id()),
        }
    }

    /// Bytes in use now, and at most: what was in use at the start, and what backlogs and queues in use may hold.
    pub(crate) fn measure(&self, node: &Node) -> (u64, u64) {
        let instances = node.instances();
        let used = instances
            .iter()
            .filter(|instance| instance.published > 0 || instance.subscriptions > 0);
        let queues: usize = used
            .map(|instance| instance.backlog_limit_bytes + instance.subscriptions * instance.queue_limit_bytes)
            .sum();
        (
            resident(std::process::id()),
            self.at_start + BESIDES_BYTES + queues as u64,
        )
    }
}
