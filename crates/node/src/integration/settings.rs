//! What the integration is set to.

mod alerting;
mod health_monitoring;

use std::time::Duration;

use bellwether_monitor::threshold::ThresholdRule;

pub use self::alerting::Alerting;
pub use self::health_monitoring::HealthMonitoring;

/// The integration's settings. Bounds are judged by [`Config::check`](crate::Config::check).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IntegrationSettings {
    /// Whether helpers and reporters publish. Default: not in a program that embeds a node, but in one that is
    /// configured ([`Config::resolve`](crate::Config::resolve)). Switched at run time by
    /// [`Integration::enable`](crate::Integration::enable).
    pub enabled: bool,
    /// How often the health reporter reports, 100 ms to an hour. Default 30 s.
    pub health_interval: Duration,
    /// How often the metrics reporter reports, 100 ms to an hour. Default 60 s.
    pub metrics_interval: Duration,
    /// Whether the start and the stop of this node are reported. Default yes.
    pub report_system: bool,
    /// Whether this host's health is reported. Default yes.
    pub report_health: bool,
    /// Whether this node's figures are reported. Default yes.
    pub report_metrics: bool,
    /// Whether nodes that come, go and fail are reported. Default yes.
    pub report_members: bool,
    /// Percent of memory, disk or CPU from which on an alert warns, 1 to 100 and below
    /// [`resource_critical`](Self::resource_critical). Default 75.
    pub resource_warning: f64,
    /// Percent from which on it is critical, 1 to 100. Default 90.
    pub resource_critical: f64,
    /// How the health of subscriptions is watched.
    pub health_monitoring: HealthMonitoring,
    /// When alerts are raised, repeated and escalated.
    pub alerting: Alerting,
    /// What figures are measured against, at most 256. Default none.
    pub thresholds: Vec<ThresholdRule>,
}

impl Default for IntegrationSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            health_interval: Duration::from_secs(30),
            metrics_interval: Duration::from_secs(60),
            report_system: true,
            report_health: true,
            report_metrics: true,
            report_members: true,
            resource_warning: 75.0,
            resource_critical: 90.0,
            health_monitoring: HealthMonitoring::default(),
            alerting: Alerting::default(),
            thresholds: Vec::new(),
        }
    }
}
