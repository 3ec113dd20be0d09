//! A change of a subscription's state, to be logged and told.

use std::sync::Arc;

use super::{HealthEvent, HealthState};
use crate::log_level::LogLevel;

/// A subscription's state has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthChange {
    /// The store.
    pub store: Arc<str>,
    /// The subscription's name in it.
    pub subscription: Arc<str>,
    /// The state before; unknown if it was never heard of.
    pub from: HealthState,
    /// The state now.
    pub to: HealthState,
    /// What it was that was told; none if it is the silence that says it.
    pub event: Option<HealthEvent>,
    /// The error that was told, or how long it has been silent.
    pub reason: Option<String>,
}

impl HealthChange {
    /// How loud to log it: a crash as an error, other bad news as warnings, the rest as information.
    pub fn level(&self) -> LogLevel {
        match (self.to, &self.event) {
            (HealthState::Failed, Some(HealthEvent::ProxyCrashed)) => LogLevel::Error,
            (HealthState::Failed | HealthState::Degraded, _) | (HealthState::Unknown, None) => LogLevel::Warn,
            _ => LogLevel::Info,
        }
    }
}
