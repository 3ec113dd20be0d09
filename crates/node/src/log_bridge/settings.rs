//! What a log bridge is set to.

use std::num::NonZeroU32;
use std::time::Duration;

use tracing::Level;

/// Records a second, and at once: more than anybody reads, little to the mesh.
const DEFAULT_PER_SECOND: NonZeroU32 = NonZeroU32::new(1000).expect("is not zero");
/// The programs on the way of a published record; also a reason why they are quiet.
const DEFAULT_QUIET_TARGETS: [&str; 4] = ["bellwether", "quinn", "rustls", "chitchat"];
/// A shorter interval is taken as this: a summary is no stream.
const SHORTEST_SUMMARY_INTERVAL: Duration = Duration::from_secs(1);
/// A longer interval is taken as this: what was counted should not grow stale.
const LONGEST_SUMMARY_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings of a [`LogBridge`](super::LogBridge).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogBridgeSettings {
    /// Whose records they are: the second level of `logs:{service}:{level}`. A `:` becomes `_`. Default: the node's id.
    pub service: Option<String>,
    /// The least grave level that is looked at, of records and of spans; below it a record costs nothing. `TRACE` is
    /// published as `debug`. Default `INFO`.
    pub min_level: Level,
    /// Most records a second on average. What is beyond is left out and counted. Default 1,000.
    pub per_second: NonZeroU32,
    /// Most records at once, after a pause. Default 1,000.
    pub burst: NonZeroU32,
    /// Crates that are on the way of every published record, by the beginning of their targets: `bellwether` is also
    /// `bellwether_mesh::links`, not `bellwethers`. At whatever level, at most
    /// [`QUIET_PER_SECOND`](Self::QUIET_PER_SECOND) of their records are published a second, so that no record feeds
    /// itself, over whatever thread or node. Default `bellwether`, `quinn`, `rustls`, `chitchat`.
    pub quiet_targets: Vec<String>,
    /// The least grave level that is looked at of those. Default `WARN`.
    pub quiet_min_level: Level,
    /// How often a summary is published; 1 s to a day, what is outside is taken as the nearer of them. Default 60 s.
    pub summary_interval: Duration,
}

impl LogBridgeSettings {
    /// Most records of [`quiet_targets`](Self::quiet_targets) that are published a second, and at once.
    pub const QUIET_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("is not zero");

    pub(super) fn summarise_every(&self) -> Duration {
        self.summary_interval
            .clamp(SHORTEST_SUMMARY_INTERVAL, LONGEST_SUMMARY_INTERVAL)
    }
}

impl Default for LogBridgeSettings {
    fn default() -> Self {
        Self {
            service: None,
            min_level: Level::INFO,
            per_second: DEFAULT_PER_SECOND,
            burst: DEFAULT_PER_SECOND,
            quiet_targets: DEFAULT_QUIET_TARGETS.map(str::to_owned).into(),
            quiet_min_level: Level::WARN,
            summary_interval: Duration::from_secs(60),
        }
    }
}
