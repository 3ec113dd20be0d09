//! The bus's own alerts: what each instance's counters say about its publishers and consumers.
//!
//! [`BusRules`] is given the counters of each instance at every interval, and tells changes only: what is raised is
//! not told again while it lasts, and is cleared once. To clear, a figure has to be well inside its limit, so that
//! one that swings about the limit is not told at each swing.

mod settings;
mod volume;

use std::time::Duration;

use bellwether_message::Instance;
use serde::Serialize;

pub use self::settings::{BusSettings, BusSettingsError};
use self::volume::Volume;
pub use self::volume::{HISTORY, LEAST_HISTORY};

/// A queue has to be beyond its limit for so many samples: a burst fills one for a moment.
const LAG_SAMPLES: u32 = 2;
/// A consumer lags no more when its queue is so far below the limit.
const LAG_CALM: f64 = 0.75;

/// The counters of one instance on this node at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BusSample {
    /// Messages accepted from local publishers so far.
    pub published: u64,
    /// Messages handed to local subscriptions so far. No rule looks at it by itself.
    pub delivered: u64,
    /// Messages accepted from peers so far.
    pub received: u64,
    /// Publications that were refused or failed so far.
    pub failed: u64,
    /// Messages so far that subscriptions missed because they were too slow.
    pub dropped: u64,
    /// Subscriptions so far that the overflow policy has ended.
    pub ended: u64,
    /// The fullest queue now, as a fraction from 0 to 1.
    pub queue_fill: f64,
}

/// What is watched of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BusRule {
    /// Far more messages per second than usual. The value and the limit are rates.
    VolumeHigh,
    /// Too many publications failed within one interval. The value and the limit are numbers of them.
    PublicationsFailed,
    /// The instance does not work. The value is 1, then 0.
    InstanceUnavailable,
    /// Subscriptions were ended for being too slow. The value is how many; cleared after an interval without.
    ConsumerDisconnected,
    /// A subscription leaves its queue nearly full, or misses messages. The value is the fraction that is full.
    ConsumerLagging,
}

/// Something to tell of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BusChange {
    /// What was watched.
    pub rule: BusRule,
    /// Where.
    pub instance: Instance,
    /// Whether it is raised, or cleared.
    pub raised: bool,
    /// The figure that decided.
    pub value: f64,
    /// What it is not to exceed.
    pub limit: f64,
}

/// The rules, and what they know of each of the ten instances.
#[derive(Debug)]
pub struct BusRules {
    settings: BusSettings,
    /// At each instance's index.
    instances: Vec<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    last: Option<(BusSample, Duration)>,
    volume: Volume,
    full_samples: u32,
    has_failed: bool,
    is_unavailable: bool,
    has_ended: bool,
    lags: bool,
}

impl BusRule {
    /// As it is written: `volume_high`, and so on.
    pub fn name(self) -> &'static str {
        match self {
            Self::VolumeHigh => "volume_high",
            Self::PublicationsFailed => "publications_failed",
            Self::InstanceUnavailable => "instance_unavailable",
            Self::ConsumerDisconnected => "consumer_disconnected",
            Self::ConsumerLagging => "consumer_lagging",
        }
    }
}

impl BusChange {
    /// The key of the alert: equal for all changes of one rule on one instance.
    pub fn key(&self) -> String {
        format!("bus_{}:{}", self.rule.name(), self.instance.name())
    }
}

impl BusRules {
    /// Rules that have seen nothing yet.
    ///
    /// # Errors
    ///
    /// A setting is out of range.
    pub fn new(settings: BusSettings) -> Result<Self, BusSettingsError> {
        settings.check()?;
        Ok(Self {
            settings,
            instances: Instance::ALL.iter().map(|_| Watched::default()).collect(),
        })
    }

    /// The counters of an instance. The first sample is where counting starts, and so is one with a counter lower
    /// than before: the instance has restarted. Of such a sample only the queue is judged. A sample no later than the
    /// last is passed over.
    pub fn on_sample(&mut self, instance: Instance, sample: &BusSample, now: Duration) -> Vec<BusChange> {
        let Some(watched) = self.instances.get_mut(instance.index()) else {
            return Vec::new();
        };
        let last = watched.last;
        if last.is_some_and(|(_, at)| at >= now) {
            return Vec::new();
        }
        watched.last = Some((*sample, now));
        let spent = last.and_then(|(last, at)| Some((sample.since(&last)?, now.saturating_sub(at))));
        let mut changes = Vec::new();
        let mut tell = |rule, change: Option<(bool, f64, f64)>| {
            changes.extend(change.map(|(raised, value, limit)| BusChange {
                rule,
                instance,
                raised,
                value,
                limit,
            }));
        };
        if let Some((delta, interval)) = &spent {
            let messages = delta.published.saturating_add(delta.received);
            let rate = messages as f64 / interval.as_secs_f64();
            tell(BusRule::VolumeHigh, watched.volume.on_rate(rate, &self.settings));
            tell(
                BusRule::PublicationsFailed,
                watched.judge_failed(delta.failed, &self.settings),
            );
            tell(BusRule::ConsumerDisconnected, watched.judge_ended(delta.ended));
        }
        let dropped = spent.map_or(0, |(delta, _)| delta.dropped);
        tell(
            BusRule::ConsumerLagging,
            watched.judge_lag(sample.queue_fill, dropped, &self.settings),
        );
        changes
    }

    /// Whether an instance works, as the caller sees it. Until it says otherwise each does.
    pub fn on_available(&mut self, instance: Instance, is_available: bool) -> Option<BusChange> {
        let watched = self.instances.get_mut(instance.index())?;
        let raised = turned(&mut watched.is_unavailable, !is_available)?;
        Some(BusChange {
            rule: BusRule::InstanceUnavailable,
            instance,
            raised,
            value: if raised { 1.0 } else { 0.0 },
            limit: 0.0,
        })
    }
}

impl Watched {
    fn judge_failed(&mut self, failed: u64, settings: &BusSettings) -> Option<(bool, f64, f64)> {
        let limit = settings.failed_per_interval;
        let is_bad = failed > if self.has_failed { limit / 2 } else { limit };
        let raised = turned(&mut self.has_failed, is_bad)?;
        Some((raised, failed as f64, limit as f64))
    }

    fn judge_ended(&mut self, ended: u64) -> Option<(bool, f64, f64)> {
        let raised = turned(&mut self.has_ended, ended > 0)?;
        Some((raised, ended as f64, 0.0))
    }

    fn judge_lag(&mut self, fill: f64, dropped: u64, settings: &BusSettings) -> Option<(bool, f64, f64)> {
        let limit = settings.queue_fill;
        let is_full = fill > limit;
        self.full_samples = if is_full {
            self.full_samples.saturating_add(1)
        } else {
            0
        };
        let lasts = self.lags && fill > limit * LAG_CALM;
        let lags = dropped > 0 || self.full_samples >= LAG_SAMPLES || lasts;
        let raised = turned(&mut self.lags, lags)?;
        Some((raised, fill, limit))
    }
}

impl BusSample {
    /// What was counted since an earlier sample; nothing can be said if a counter went backwards.
    fn since(&self, last: &Self) -> Option<Self> {
        Some(Self {
            published: self.published.checked_sub(last.published)?,
            delivered: self.delivered.checked_sub(last.delivered)?,
            received: self.received.checked_sub(last.received)?,
            failed: self.failed.checked_sub(last.failed)?,
            dropped: self.dropped.checked_sub(last.dropped)?,
            ended: self.ended.checked_sub(last.ended)?,
            queue_fill: self.queue_fill,
        })
    }
}

/// Sets a state; what it is now, if that is new.
fn turned(state: &mut bool, now: bool) -> Option<bool> {
    let before = std::mem::replace(state, now);
    (before != now).then_some(now)
}

#[cfg(test)]
mod tests;
