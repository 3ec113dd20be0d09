//! One connection of a client, and what it has taken.

use std::sync::Arc;
use std::time::Duration;

use crate::account::{Account, Held};
use crate::caller::Caller;
use crate::limits::{LimitExceeded, Limits};

/// One open connection. Dropped, it gives back what it has taken.
///
/// What is bounded is bounded per principal: all sessions of one share its rates and counts.
#[derive(Debug)]
pub struct Session {
    caller: Caller,
    account: Arc<Account>,
    _connection: Held,
}

/// Leave for one subscription. Dropped, it gives it back.
#[derive(Debug)]
#[must_use = "held as long as the subscription"]
pub struct Permit {
    _held: Held,
}

impl Session {
    pub(crate) fn new(caller: Caller, account: Arc<Account>, connection: Held) -> Self {
        Self {
            caller,
            account,
            _connection: connection,
        }
    }

    /// Whose it is.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Its bounds, as they are now.
    pub fn limits(&self) -> Limits {
        self.caller.limits()
    }

    /// One more subscription.
    ///
    /// # Errors
    /// [`LimitExceeded::Subscriptions`]
    pub fn subscribe(&self) -> Result<Permit, LimitExceeded> {
        let held = self.account.subscribe(self.limits().subscriptions);
        match held {
            Ok(held) => Ok(Permit { _held: held }),
            Err(err) => Err(self.caller.limited(err)),
        }
    }

    /// One more message to publish; one that is refused is not counted. `now` is any clock that only rises, the same for
    /// all sessions of an [`Access`](crate::Access): the rates are those of the principal.
    ///
    /// # Errors
    /// [`LimitExceeded::Rate`], [`LimitExceeded::Payload`]
    pub fn spend(&self, payload_bytes: usize, now: Duration) -> Result<(), LimitExceeded> {
        let limits = self.limits();
        let spent = match limits.payload_bytes {
            limit if payload_bytes > limit => Err(LimitExceeded::Payload {
                bytes: payload_bytes,
                limit,
            }),
            // On the way of every message: without a rate there is no lock to take.
            _ if limits.messages_per_second.is_none() && limits.bytes_per_second.is_none() => Ok(()),
            _ => self.account.spend(payload_bytes, &limits, now),
        };
        spent.map_err(|err| self.caller.limited(err))
    }
}
