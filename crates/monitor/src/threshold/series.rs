//! One series under one rule.

use std::time::Duration;

use super::rule::ThresholdRule;
use super::{ThresholdSeverity, Transition};

/// Where one series stands.
#[derive(Debug, Default)]
pub(super) struct Series {
    raised: Option<ThresholdSeverity>,
    /// Samples in a row beyond the warning limit or worse, and beyond the critical one.
    beyond: u32,
    beyond_critical: u32,
    seen_at: Duration,
    last: f64,
}

impl Series {
    /// The next value; what it changes.
    pub(super) fn on_value(&mut self, rule: &ThresholdRule, value: f64, now: Duration) -> Option<Transition> {
        self.seen_at = now;
        self.last = value;
        let severity = rule.judge(value);
        self.beyond = next_run(self.beyond, severity.is_some());
        self.beyond_critical = next_run(self.beyond_critical, severity == Some(ThresholdSeverity::Critical));
        let reached = if self.beyond_critical >= rule.sustained {
            Some(ThresholdSeverity::Critical)
        } else if self.beyond >= rule.sustained {
            Some(ThresholdSeverity::Warning)
        } else {
            None
        };
        let before = self.raised;
        let held = before.and_then(|before| rule.judge_raised(value, before));
        self.raised = reached.max(held);
        transition(rule, before, self.raised)
    }

    /// What is to be told if the series ends.
    pub(super) fn end(&self, rule: &ThresholdRule) -> Option<Transition> {
        transition(rule, self.raised, None)
    }

    pub(super) fn is_raised(&self) -> bool {
        self.raised.is_some()
    }

    pub(super) fn seen_at(&self) -> Duration {
        self.seen_at
    }

    pub(super) fn last(&self) -> f64 {
        self.last
    }
}

fn next_run(run: u32, goes_on: bool) -> u32 {
    if goes_on { run.saturating_add(1) } else { 0 }
}

fn transition(
    rule: &ThresholdRule,
    before: Option<ThresholdSeverity>,
    after: Option<ThresholdSeverity>,
) -> Option<Transition> {
    match (before, after) {
        (before, Some(severity)) if before < after => Some(Transition::Raised {
            severity,
            threshold_value: rule.limit(severity)?,
        }),
        (Some(ThresholdSeverity::Critical), Some(ThresholdSeverity::Warning)) => Some(Transition::Lowered {
            threshold_value: rule.warning?,
        }),
        (Some(severity), None) => Some(Transition::Cleared {
            severity,
            // The least of its limits is the one it had to come inside of.
            threshold_value: rule.warning.or(rule.critical)?,
        }),
        _ => None,
    }
}
