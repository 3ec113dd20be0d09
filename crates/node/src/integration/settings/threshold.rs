//! What one metric is measured against.

use std::num::NonZeroU32;

/// What one metric is measured against: at least one limit, which its values must not pass. Judged by
/// [`Config::check`](crate::Config::check).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Threshold {
    /// What it is called in alerts, unique; 1 to 128 bytes without control characters.
    pub id: String,
    /// The metric, by name; 1 to 128 bytes without control characters.
    pub metric_name: String,
    /// Only values of this component, 1 to 128 bytes without control characters. Default `None`: of every one.
    pub component: Option<String>,
    /// Which side of the limits is bad.
    pub kind: ThresholdKind,
    /// The limit that warns, finite. `None`: nothing warns.
    pub warning: Option<f64>,
    /// The limit that is critical, finite, and beyond [`warning`](Self::warning). `None`: nothing is critical.
    pub critical: Option<f64>,
    /// So many values in a row must be beyond a limit before it counts, 1 to 1,000. Default 1.
    pub sustained: NonZeroU32,
    /// How far back a value must come before all is well again, as a share of the limit, 0.0 to 1.0. Default 0.05.
    pub hysteresis: f64,
}

impl Threshold {
    /// One without a limit.
    pub(super) fn new(id: String, metric_name: String, kind: ThresholdKind) -> Self {
        Self {
            id,
            metric_name,
            component: None,
            kind,
            warning: None,
            critical: None,
            sustained: NonZeroU32::MIN,
            hysteresis: 0.05,
        }
    }
}

/// Which side of a limit is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdKind {
    /// What falls below the limit.
    Min,
    /// What rises above it.
    Max,
}

impl ThresholdKind {
    /// The kind as it is written: `min`, `max`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    /// Whether `inner` is passed before `outer` is.
    pub(crate) fn in_order(self, inner: f64, outer: f64) -> bool {
        match self {
            Self::Min => inner > outer,
            Self::Max => inner < outer,
        }
    }
}
