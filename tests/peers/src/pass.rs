//! What one pass of one workload has shown.

/// Every message goes to two.
const SUBSCRIBERS: f64 = 2.0;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass {
    pub(crate) published: u64,
    /// Until the last message had arrived everywhere.
    pub(crate) elapsed_ns: u64,
    /// Of all processes, servers included.
    pub(crate) cpu_ns: u64,
    /// Of the servers alone.
    pub(crate) servers_cpu_ns: u64,
    /// p50, p99 and p99.9 of the slower subscriber.
    pub(crate) latencies_ns: [u64; 3],
}

impl Pass {
    /// Messages a second, for each subscriber.
    pub(crate) fn rate(&self) -> f64 {
        self.published as f64 / seconds(self.elapsed_ns)
    }

    pub(crate) fn cpu_s_per_million_deliveries(&self) -> f64 {
        seconds(self.cpu_ns) / (self.published as f64 * SUBSCRIBERS / 1e6)
    }

    /// Of the servers alone.
    pub(crate) fn servers_cpu_s_per_million_deliveries(&self) -> f64 {
        seconds(self.servers_cpu_ns) / (self.published as f64 * SUBSCRIBERS / 1e6)
    }

    /// Per cent of one core, for 1,000 messages a second published.
    pub(crate) fn cpu_percent_per_thousand(&self) -> f64 {
        100.0 * seconds(self.cpu_ns) / seconds(self.elapsed_ns) / (self.rate() / 1e3)
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_per_second_and_per_message() {
        let pass = Pass {
            published: 2_000_000,
            elapsed_ns: 4_000_000_000,
            cpu_ns: 6_000_000_000,
            servers_cpu_ns: 2_000_000_000,
            latencies_ns: [0; 3],
        };
        assert_eq!(pass.rate(), 500_000.0);
        assert_eq!(pass.cpu_s_per_million_deliveries(), 1.5);
        assert_eq!(pass.servers_cpu_s_per_million_deliveries(), 0.5);
        assert_eq!(pass.cpu_percent_per_thousand(), 0.3);
    }
}
