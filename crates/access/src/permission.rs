//! One permission as it is written: an instance and a pattern of topics.

use std::fmt;
use std::str::FromStr;

use bellwether_message::{Instance, Pattern, TopicError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a permission holds: `metrics:*`, `events/orders:+:new`, or `*`.
///
/// | written | means |
/// | --- | --- |
/// | `metrics:*`, `metrics/*` | every topic of `metrics` |
/// | `events:orders:*` | those topics of `events` that the pattern `orders:*` matches |
/// | `*` | every topic of every instance but `security` and `audit` |
/// | `*/orders:*` | those that the pattern matches, of every instance but `security` and `audit` |
///
/// A wildcard that stands first does not allow topics that begin with `$`, which are the mesh's own, but for those of
/// foreign NATS subjects (`$nats:` in `events`). A denial by the same words does reach them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// `None`: every instance but `security` and `audit`.
    instance: Option<Instance>,
    pattern: Pattern,
}

impl Permission {
    /// In one instance.
    pub fn new(instance: Instance, pattern: Pattern) -> Self {
        Self {
            instance: Some(instance),
            pattern,
        }
    }

    /// The topics that it speaks of.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Whether it speaks of an instance. `security` and `audit` must be named.
    pub fn is_about(&self, instance: Instance) -> bool {
        match self.instance {
            Some(named) => named == instance,
            None => !matches!(instance, Instance::Security | Instance::Audit),
        }
    }
}

impl FromStr for Permission {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let (scope, pattern) = match text.find([':', '/']) {
            Some(at) => (&text[..at], &text[at + 1..]),
            None if text == "*" => ("*", "*"),
            None => return Err(PermissionError::NoPattern { given: shown(text) }),
        };
        let instance = match scope {
            "*" => None,
            name => Some(
                name.parse()
                    .map_err(|_| PermissionError::Instance { given: shown(name) })?,
            ),
        };
        let pattern = Pattern::new(pattern).map_err(|source| PermissionError::Pattern {
            given: shown(pattern),
            source,
        })?;
        Ok(Self { instance, pattern })
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instance {
            None if self.pattern.matches_everything() => f.write_str("*"),
            None => write!(f, "*/{}", self.pattern.as_str()),
            Some(instance) => write!(f, "{}:{}", instance.name(), self.pattern.as_str()),
        }
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Characters of what was given that an error repeats.
const SHOWN_CHARS: usize = 60;

fn shown(text: &str) -> String {
    text.escape_debug().take(SHOWN_CHARS).collect()
}

/// Why a text is no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PermissionError {
    /// It names no topics.
    #[error("`{given}` does not say which topics; write INSTANCE:PATTERN, for example metrics:*")]
    NoPattern {
        /// What was given.
        given: String,
    },
    /// There is no such instance.
    #[error(
        "there is no instance `{given}`; write INSTANCE:PATTERN, for example metrics:*, or * for all but security and audit"
    )]
    Instance {
        /// What was given.
        given: String,
    },
    /// The pattern is none.
    #[error("`{given}` is no pattern of topics: {source}")]
    Pattern {
        /// What was given.
        given: String,
        /// What is wrong with it.
        source: TopicError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_written_with_either_separator() {
        for (text, shown) in [
            ("metrics:*", "metrics:*"),
            ("metrics/cpu:*", "metrics:cpu:*"),
            ("events:orders:+:new", "events:orders:+:new"),
            ("*", "*"),
            ("*:*", "*"),
            ("*/orders:*", "*/orders:*"),
            ("events:$nats:*", "events:$nats:*"),
        ] {
            let permission: Permission = text.parse().unwrap();
            assert_eq!(permission.to_string(), shown, "{text}");
            assert_eq!(permission.to_string().parse::<Permission>().unwrap(), permission);
        }
    }

    #[test]
    fn what_is_no_permission_is_refused_in_words() {
        for (text, words) in [
            ("metrics", "does not say which topics"),
            ("", "does not say which topics"),
            ("metric:*", "no instance `metric`"),
            (":*", "no instance ``"),
            ("metrics:", "no pattern"),
            ("metrics:a::b", "no pattern"),
            ("\u{7}:*", "no instance `\\u{7}`"),
        ] {
            let err = text.parse::<Permission>().unwrap_err();
            assert!(err.to_string().contains(words), "{text}: {err}");
        }
    }

    #[test]
    fn security_and_audit_must_be_named() {
        let all: Permission = "*".parse().unwrap();
        for instance in Instance::ALL {
            let is_private = matches!(instance, Instance::Security | Instance::Audit);
            assert_eq!(all.is_about(instance), !is_private, "{instance}");
        }
        assert!("audit:*".parse::<Permission>().unwrap().is_about(Instance::Audit));
    }
}
