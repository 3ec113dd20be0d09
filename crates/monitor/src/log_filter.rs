//! Which log entries are let through: rules that include, exclude, or limit the rate.
//!
//! An entry is judged in this order:
//!
//! 1. A rule that excludes and matches keeps it out, whatever else matches.
//! 2. Of each kind of rule (level, module, pattern, node) that includes, if there are any, one must match. So
//!    "module `broker`" and "module `mesh`" let through the entries of both, and "level `warn`" beside them only their
//!    warnings and what is graver.
//! 3. Every rule that limits the rate and matches must have room; if one has none, nothing is taken from the others.

mod rule;
mod wildcard;

use std::sync::Arc;
use std::time::Duration;

use self::rule::{KINDS, Rule};
use crate::log_record::LogRecord;

pub use self::rule::{LogRule, LogRuleError, MAX_RULE_ID_BYTES, MAX_RULE_VALUE_BYTES, RuleAction, RuleBy};

/// Rules in all: each entry is compared with each of them. A further one is refused.
pub const MAX_RULES: usize = 256;

/// The rules in force.
#[derive(Debug, Default)]
pub struct LogFilters {
    /// At most [`MAX_RULES`], in the order in which they were set first.
    rules: Vec<Rule>,
}

/// Whether an entry is let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admit {
    /// It is.
    Yes,
    /// It is kept out by the rule with this id: one that excludes it; or the first of those that include by one kind,
    /// none of which matches.
    Excluded(Arc<str>),
    /// The rule with this id has let through enough for now.
    Limited(Arc<str>),
}

impl LogFilters {
    /// No rules: everything is let through.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule, or replaces the one of the same id in its place. One that is told again unchanged goes on as it is;
    /// a changed one that limits the rate begins with a full second's worth.
    ///
    /// # Errors
    ///
    /// If the rule breaks a bound, its level is none, or there are [`MAX_RULES`] others; then nothing has changed.
    pub fn set(&mut self, rule: LogRule) -> Result<(), LogRuleError> {
        let rule = Rule::new(rule)?;
        if let Some(known) = self.rules.iter_mut().find(|known| known.id() == rule.id()) {
            if !known.says_the_same(&rule) {
                *known = rule;
            }
            return Ok(());
        }
        if self.rules.len() >= MAX_RULES {
            return Err(LogRuleError::TooMany);
        }
        self.rules.push(rule);
        Ok(())
    }

    /// Takes a rule away. False if there is none of this id.
    pub fn remove(&mut self, id: &str) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| &**rule.id() != id);
        self.rules.len() < before
    }

    /// The rules, in the order in which they were set first.
    pub fn rules(&self) -> impl Iterator<Item = &LogRule> {
        self.rules.iter().map(Rule::rule)
    }

    /// Judges an entry. What is let through is taken from the rates.
    pub fn admit(&mut self, record: &LogRecord<'_>, now: Duration) -> Admit {
        match self.excluding(record) {
            Some(id) => Admit::Excluded(id),
            None => self.limit(record, now),
        }
    }

    /// How many entries each rule has kept out by its rate since this was last asked; rules that kept out none are not
    /// named.
    pub fn limited(&mut self) -> Vec<(Arc<str>, u64)> {
        let refused = self.rules.iter_mut().map(|rule| (rule.id().clone(), rule.refused()));
        refused.filter(|(_, count)| *count > 0).collect()
    }

    /// The id of the rule that keeps the entry out.
    fn excluding(&self, record: &LogRecord<'_>) -> Option<Arc<str>> {
        let enabled = || self.rules.iter().filter(|rule| rule.is_enabled());
        let mut excludes = enabled().filter(|rule| rule.action() == RuleAction::Exclude);
        if let Some(rule) = excludes.find(|rule| rule.matches(record)) {
            return Some(rule.id().clone());
        }
        KINDS.into_iter().find_map(|by| {
            let includes = || enabled().filter(move |rule| rule.action() == RuleAction::Include && rule.by() == by);
            let first = includes().next()?;
            let is_met = includes().any(|rule| rule.matches(record));
            (!is_met).then(|| first.id().clone())
        })
    }

    fn limit(&mut self, record: &LogRecord<'_>, now: Duration) -> Admit {
        let mut rules = self.rules.iter_mut();
        if let Some(full) = rules.find(|rule| rule.limits(record) && !rule.has_room(now)) {
            full.take(now);
            return Admit::Limited(full.id().clone());
        }
        for rule in self.rules.iter_mut().filter(|rule| rule.limits(record)) {
            rule.take(now);
        }
        Admit::Yes
    }
}

#[cfg(test)]
mod tests;
