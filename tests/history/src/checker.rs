//! The checker: judges a history.

use crate::event::Event;
use crate::judge;
use crate::report::Report;
use crate::rules::Rules;
use crate::violation::{Findings, Violations};
use crate::world;

/// Judges histories by [`Rules`].
///
/// Needs time and memory in proportion to the events and to the pairs of a subscription and a message it must get.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    rules: Rules,
}

impl Checker {
    /// A checker of runs that obey `rules`.
    pub fn new(rules: Rules) -> Self {
        Self { rules }
    }

    /// Judges one whole run, whose events are in order of time, as [`merge`](crate::merge) leaves them.
    ///
    /// # Errors
    ///
    /// Everything the run did not keep.
    pub fn check(&self, events: &[Event]) -> Result<Report, Violations> {
        let (mut report, mut findings) = (Report::default(), Findings::default());
        let mut world = world::read(events, &self.rules, &mut report, &mut findings);
        judge::judge_exits(&world, &mut findings);
        judge::judge_downs(&world, &self.rules, &mut report, &mut findings);
        judge::judge_deliveries(&mut world, &self.rules, &mut report, &mut findings);
        findings.into_result(report)
    }
}
