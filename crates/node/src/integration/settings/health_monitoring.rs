//! How the health of subscriptions is watched.

use std::num::NonZeroU32;
use std::time::Duration;

use bellwether_monitor::breaker::BreakerSettings;
use bellwether_monitor::subscription_health::HealthSettings;

/// How the health of subscriptions is watched, and what protects them. Bounds are judged by
/// [`Config::check`](crate::Config::check).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthMonitoring {
    /// Whether subscriptions are watched at all. Default yes.
    pub enabled: bool,
    /// How often silence and expiry are looked for, 100 ms to an hour. Default 5 s.
    pub check_interval: Duration,
    /// So many failed deliveries without a success between make a subscription unhealthy, 1 to 1,000. Default 3.
    pub unhealthy_threshold: NonZeroU32,
    /// Whether a breaker keeps deliveries from a subscription that fails again and again. Default yes.
    pub circuit_breaker_enabled: bool,
    /// How often a summary of all subscriptions is reported, 100 ms to an hour. Default 30 s.
    pub summary_interval: Duration,
    /// A subscription that is silent for so long is forgotten, whole seconds, 1 s to a day. Default 5 min.
    pub expire_after: Duration,
    /// So many failures in a row open the breaker, 1 to 1,000. Default 5.
    pub failure_threshold: NonZeroU32,
    /// An open breaker lets one delivery try after so long, 100 ms to an hour. Default 60 s.
    pub open_for: Duration,
    /// Most deliveries a second to a subscription that is degraded, 1 to 1,000,000. Default 10.
    pub throttle_per_second: NonZeroU32,
}

impl Default for HealthMonitoring {
    fn default() -> Self {
        const {
            Self {
                enabled: true,
                check_interval: Duration::from_secs(5),
                unhealthy_threshold: NonZeroU32::new(3).expect("three is not zero"),
                circuit_breaker_enabled: true,
                summary_interval: Duration::from_secs(30),
                expire_after: Duration::from_secs(300),
                failure_threshold: NonZeroU32::new(5).expect("five is not zero"),
                open_for: Duration::from_secs(60),
                throttle_per_second: NonZeroU32::new(10).expect("ten is not zero"),
            }
        }
    }
}

impl HealthMonitoring {
    /// As the rules of the subscriptions' health take it.
    pub(crate) fn rules(&self) -> HealthSettings {
        HealthSettings {
            enabled: self.enabled,
            check_interval: self.check_interval,
            unhealthy_threshold: self.unhealthy_threshold,
            summary_interval: self.summary_interval,
            expire_after: self.expire_after,
            heartbeat_silence: None,
        }
    }

    /// As breakers take it.
    pub(crate) fn breaker(&self) -> BreakerSettings {
        BreakerSettings {
            enabled: self.circuit_breaker_enabled,
            failure_threshold: self.failure_threshold,
            open_for: self.open_for,
        }
    }
}
