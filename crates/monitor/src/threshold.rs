//! Thresholds on metrics: when a value becomes an alert, and when the alert is over.
//!
//! A [`ThresholdRule`] names a metric and its limits; [`ThresholdEngine`] holds the rules and follows each series:
//! one rule, one node, one component. It tells only changes: a series that stays above its limit is told once, and
//! again when it rises from warning to critical.

mod rule;
mod series;

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_message::NodeId;
use serde::Serialize;

pub use self::rule::{MAX_SUSTAINED, MAX_TEXT_BYTES, RuleError, ThresholdKind, ThresholdRule};
use self::series::Series;

/// Most rules of an engine: each sample of a metric looks at all rules on that metric.
pub const MAX_RULES: usize = 256;
/// Most series followed. When full, the one without a sample for longest is forgotten, one that is raised last of all;
/// [`ThresholdEngine::forgotten`] counts them. A raised one that is forgotten is never told as cleared.
pub const MAX_SERIES: usize = 16_384;
/// So many go at once, so that not each further series looks through all.
const FORGOTTEN_AT_ONCE: usize = 256;

/// How far beyond its limits a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdSeverity {
    /// Beyond the warning limit.
    Warning,
    /// Beyond the critical limit.
    Critical,
}

/// Something to tell of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThresholdChange {
    /// The rule.
    pub rule: String,
    /// Its metric.
    pub metric_name: String,
    /// The component that the value is of; empty if none was given.
    pub component: String,
    /// The node that the value is of.
    pub node: NodeId,
    /// The last value.
    pub current_value: f64,
    /// Whether the limit is a least or a most.
    pub threshold_type: ThresholdKind,
    /// What happened.
    #[serde(flatten)]
    pub transition: Transition,
}

/// What happened to a series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Transition {
    /// It is beyond a limit, or beyond a worse one than before.
    Raised {
        /// How far.
        severity: ThresholdSeverity,
        /// The limit.
        threshold_value: f64,
    },
    /// It was critical, and is still beyond the warning limit.
    Lowered {
        /// That limit.
        threshold_value: f64,
    },
    /// It is back inside all limits, by the hysteresis.
    Cleared {
        /// How far it was beyond.
        severity: ThresholdSeverity,
        /// The limit that it is inside of again.
        threshold_value: f64,
    },
}

/// The rules, and the series that they have seen.
#[derive(Debug, Default)]
pub struct ThresholdEngine {
    rules: BTreeMap<String, ThresholdRule>,
    series: BTreeMap<SeriesKey, Series>,
    ignored: u64,
    forgotten: u64,
}

/// Rule, node, component.
type SeriesKey = (String, NodeId, String);

/// A rule that cannot be added.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AddRuleError {
    /// The rule makes no sense.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// There are [`MAX_RULES`] already.
    #[error("there are {MAX_RULES} threshold rules already, the most there can be: remove one first")]
    Full,
}

impl ThresholdEngine {
    /// An engine without rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule, or replaces the one with the same id. The series of a replaced rule begin anew; what it had
    /// raised is returned as cleared.
    ///
    /// # Errors
    ///
    /// The rule makes no sense, or there are too many. Nothing has changed then.
    pub fn add(&mut self, rule: ThresholdRule) -> Result<Vec<ThresholdChange>, AddRuleError> {
        rule.check()?;
        if self.rules.len() >= MAX_RULES && !self.rules.contains_key(&rule.id) {
            return Err(AddRuleError::Full);
        }
        let cleared = self.remove(&rule.id);
        self.rules.insert(rule.id.clone(), rule);
        Ok(cleared)
    }

    /// Removes a rule; what it had raised is returned as cleared.
    pub fn remove(&mut self, id: &str) -> Vec<ThresholdChange> {
        let Some(rule) = self.rules.remove(id) else {
            return Vec::new();
        };
        let ended = self.series.extract_if(.., |(of, ..), _| of == id);
        ended
            .filter_map(|((_, node, component), series)| {
                let transition = series.end(&rule)?;
                Some(rule.change(&node, &component, series.last(), transition))
            })
            .collect()
    }

    /// The rules, by id.
    pub fn rules(&self) -> impl Iterator<Item = &ThresholdRule> {
        self.rules.values()
    }

    /// A value of a metric. `component` is empty where there is none. Returns what changed: at most one change for
    /// each rule on the metric. Values that are no numbers are passed over and counted, as are samples whose names
    /// are longer than [`MAX_TEXT_BYTES`].
    pub fn on_sample(
        &mut self,
        metric_name: &str,
        component: &str,
        node: &NodeId,
        value: f64,
        now: Duration,
    ) -> Vec<ThresholdChange> {
        if !value.is_finite() || metric_name.len() > MAX_TEXT_BYTES || component.len() > MAX_TEXT_BYTES {
            self.ignored = self.ignored.saturating_add(1);
            return Vec::new();
        }
        let mut changes = Vec::new();
        let rules = self.rules.values();
        for rule in rules.filter(|rule| rule.applies_to(metric_name, component)) {
            let key = (rule.id.clone(), node.clone(), component.to_owned());
            if self.series.len() >= MAX_SERIES && !self.series.contains_key(&key) {
                self.forgotten = self.forgotten.saturating_add(make_room(&mut self.series));
            }
            let series = self.series.entry(key).or_default();
            let transition = series.on_value(rule, value, now);
            changes.extend(transition.map(|transition| rule.change(node, component, value, transition)));
        }
        changes
    }

    /// A node is gone for good: its series are forgotten; what was raised is returned as cleared.
    pub fn forget(&mut self, node: &NodeId) -> Vec<ThresholdChange> {
        let rules = &self.rules;
        let ended = self.series.extract_if(.., |(_, of, _), _| of == node);
        ended
            .filter_map(|((id, node, component), series)| {
                let rule = rules.get(&id)?;
                let transition = series.end(rule)?;
                Some(rule.change(&node, &component, series.last(), transition))
            })
            .collect()
    }

    /// How many samples were passed over.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// How many series were forgotten for lack of room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

fn make_room(series: &mut BTreeMap<SeriesKey, Series>) -> u64 {
    let mut order: Vec<(bool, Duration, &SeriesKey)> = series
        .iter()
        .map(|(key, series)| (series.is_raised(), series.seen_at(), key))
        .collect();
    order.sort_unstable();
    let victims: Vec<SeriesKey> = order
        .into_iter()
        .take(FORGOTTEN_AT_ONCE)
        .map(|(.., key)| key.clone())
        .collect();
    for key in &victims {
        series.remove(key);
    }
    victims.len() as u64
}

#[cfg(test)]
mod tests;
