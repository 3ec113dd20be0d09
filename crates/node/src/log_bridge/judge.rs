//! Which records are published, and what is counted of all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_monitor::log_filter::{Admit, LogFilters, LogRule, LogRuleError};
use bellwether_monitor::log_record::LogRecord;
use bellwether_monitor::log_summary::{LogTally, LogTotals};
use bellwether_monitor::rate_limiter::RateLimiter;

use super::settings::LogBridgeSettings;

/// Filters, rates and the tally of a bridge.
#[derive(Debug)]
pub(super) struct Judge {
    filters: LogFilters,
    limiter: RateLimiter,
    /// For records of what is on the way of records.
    quiet_limiter: RateLimiter,
    tally: LogTally,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is published.
    Publish,
    /// A filter keeps it out.
    Excluded,
    /// There were too many.
    Limited,
}

impl Judge {
    pub(super) fn new(settings: &LogBridgeSettings) -> Self {
        let quiet = LogBridgeSettings::QUIET_PER_SECOND;
        Self {
            filters: LogFilters::new(),
            limiter: RateLimiter::new(settings.per_second, settings.burst),
            quiet_limiter: RateLimiter::new(quiet, quiet),
            tally: LogTally::new(Duration::ZERO),
        }
    }

    /// Counts a record and says what becomes of it. What a filter keeps out takes nothing from the rate.
    pub(super) fn judge(&mut self, record: &LogRecord<'_>, is_quiet: bool, now: Duration) -> Verdict {
        self.tally.record(record);
        match self.filters.admit(record, now) {
            Admit::Excluded(_) => return Verdict::Excluded,
            Admit::Limited(_) => return Verdict::Limited,
            Admit::Yes => {}
        }
        let passes = (!is_quiet || self.quiet_limiter.take(now)) && self.limiter.take(now);
        match passes {
            true => Verdict::Publish,
            false => Verdict::Limited,
        }
    }

    /// Sets a rule. Another that looks for the same and does the same is replaced, whatever its id.
    pub(super) fn set(&mut self, rule: LogRule) -> Result<(), LogRuleError> {
        let doubles: Vec<String> = self.alike(&rule).filter(|id| *id != rule.id).collect();
        if doubles.is_empty() {
            return self.filters.set(rule);
        }
        // Not before it is known to be a rule.
        LogFilters::new().set(rule.clone())?;
        for double in doubles {
            self.filters.remove(&double);
        }
        self.filters.set(rule)
    }

    /// Takes the rule of this id away. False if there is none.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.filters.remove(id)
    }

    /// Takes away the rule of the same id, or else what looks for the same and does the same.
    pub(super) fn revoke(&mut self, rule: &LogRule) {
        if self.filters.remove(&rule.id) {
            return;
        }
        let alike: Vec<String> = self.alike(rule).collect();
        for id in alike {
            self.filters.remove(&id);
        }
    }

    pub(super) fn rules(&self) -> Vec<LogRule> {
        self.filters.rules().cloned().collect()
    }

    /// How many records were too many since this was last asked: by the rates of the bridge, and by rule.
    pub(super) fn limited(&mut self) -> (u64, BTreeMap<String, u64>) {
        let by_rate = self.limiter.refused().saturating_add(self.quiet_limiter.refused());
        let by_rule = self.filters.limited().into_iter();
        (by_rate, by_rule.map(|(id, count)| (id.to_string(), count)).collect())
    }

    /// What was logged since this was last asked.
    pub(super) fn close(&mut self, now: Duration) -> Option<LogTotals> {
        self.tally.close(now)
    }

    fn alike<'a>(&'a self, rule: &'a LogRule) -> impl Iterator<Item = String> + 'a {
        let says = |rule: &LogRule| (rule.by, rule.value.clone(), rule.action.name());
        let wanted = says(rule);
        let rules = self.filters.rules().filter(move |known| says(known) == wanted);
        rules.map(|known| known.id.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use bellwether_monitor::log_filter::{RuleAction, RuleBy};
    use bellwether_monitor::log_level::LogLevel;

    use super::*;

    fn rule(id: &str, value: &str, action: RuleAction) -> LogRule {
        LogRule {
            id: id.to_owned(),
            by: RuleBy::Module,
            value: value.to_owned(),
            action,
            enabled: true,
        }
    }

    fn per_second(count: u32) -> RuleAction {
        RuleAction::RateLimit {
            per_second: NonZeroU32::new(count).unwrap(),
        }
    }

    fn judge(per_second: u32) -> Judge {
        let per_second = NonZeroU32::new(per_second).unwrap();
        Judge::new(&LogBridgeSettings {
            per_second,
            burst: per_second,
            ..LogBridgeSettings::default()
        })
    }

    fn ids(judge: &Judge) -> Vec<String> {
        judge.rules().into_iter().map(|rule| rule.id).collect()
    }

    fn of(module: &str) -> LogRecord<'_> {
        LogRecord {
            level: LogLevel::Info,
            module,
            message: "m",
            node: "a",
        }
    }

    #[test]
    fn what_is_excluded_takes_nothing_from_the_rate_and_is_counted_in_the_tally() {
        let mut judge = judge(2);
        judge.set(rule("1", "noise", RuleAction::Exclude)).unwrap();
        let verdicts =
            ["noise", "shop", "noise", "shop", "shop"].map(|module| judge.judge(&of(module), false, Duration::ZERO));
        use Verdict::{Excluded, Limited, Publish};
        assert_eq!(verdicts, [Excluded, Publish, Excluded, Publish, Limited]);
        assert_eq!(judge.limited(), (1, BTreeMap::new()));
        assert_eq!(judge.limited(), (0, BTreeMap::new()));
        assert_eq!(judge.close(Duration::from_secs(1)).unwrap().total_logs, 5);
    }

    #[test]
    fn quiet_records_have_a_small_rate_of_their_own_and_that_of_all() {
        let mut all = judge(1000);
        let mut publish = |is_quiet| all.judge(&of("x"), is_quiet, Duration::ZERO) == Verdict::Publish;
        assert_eq!((0..100).filter(|_| publish(true)).count(), 10);
        assert!(publish(false), "others are not held back");
        let mut narrow = judge(3);
        let mut publish = |is_quiet| narrow.judge(&of("x"), is_quiet, Duration::ZERO) == Verdict::Publish;
        assert_eq!((0..100).filter(|_| publish(true)).count(), 3);
    }

    #[test]
    fn what_rules_limit_is_told_by_rule() {
        let mut judge = judge(1000);
        judge.set(rule("slow", "noise", per_second(1))).unwrap();
        for _ in 0..4 {
            judge.judge(&of("noise"), false, Duration::ZERO);
        }
        assert_eq!(judge.limited(), (0, BTreeMap::from([("slow".to_owned(), 3)])));
    }

    #[test]
    fn rules_that_say_the_same_are_one() {
        let mut judge = judge(1);
        judge.set(rule("1", "a", RuleAction::Exclude)).unwrap();
        judge.set(rule("2", "a", RuleAction::Exclude)).unwrap();
        judge.set(rule("3", "a", per_second(1))).unwrap();
        judge.set(rule("4", "a", per_second(5))).unwrap();
        assert_eq!(ids(&judge), ["2", "4"]);
        assert_eq!(judge.rules()[1].action, per_second(5));
        assert!(judge.set(rule("", "a", RuleAction::Exclude)).is_err());
        assert_eq!(ids(&judge), ["2", "4"], "what is refused changes nothing");
    }

    #[test]
    fn a_rule_is_revoked_by_its_id_or_by_what_it_says() {
        let mut judge = judge(1);
        judge.set(rule("1", "a", RuleAction::Exclude)).unwrap();
        judge.set(rule("2", "b", RuleAction::Exclude)).unwrap();
        judge.revoke(&rule("2", "a", RuleAction::Exclude));
        assert_eq!(ids(&judge), ["1"], "the id goes before what it says");
        judge.revoke(&rule("9", "a", per_second(1)));
        assert_eq!(ids(&judge), ["1"]);
        judge.revoke(&rule("9", "a", RuleAction::Exclude));
        assert!(ids(&judge).is_empty());
    }
}
