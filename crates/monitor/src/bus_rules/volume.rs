//! What rate is usual, and what is far more.

use std::collections::VecDeque;

use super::settings::BusSettings;
use super::turned;

/// The usual rate is the mean of so many intervals. A high rate that lasts for as many is usual from then on.
pub const HISTORY: usize = 10;
/// Before so many intervals nothing is known to be usual.
pub const LEAST_HISTORY: usize = 3;
/// It is over when the rate is below so much of the limit.
const CALM: f64 = 0.5;

/// The rates of one instance.
#[derive(Debug, Default)]
pub(super) struct Volume {
    /// The last rates that were not high; at most [`HISTORY`].
    usual: VecDeque<f64>,
    /// The rates since it is high; fewer than [`HISTORY`]. They are no measure for themselves: one of them among ten
    /// would already be a tenth of the limit.
    high: VecDeque<f64>,
    is_high: bool,
}

impl Volume {
    /// The rate of the last interval. Returns whether it is raised now, the rate and the limit, if that has changed.
    pub(super) fn on_rate(&mut self, rate: f64, settings: &BusSettings) -> Option<(bool, f64, f64)> {
        let limit = self.limit(settings);
        let bound = if self.is_high { limit * CALM } else { limit };
        let is_known = self.usual.len() >= LEAST_HISTORY;
        if !is_known || rate <= bound {
            self.high.clear();
            if self.usual.len() >= HISTORY {
                self.usual.pop_front();
            }
            self.usual.push_back(rate);
            return turned(&mut self.is_high, false).map(|raised| (raised, rate, limit));
        }
        self.high.push_back(rate);
        if self.high.len() >= HISTORY {
            self.usual = std::mem::take(&mut self.high);
            return turned(&mut self.is_high, false).map(|raised| (raised, rate, self.limit(settings)));
        }
        turned(&mut self.is_high, true).map(|raised| (raised, rate, limit))
    }

    fn limit(&self, settings: &BusSettings) -> f64 {
        let mean = self.usual.iter().sum::<f64>() / self.usual.len().max(1) as f64;
        (mean * settings.volume_factor).max(settings.volume_floor)
    }
}
