//! What was refused: counted per reason, and told no more often than somebody can read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_message::Instance;

use crate::access::AuthenticateError;
use crate::denied::Action;
use crate::limits::LimitExceeded;

/// Between two publications for one reason.
const PUBLISH_EVERY: Duration = Duration::from_secs(10);

/// Why somebody was refused something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing was shown.
    Unauthenticated,
    /// What was shown is no token here.
    InvalidToken,
    /// A token that has expired.
    ExpiredToken,
    /// A token that was revoked.
    RevokedToken,
    /// To publish is not permitted.
    PublishDenied,
    /// To subscribe is not permitted.
    SubscribeDenied,
    /// To look is not permitted.
    LookDenied,
    /// To administer is not permitted.
    AdministerDenied,
    /// Too many connections.
    TooManyConnections,
    /// Too many subscriptions.
    TooManySubscriptions,
    /// Published too fast.
    TooFast,
    /// A payload that is too large.
    TooLarge,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Unauthenticated,
        Self::InvalidToken,
        Self::ExpiredToken,
        Self::RevokedToken,
        Self::PublishDenied,
        Self::SubscribeDenied,
        Self::LookDenied,
        Self::AdministerDenied,
        Self::TooManyConnections,
        Self::TooManySubscriptions,
        Self::TooFast,
        Self::TooLarge,
    ];

    /// What programs tell it by: `expired_token`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::InvalidToken => "invalid_token",
            Self::ExpiredToken => "expired_token",
            Self::RevokedToken => "revoked_token",
            Self::PublishDenied => "publish_denied",
            Self::SubscribeDenied => "subscribe_denied",
            Self::LookDenied => "look_denied",
            Self::AdministerDenied => "administer_denied",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManySubscriptions => "too_many_subscriptions",
            Self::TooFast => "too_fast",
            Self::TooLarge => "too_large",
        }
    }
}

impl From<AuthenticateError> for Refusal {
    fn from(err: AuthenticateError) -> Self {
        match err {
            AuthenticateError::Missing | AuthenticateError::Changed => Self::Unauthenticated,
            AuthenticateError::Invalid | AuthenticateError::NoSecret => Self::InvalidToken,
            AuthenticateError::Expired => Self::ExpiredToken,
            AuthenticateError::Revoked => Self::RevokedToken,
        }
    }
}

impl From<Action> for Refusal {
    fn from(action: Action) -> Self {
        match action {
            Action::Publish => Self::PublishDenied,
            Action::Subscribe => Self::SubscribeDenied,
            Action::Look => Self::LookDenied,
            Action::Administer => Self::AdministerDenied,
        }
    }
}

impl From<LimitExceeded> for Refusal {
    fn from(err: LimitExceeded) -> Self {
        match err {
            LimitExceeded::Connections { .. } => Self::TooManyConnections,
            LimitExceeded::Subscriptions { .. } => Self::TooManySubscriptions,
            LimitExceeded::Rate { .. } => Self::TooFast,
            LimitExceeded::Payload { .. } => Self::TooLarge,
        }
    }
}

/// What is to be told of one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusalReport {
    /// The reason.
    pub refusal: Refusal,
    /// How often since the node began.
    pub total: u64,
    /// How often since it was last published.
    pub unpublished: u64,
    /// Who was last refused.
    pub principal: Arc<str>,
    /// Where, if it was about messages.
    pub instance: Option<Instance>,
    /// Whether it belongs into the log now: the 1st, 2nd, 4th, 8th time.
    pub log: bool,
    /// Whether it is to be published now: at most every ten seconds.
    pub publish: bool,
}

/// The counts of all reasons.
#[derive(Debug)]
pub(crate) struct Refusals {
    counts: [AtomicU64; Refusal::ALL.len()],
    told: Mutex<[Told; Refusal::ALL.len()]>,
}

/// What was told of one reason.
#[derive(Debug, Clone, Default)]
struct Told {
    principal: Option<Arc<str>>,
    instance: Option<Instance>,
    logged: u64,
    published: u64,
    published_at: Option<Duration>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            counts: Default::default(),
            told: Mutex::new(Default::default()),
        }
    }
}

impl Refusals {
    pub(crate) fn count(&self, refusal: Refusal, principal: &Arc<str>, instance: Option<Instance>) {
        if let Some(count) = self.counts.get(refusal as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = told.get_mut(refusal as usize) {
            told.principal = Some(Arc::clone(principal));
            told.instance = instance;
        }
    }

    /// What is to be told now. Whoever asks tells it.
    pub(crate) fn take(&self, now: Duration) -> Vec<RefusalReport> {
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let reasons = Refusal::ALL.into_iter().zip(&self.counts).zip(all.iter_mut());
        let reports = reasons.filter_map(|((refusal, count), told)| {
            let total = count.load(Ordering::Relaxed);
            let is_due = told
                .published_at
                .is_none_or(|at| now.saturating_sub(at) >= PUBLISH_EVERY);
            let report = RefusalReport {
                refusal,
                total,
                unpublished: total - told.published,
                principal: told.principal.clone().unwrap_or_default(),
                instance: told.instance,
                log: magnitude(total) > magnitude(told.logged),
                publish: total > told.published && is_due,
            };
            if report.log {
                told.logged = total;
            }
            if report.publish {
                (told.published, told.published_at) = (total, Some(now));
            }
            (report.log || report.publish).then_some(report)
        });
        reports.collect()
    }
}

/// How many powers of two have been reached.
fn magnitude(count: u64) -> u32 {
    count.checked_ilog2().map_or(0, |power| power + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn each_reason_has_a_place_of_its_own() {
        for (index, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, index, "{}", refusal.name());
        }
    }

    #[test]
    fn a_flood_is_logged_at_powers_of_two_and_published_every_ten_seconds() {
        let refusals = Refusals::default();
        assert_eq!(refusals.take(s(0)), []);
        let (mut logged, mut published, mut told) = (0, 0, 0);
        for tick in 0..200 {
            for _ in 0..50 {
                refusals.count(Refusal::PublishDenied, &"web".into(), Some(Instance::Metrics));
            }
            for report in refusals.take(Duration::from_millis(tick * 500)) {
                assert_eq!(report.refusal, Refusal::PublishDenied);
                assert_eq!((&*report.principal, report.instance), ("web", Some(Instance::Metrics)));
                logged += u32::from(report.log);
                published += u32::from(report.publish);
                if report.publish {
                    told += report.unpublished;
                }
            }
        }
        // 10,000 times, in 100 seconds.
        assert!(logged <= 14, "{logged}");
        assert_eq!(published, 10);
        assert_eq!(
            told,
            50 + 9 * 1_000,
            "what came after the last publication waits for the next"
        );
    }

    #[test]
    fn reasons_do_not_wait_for_each_other() {
        let refusals = Refusals::default();
        refusals.count(Refusal::InvalidToken, &"anonymous".into(), None);
        assert!(refusals.take(s(0))[0].publish);
        refusals.count(Refusal::InvalidToken, &"anonymous".into(), None);
        refusals.count(Refusal::LookDenied, &"web".into(), None);
        let reports = refusals.take(s(1));
        assert_eq!(reports.len(), 2);
        assert!(reports[0].log && !reports[0].publish);
        assert!(reports[1].log && reports[1].publish);
        assert!(refusals.take(s(10))[0].publish);
    }
}
