//! What there is to tell of a resource.

use serde::Serialize;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Processors.
    Cpu,
    /// Memory.
    Memory,
    /// Disk space.
    Disk,
    /// Tasks that want a processor.
    Load,
}

/// How scarce a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceLevel {
    /// Beyond the warning limit.
    Warning,
    /// Beyond the critical limit.
    Critical,
}

/// How a node is by its resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceStatus {
    /// Nothing is scarce.
    Healthy,
    /// Something is, none of it critically.
    Degraded,
    /// Something is critically scarce.
    Unhealthy,
}

/// Something to tell of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ResourceChange {
    /// It has become scarce, or scarcer.
    Raised {
        /// Which.
        resource: Resource,
        /// How scarce.
        level: ResourceLevel,
        /// The last value in percent.
        value: f64,
        /// The limit in percent.
        threshold: f64,
    },
    /// It was scarce, and is less so: critical before and a warning now, or (`remains` is none) in order again.
    Cleared {
        /// Which.
        resource: Resource,
        /// How scarce it was.
        level: ResourceLevel,
        /// How scarce it still is.
        remains: Option<ResourceLevel>,
        /// The last value in percent.
        value: f64,
        /// The limit in percent that it is below of again.
        threshold: f64,
    },
}
