//! What one principal has taken, over all its connections.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::bucket::Bucket;
use crate::limits::{LimitExceeded, Limits};

/// Principals that are remembered. Beyond, those without a connection are forgotten.
const MAX_ACCOUNTS: usize = 4096;

/// The account of one principal. Outlives its connections, so that a new one is no way around a rate.
#[derive(Debug)]
pub(crate) struct Account {
    connections: AtomicU32,
    subscriptions: AtomicU32,
    rates: Mutex<Rates>,
}

#[derive(Debug)]
struct Rates {
    messages: Option<Bucket>,
    bytes: Option<Bucket>,
}

impl Account {
    fn new(limits: &Limits) -> Self {
        Self {
            connections: AtomicU32::new(0),
            subscriptions: AtomicU32::new(0),
            rates: Mutex::new(Rates {
                messages: limits.messages_per_second.map(|rate| Bucket::new(rate.into())),
                bytes: limits.bytes_per_second.map(Bucket::new),
            }),
        }
    }

    pub(crate) fn connect(self: &Arc<Self>, limit: u32) -> Result<Held, LimitExceeded> {
        Held::take(self, Of::Connections, limit).ok_or(LimitExceeded::Connections { limit })
    }

    pub(crate) fn subscribe(self: &Arc<Self>, limit: u32) -> Result<Held, LimitExceeded> {
        Held::take(self, Of::Subscriptions, limit).ok_or(LimitExceeded::Subscriptions { limit })
    }

    /// One message, which is counted only if both rates allow it. The limits may have changed since the one before.
    pub(crate) fn spend(&self, bytes: usize, limits: &Limits, now: Duration) -> Result<(), LimitExceeded> {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        set_rate(&mut rates.messages, limits.messages_per_second.map(u64::from));
        set_rate(&mut rates.bytes, limits.bytes_per_second);
        let Rates { messages, bytes: sizes } = &mut *rates;
        let mut charges = [(messages, 1), (sizes, bytes as u64)];
        for (bucket, count) in &mut charges {
            let Some(bucket) = bucket else { continue };
            bucket.fill(now);
            if !bucket.has(*count) {
                return Err(LimitExceeded::Rate {
                    limit: bucket.per_second(),
                });
            }
        }
        for (bucket, count) in &mut charges {
            if let Some(bucket) = bucket {
                bucket.take(*count);
            }
        }
        Ok(())
    }

    fn count(&self, of: Of) -> &AtomicU32 {
        match of {
            Of::Connections => &self.connections,
            Of::Subscriptions => &self.subscriptions,
        }
    }
}

/// A rate that has changed keeps what is left, as far as it fits: a change is no way around.
fn set_rate(bucket: &mut Option<Bucket>, per_second: Option<u64>) {
    match (bucket.as_mut(), per_second) {
        (Some(bucket), Some(per_second)) => bucket.set_rate(per_second),
        (_, per_second) => *bucket = per_second.map(Bucket::new),
    }
}

#[derive(Debug, Clone, Copy)]
enum Of {
    Connections,
    Subscriptions,
}

/// One of a bounded number. Dropped, it is given back.
#[derive(Debug)]
pub(crate) struct Held {
    account: Arc<Account>,
    of: Of,
}

impl Held {
    fn take(account: &Arc<Account>, of: Of, limit: u32) -> Option<Self> {
        let more = |held: u32| (held < limit).then(|| held + 1);
        account
            .count(of)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Self {
            account: Arc::clone(account),
            of,
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.account.count(self.of).fetch_sub(1, Ordering::Relaxed);
    }
}

/// The accounts of all principals, by name.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<HashMap<Arc<str>, Arc<Account>>>);

impl Accounts {
    /// The account of a principal; `None` if as many as are remembered have connections.
    pub(crate) fn of(&self, name: &Arc<str>, limits: &Limits) -> Option<Arc<Account>> {
        let mut accounts = self.lock();
        if let Some(account) = accounts.get(name) {
            return Some(Arc::clone(account));
        }
        if accounts.len() >= MAX_ACCOUNTS {
            accounts.retain(|_, account| Arc::strong_count(account) > 1);
        }
        if accounts.len() >= MAX_ACCOUNTS {
            return None;
        }
        let account = Arc::new(Account::new(limits));
        accounts.insert(Arc::clone(name), Arc::clone(&account));
        Some(account)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Account>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_may_be_taken_again() {
        let account = Arc::new(Account::new(&Limits::default()));
        let first = account.connect(2).unwrap();
        let _second = account.connect(2).unwrap();
        assert_eq!(account.connect(2).unwrap_err(), LimitExceeded::Connections { limit: 2 });
        drop(first);
        assert!(account.connect(2).is_ok());
        assert_eq!(
            account.subscribe(0).unwrap_err(),
            LimitExceeded::Subscriptions { limit: 0 }
        );
    }

    #[test]
    fn a_message_that_one_rate_refuses_does_not_count_in_the_other() {
        let limits = Limits {
            messages_per_second: Some(2),
            bytes_per_second: Some(10),
            ..Limits::default()
        };
        let account = Account::new(&limits);
        account.spend(9, &limits, Duration::ZERO).unwrap();
        assert_eq!(
            account.spend(9, &limits, Duration::ZERO),
            Err(LimitExceeded::Rate { limit: 10 })
        );
        account.spend(1, &limits, Duration::ZERO).unwrap();
        assert_eq!(
            account.spend(0, &limits, Duration::ZERO),
            Err(LimitExceeded::Rate { limit: 2 })
        );
    }

    #[test]
    fn a_rate_that_changes_holds_from_the_next_message_on() {
        let limits = |rate| Limits {
            messages_per_second: rate,
            ..Limits::default()
        };
        let account = Account::new(&limits(None));
        let spend = |rate, s| account.spend(1, &limits(rate), Duration::from_secs(s));
        assert_eq!(spend(Some(1), 0), Ok(()));
        assert_eq!(spend(Some(1), 0), Err(LimitExceeded::Rate { limit: 1 }));
        // More, but not at once: it comes with time.
        assert_eq!(spend(Some(2), 0), Err(LimitExceeded::Rate { limit: 2 }));
        assert_eq!([spend(Some(2), 1), spend(Some(2), 1)], [Ok(()), Ok(())]);
        assert_eq!(spend(Some(1), 9), Ok(()));
        assert_eq!(spend(Some(1), 9), Err(LimitExceeded::Rate { limit: 1 }));
        assert_eq!(spend(None, 9), Ok(()));
    }

    #[test]
    fn principals_are_remembered_up_to_a_bound_and_those_with_connections_are_kept() {
        let accounts = Accounts::default();
        let name = |n: usize| -> Arc<str> { n.to_string().into() };
        let kept = accounts.of(&name(0), &Limits::default()).unwrap();
        for n in 1..=MAX_ACCOUNTS {
            assert!(accounts.of(&name(n), &Limits::default()).is_some());
        }
        assert!(accounts.lock().len() <= MAX_ACCOUNTS);
        assert!(Arc::ptr_eq(&kept, &accounts.of(&name(0), &Limits::default()).unwrap()));

        let all: Vec<_> = (0..MAX_ACCOUNTS)
            .map_while(|n| accounts.of(&name(n), &Limits::default()))
            .collect();
        assert_eq!(all.len(), MAX_ACCOUNTS);
        assert!(accounts.of(&name(MAX_ACCOUNTS), &Limits::default()).is_none());
    }
}
