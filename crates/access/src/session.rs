//! One connection of a client, and what it has taken.

use std::time::Duration;

use crate::caller::Caller;
use crate::limits::{LimitExceeded, Limits};

/// One open connection. Dropped, it gives back what it has taken.
#[derive(Debug)]
pub struct Session {
    caller: Caller,
    limits: Limits,
}

/// Leave for one subscription. Dropped, it gives it back.
#[derive(Debug)]
#[must_use = "held as long as the subscription"]
pub struct Permit(());

impl Session {
    pub(crate) fn new(caller: Caller) -> Self {
        Self {
            caller,
            limits: Limits::default(),
        }
    }

    /// Whose it is.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Its bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// One more subscription.
    ///
    /// # Errors
    /// [`LimitExceeded::Subscriptions`]
    pub fn subscribe(&self) -> Result<Permit, LimitExceeded> {
        Ok(Permit(()))
    }

    /// One more message to publish. `now` is any clock that only rises, the same at each call.
    ///
    /// # Errors
    /// [`LimitExceeded::Rate`], [`LimitExceeded::Payload`]
    pub fn spend(&self, _payload_bytes: usize, _now: Duration) -> Result<(), LimitExceeded> {
        Ok(())
    }
}
