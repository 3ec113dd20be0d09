//! Limits of the bus's own alerts.

/// Limits of the bus's own alerts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BusSettings {
    /// So many times the usual rate is unusually high. Default 10, above 1.
    pub volume_factor: f64,
    /// No rate below so many messages per second is unusually high. Default 1,000.
    pub volume_floor: f64,
    /// More failed publications than these within one interval are too many. Default 10.
    pub failed_per_interval: u64,
    /// A consumer whose queue is fuller than this lags. Default 0.8, above 0, below 1.
    pub queue_fill: f64,
}

/// A limit that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("bus alert setting {field} is {value}: it must be {allowed}")]
pub struct BusSettingsError {
    field: &'static str,
    value: f64,
    allowed: &'static str,
}

impl Default for BusSettings {
    fn default() -> Self {
        Self {
            volume_factor: 10.0,
            volume_floor: 1_000.0,
            failed_per_interval: 10,
            queue_fill: 0.8,
        }
    }
}

impl BusSettings {
    pub(super) fn check(&self) -> Result<(), BusSettingsError> {
        let fields = [
            (
                "volume_factor",
                self.volume_factor,
                self.volume_factor > 1.0,
                "a number above 1",
            ),
            (
                "volume_floor",
                self.volume_floor,
                self.volume_floor >= 0.0,
                "a number, 0 or above",
            ),
            (
                "queue_fill",
                self.queue_fill,
                self.queue_fill > 0.0 && self.queue_fill < 1.0,
                "above 0 and below 1",
            ),
        ];
        for (field, value, is_right, allowed) in fields {
            if !is_right || !value.is_finite() {
                return Err(BusSettingsError { field, value, allowed });
            }
        }
        Ok(())
    }
}
