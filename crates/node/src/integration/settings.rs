//! What the integration is set to.

use std::time::Duration;

/// The integration's settings. Bounds are judged by [`Config::check`](crate::Config::check).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IntegrationSettings {
    /// Whether helpers and reporters publish. Default: not in a program that embeds a node, but in one that is
    /// configured ([`Config::resolve`](crate::Config::resolve)). Switched at run time by
    /// [`Integration::enable`](crate::Integration::enable).
    pub enabled: bool,
    /// How often the health reporter reports. Default 30 s.
    pub health_interval: Duration,
    /// How often the metrics reporter reports. Default 60 s.
    pub metrics_interval: Duration,
    /// Whether the start and the stop of this node are reported. Default yes.
    pub report_system: bool,
    /// Whether this host's health is reported. Default yes.
    pub report_health: bool,
    /// Whether this node's figures are reported. Default yes.
    pub report_metrics: bool,
    /// Whether nodes that come, go and fail are reported. Default yes.
    pub report_members: bool,
    /// Percent of memory, disk or CPU from which on an alert warns. Default 75.
    pub resource_warning: f64,
    /// Percent from which on it is critical. Default 90.
    pub resource_critical: f64,
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
        }
    }
}
