//! When a subscription counts as failed, silent, or gone.

use std::num::NonZeroU32;
use std::time::Duration;

/// One failed delivery may be chance, three in a row are not: the figure that the original's documents give.
const DEFAULT_UNHEALTHY_THRESHOLD: NonZeroU32 = NonZeroU32::new(3).expect("three is not zero");

/// How subscriptions are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthSettings {
    /// Default true. If false, nothing is watched and every query is empty.
    pub enabled: bool,
    /// How often silence and expiry are looked for, and the heartbeat's usual interval. Default 5 s.
    pub check_interval: Duration,
    /// So many failed deliveries without a success between fail a subscription. Default 3.
    pub unhealthy_threshold: NonZeroU32,
    /// How often summaries are due. Default 30 s.
    pub summary_interval: Duration,
    /// Who is silent for so long is forgotten. Default 5 min.
    pub expire_after: Duration,
    /// Who sends heartbeats and is then silent for so long becomes unknown; zero: never. Default none, which means
    /// `unhealthy_threshold` times `check_interval`.
    pub heartbeat_silence: Option<Duration>,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            check_interval: Duration::from_secs(5),
            unhealthy_threshold: DEFAULT_UNHEALTHY_THRESHOLD,
            summary_interval: Duration::from_secs(30),
            expire_after: Duration::from_secs(300),
            heartbeat_silence: None,
        }
    }
}

impl HealthSettings {
    /// How long a silence makes unknown; none if it never does.
    pub(super) fn silence(&self) -> Option<Duration> {
        let usual = self.check_interval.saturating_mul(self.unhealthy_threshold.get());
        Some(self.heartbeat_silence.unwrap_or(usual)).filter(|silence| !silence.is_zero())
    }
}
