//! One rule of a log filter.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::MAX_RULES;
use super::wildcard::Wildcard;
use crate::excerpt::excerpt;
use crate::log_level::LogLevel;
use crate::log_record::LogRecord;
use crate::rate_limiter::RateLimiter;

/// Longest id of a rule; generated ones have 23 bytes.
pub const MAX_RULE_ID_BYTES: usize = 128;
/// Longest value of a rule: a pattern need not be a whole message.
pub const MAX_RULE_VALUE_BYTES: usize = 512;
/// Bytes of a wrong level that the error repeats.
const SHOWN_BYTES: usize = 32;

/// All kinds, in the order in which they are judged.
pub(super) const KINDS: [RuleBy; 4] = [RuleBy::Level, RuleBy::Module, RuleBy::Pattern, RuleBy::Node];

/// What is done with which log entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRule {
    /// Its name; 1 to 128 bytes.
    pub id: String,
    /// What it looks at.
    pub by: RuleBy,
    /// What it looks for, as [`RuleBy`] says; 1 to 512 bytes.
    pub value: String,
    /// What it does with entries that match.
    pub action: RuleAction,
    /// If false, it is kept and does nothing.
    pub enabled: bool,
}

/// What a rule looks at, and what its value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleBy {
    /// The level; the value is a level's name and matches it and everything graver, whatever the action.
    Level,
    /// The module; the value matches itself and what is inside it: `broker` matches `broker::ring` and `broker.ring`,
    /// not `brokers`.
    Module,
    /// The message; the value matches wherever it occurs, capitals and small letters being different. `*` stands for
    /// any text, or none.
    Pattern,
    /// The node; the value is its whole id.
    Node,
}

impl RuleBy {
    /// As it is written: `level`, `module`, `pattern`, `node`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::Module => "module",
            Self::Pattern => "pattern",
            Self::Node => "node",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        KINDS.into_iter().find(|by| by.name() == name)
    }
}

/// What a rule does with entries that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleAction {
    /// They are let through, and those that match no such rule of the same kind are not.
    Include,
    /// They are kept out.
    Exclude,
    /// So many are let through, all that match taken together: after a pause one second's worth at once.
    RateLimit {
        /// How many a second.
        per_second: NonZeroU32,
    },
}

impl RuleAction {
    /// As it is written: `include`, `exclude`, `rate_limit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Include => "include",
            Self::Exclude => "exclude",
            Self::RateLimit { .. } => "rate_limit",
        }
    }
}

/// A rule in force.
#[derive(Debug)]
pub(super) struct Rule {
    rule: LogRule,
    id: Arc<str>,
    matcher: Matcher,
    limiter: Option<RateLimiter>,
}

#[derive(Debug)]
enum Matcher {
    AtLeast(LogLevel),
    Inside,
    Message(Wildcard),
    Node,
}

impl Rule {
    pub(super) fn new(rule: LogRule) -> Result<Self, LogRuleError> {
        check_length("id", &rule.id, MAX_RULE_ID_BYTES)?;
        check_length("value", &rule.value, MAX_RULE_VALUE_BYTES)?;
        let matcher = match rule.by {
            RuleBy::Level => Matcher::AtLeast(LogLevel::from_name(&rule.value).ok_or_else(|| {
                let given = excerpt(&rule.value, SHOWN_BYTES).escape_debug().to_string();
                LogRuleError::UnknownLevel { given }
            })?),
            RuleBy::Module => Matcher::Inside,
            RuleBy::Pattern => Matcher::Message(Wildcard::new(&rule.value)),
            RuleBy::Node => Matcher::Node,
        };
        let limiter = match rule.action {
            RuleAction::RateLimit { per_second } => Some(RateLimiter::new(per_second, per_second)),
            RuleAction::Include | RuleAction::Exclude => None,
        };
        Ok(Self {
            id: rule.id.as_str().into(),
            rule,
            matcher,
            limiter,
        })
    }

    pub(super) fn matches(&self, record: &LogRecord<'_>) -> bool {
        match &self.matcher {
            Matcher::AtLeast(level) => record.level >= *level,
            Matcher::Inside => is_inside(record.module, &self.rule.value),
            Matcher::Message(wildcard) => wildcard.occurs_in(record.message),
            Matcher::Node => record.node == self.rule.value,
        }
    }

    /// Whether it limits the rate of such entries.
    pub(super) fn limits(&self, record: &LogRecord<'_>) -> bool {
        self.limiter.is_some() && self.is_enabled() && self.matches(record)
    }

    pub(super) fn has_room(&self, now: Duration) -> bool {
        self.limiter.as_ref().is_none_or(|limiter| limiter.has_room(now))
    }

    pub(super) fn take(&mut self, now: Duration) {
        if let Some(limiter) = &mut self.limiter {
            limiter.take(now);
        }
    }

    pub(super) fn refused(&mut self) -> u64 {
        self.limiter.as_mut().map_or(0, RateLimiter::refused)
    }

    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.rule == other.rule
    }

    pub(super) fn rule(&self) -> &LogRule {
        &self.rule
    }

    pub(super) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(super) fn by(&self) -> RuleBy {
        self.rule.by
    }

    pub(super) fn action(&self) -> RuleAction {
        self.rule.action
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.rule.enabled
    }
}

/// Why a rule was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogRuleError {
    /// Its id or value is empty or too long.
    #[error("the {what} of the rule has {bytes} bytes: it must have 1 to {most}")]
    Length {
        /// Which of them: id or value.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// Its value should be a level and is none.
    #[error("`{given}` is no level: it must be debug, info, warn, error or critical")]
    UnknownLevel {
        /// The value, escaped and cut.
        given: String,
    },
    /// There are too many.
    #[error("there are {MAX_RULES} rules already: remove one first")]
    TooMany,
}

fn check_length(what: &'static str, text: &str, most: usize) -> Result<(), LogRuleError> {
    match text.len() {
        bytes if (1..=most).contains(&bytes) => Ok(()),
        bytes => Err(LogRuleError::Length { what, bytes, most }),
    }
}

/// Whether `module` is `outer` or inside it. A separator at the end of `outer` makes no difference.
fn is_inside(module: &str, outer: &str) -> bool {
    let outer = outer.trim_end_matches([':', '.']);
    let rest = module.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_inside_itself_and_inside_those_around_it() {
        for inside in ["broker", "broker::ring", "broker.ring", "broker::ring::lag"] {
            for outer in ["broker", "broker::", "broker."] {
                assert!(is_inside(inside, outer), "{inside} in {outer}");
            }
        }
        for outside in [
            "brokers",
            "brokers::ring",
            "mesh::broker",
            "brok",
            "broker:ring",
            "Broker",
            "",
        ] {
            assert!(!is_inside(outside, "broker"), "{outside}");
        }
        assert!(is_inside("Elixir.ExESDB.Store", "Elixir.ExESDB"));
    }

    #[test]
    fn names_are_read_back() {
        for by in KINDS {
            assert_eq!(RuleBy::from_name(by.name()), Some(by));
        }
        assert_eq!(RuleBy::from_name("Level"), None);
        let per_second = NonZeroU32::MIN;
        let actions = [
            RuleAction::Include,
            RuleAction::Exclude,
            RuleAction::RateLimit { per_second },
        ];
        assert_eq!(actions.map(RuleAction::name), ["include", "exclude", "rate_limit"]);
    }
}
