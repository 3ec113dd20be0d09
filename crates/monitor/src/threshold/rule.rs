//! A rule: a metric and its limits.

use bellwether_message::NodeId;
use serde::{Deserialize, Serialize};

use super::{ThresholdChange, ThresholdSeverity, Transition};

/// Longest id, metric name or component in bytes.
pub const MAX_TEXT_BYTES: usize = 128;
/// Most samples in a row that a rule may ask for: at one a second, an hour.
pub const MAX_SUSTAINED: u32 = 3_600;

/// A metric and its limits. Written with these names in settings; unknown ones are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdRule {
    /// What the rule is called; unique. At most [`MAX_TEXT_BYTES`].
    pub id: String,
    /// The metric. At most [`MAX_TEXT_BYTES`].
    pub metric_name: String,
    /// Only values of this component; default: of each, each by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Whether the limits are a least or a most.
    pub kind: ThresholdKind,
    /// Beyond it is a warning; default: no warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<f64>,
    /// Beyond it is critical; default: never critical. At least one of the two is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<f64>,
    /// So many samples in a row have to be beyond the limit. Default 1, at most [`MAX_SUSTAINED`].
    #[serde(default = "one")]
    pub sustained: u32,
    /// A raised series has to be inside its limit by this fraction of the limit, default 0.05, from 0 to below 1, so
    /// that one that swings about the limit is not told at each swing.
    #[serde(default = "twentieth")]
    pub hysteresis: f64,
    /// Whether it is applied. Default true.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// Whether a limit is a least or a most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdKind {
    /// Values below it are bad.
    Min,
    /// Values above it are bad.
    Max,
}

impl ThresholdKind {
    /// The kind as it is written: `min`, `max`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// A name is missing.
    #[error("a threshold rule needs {field}: it is empty")]
    Empty {
        /// Which.
        field: &'static str,
    },
    /// A name is too long.
    #[error("{field} of threshold rule `{rule}` has {bytes} bytes: at most {MAX_TEXT_BYTES} are allowed")]
    TooLong {
        /// The rule; its beginning, if its id is too long.
        rule: String,
        /// Which.
        field: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// There is no limit.
    #[error("threshold rule `{rule}` has no limit: give `warning`, `critical` or both")]
    NoLimit {
        /// The rule.
        rule: String,
    },
    /// A number is none, or out of range.
    #[error("{field} of threshold rule `{rule}` is {value}: it must be {allowed}")]
    Number {
        /// The rule.
        rule: String,
        /// Which.
        field: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// The limits are the wrong way round.
    #[error("threshold rule `{rule}`: critical ({critical}) must be {relation} warning ({warning})")]
    Order {
        /// The rule.
        rule: String,
        /// Its warning limit.
        warning: f64,
        /// Its critical limit.
        critical: f64,
        /// How they must be.
        relation: &'static str,
    },
}

impl ThresholdRule {
    /// A rule with every default. It has no limit yet, and would be refused: set one.
    pub fn new(id: impl Into<String>, metric_name: impl Into<String>, kind: ThresholdKind) -> Self {
        Self {
            id: id.into(),
            metric_name: metric_name.into(),
            component: None,
            kind,
            warning: None,
            critical: None,
            sustained: one(),
            hysteresis: twentieth(),
            enabled: yes(),
        }
    }

    /// Whether the rule makes sense.
    ///
    /// # Errors
    ///
    /// Says the first thing that does not, and what would.
    pub fn check(&self) -> Result<(), RuleError> {
        let component = self.component.as_deref();
        let texts = [
            ("id", Some(self.id.as_str())),
            ("metric_name", Some(&self.metric_name)),
            ("component", component),
        ];
        for (field, text) in texts {
            self.check_text(field, text)?;
        }
        let rule = || self.id.clone();
        if self.warning.is_none() && self.critical.is_none() {
            return Err(RuleError::NoLimit { rule: rule() });
        }
        for (field, value) in [("warning", self.warning), ("critical", self.critical)] {
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                return Err(self.number(field, value, "a finite number"));
            }
        }
        if let (Some(warning), Some(critical)) = (self.warning, self.critical) {
            let (in_order, relation) = match self.kind {
                ThresholdKind::Max => (critical > warning, "above"),
                ThresholdKind::Min => (critical < warning, "below"),
            };
            if !in_order {
                return Err(RuleError::Order {
                    rule: rule(),
                    warning,
                    critical,
                    relation,
                });
            }
        }
        if self.sustained == 0 || self.sustained > MAX_SUSTAINED {
            return Err(self.number("sustained", f64::from(self.sustained), "from 1 to 3600"));
        }
        if !(0.0..1.0).contains(&self.hysteresis) {
            return Err(self.number("hysteresis", self.hysteresis, "a fraction from 0 to below 1"));
        }
        Ok(())
    }

    pub(super) fn applies_to(&self, metric_name: &str, component: &str) -> bool {
        let is_component = self.component.as_deref().is_none_or(|only| only == component);
        self.enabled && self.metric_name == metric_name && is_component
    }

    /// How far beyond its limits a value is.
    pub(super) fn judge(&self, value: f64) -> Option<ThresholdSeverity> {
        let is_beyond = |limit: Option<f64>| limit.is_some_and(|limit| self.is_beyond(value, limit));
        if is_beyond(self.critical) {
            Some(ThresholdSeverity::Critical)
        } else if is_beyond(self.warning) {
            Some(ThresholdSeverity::Warning)
        } else {
            None
        }
    }

    /// How far a value still is beyond the limits, of a series that was raised to `severity`: inside them by the
    /// hysteresis is inside.
    pub(super) fn judge_raised(&self, value: f64, severity: ThresholdSeverity) -> Option<ThresholdSeverity> {
        let holds = |severity: ThresholdSeverity| {
            let limit = self.limit(severity);
            limit.is_some_and(|limit| self.is_beyond(value, limit + self.back_off(limit)))
        };
        if severity == ThresholdSeverity::Critical && holds(ThresholdSeverity::Critical) {
            Some(ThresholdSeverity::Critical)
        } else if holds(ThresholdSeverity::Warning) {
            Some(ThresholdSeverity::Warning)
        } else {
            None
        }
    }

    pub(super) fn limit(&self, severity: ThresholdSeverity) -> Option<f64> {
        match severity {
            ThresholdSeverity::Warning => self.warning,
            ThresholdSeverity::Critical => self.critical,
        }
    }

    pub(super) fn change(&self, node: &NodeId, component: &str, value: f64, transition: Transition) -> ThresholdChange {
        ThresholdChange {
            rule: self.id.clone(),
            metric_name: self.metric_name.clone(),
            component: component.to_owned(),
            node: node.clone(),
            current_value: value,
            threshold_type: self.kind,
            transition,
        }
    }

    fn is_beyond(&self, value: f64, limit: f64) -> bool {
        match self.kind {
            ThresholdKind::Max => value > limit,
            ThresholdKind::Min => value < limit,
        }
    }

    /// From a limit to where it is cleared.
    fn back_off(&self, limit: f64) -> f64 {
        let by = limit.abs() * self.hysteresis;
        match self.kind {
            ThresholdKind::Max => -by,
            ThresholdKind::Min => by,
        }
    }

    fn check_text(&self, field: &'static str, text: Option<&str>) -> Result<(), RuleError> {
        match text.map(str::len) {
            Some(0) => Err(RuleError::Empty { field }),
            Some(bytes) if bytes > MAX_TEXT_BYTES => {
                let end = self.id.floor_char_boundary(MAX_TEXT_BYTES);
                let rule = self.id.get(..end).unwrap_or_default().to_owned();
                Err(RuleError::TooLong { rule, field, bytes })
            }
            _ => Ok(()),
        }
    }

    fn number(&self, field: &'static str, value: f64, allowed: &'static str) -> RuleError {
        RuleError::Number {
            rule: self.id.clone(),
            field,
            value,
            allowed,
        }
    }
}

fn one() -> u32 {
    1
}

fn twentieth() -> f64 {
    0.05
}

fn yes() -> bool {
    true
}
