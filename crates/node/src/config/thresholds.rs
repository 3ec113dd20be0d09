//! The list of thresholds: what was typed, what it means, and what may be wrong with it.

use std::collections::BTreeMap;

use bellwether_monitor::threshold::{MAX_RULES, MAX_TEXT_BYTES, ThresholdKind, ThresholdRule};

use crate::integration::IntegrationSettings;

use super::error::ConfigError;
use super::origin::{Origin, Origins};
use super::{Bounds, Config};

pub(super) const SUSTAINED: Bounds = Bounds {
    key: "sustained",
    min: 1,
    max: 1_000,
    unit: "values",
};
pub(super) const HYSTERESIS: Bounds = Bounds {
    key: "hysteresis",
    min: 0,
    max: 1,
    unit: "(a share of the limit)",
};

/// The keys of one threshold, in the order of [`ThresholdLayer`]'s fields.
pub(super) const THRESHOLD_KEYS: [&str; 8] = [
    "id",
    "metric_name",
    "component",
    "kind",
    "warning",
    "critical",
    "sustained",
    "hysteresis",
];

/// One threshold as a layer gave it; `None` = not given. What it means and its bounds: see
/// [`EXAMPLE`](super::EXAMPLE).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThresholdLayer {
    /// What it is called in alerts, unique. Required.
    pub id: Option<String>,
    /// The metric, by name. Required.
    pub metric_name: Option<String>,
    /// Only values of this component. Default: of every one.
    pub component: Option<String>,
    /// `min` or `max`: which side of the limits is bad. Required.
    pub kind: Option<String>,
    /// The limit that warns. One of the two is required.
    pub warning: Option<f64>,
    /// The limit that is critical.
    pub critical: Option<f64>,
    /// So many values in a row must be beyond a limit. Default: 1.
    pub sustained: Option<u64>,
    /// How far back a value must come, as a share of the limit. Default: 0.05.
    pub hysteresis: Option<f64>,
}

/// What is wrong with a threshold.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdProblem {
    /// A key that every threshold must have.
    #[error("this threshold has no `{key}`; give each an `id`, a `metric_name` and a `kind`")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// An id, metric or component that is empty, too long, or has control characters.
    #[error("this text has {bytes} bytes{}; use 1 to 128 bytes without control characters",
        if *control { " and a control character" } else { "" })]
    Text {
        /// Its length.
        bytes: usize,
        /// Whether it has a control character.
        control: bool,
    },
    /// Neither `min` nor `max`.
    #[error("`{given}` is no kind; write `max` where too much is bad, `min` where too little is")]
    Kind {
        /// What was given.
        given: String,
    },
    /// An id that an earlier threshold has.
    #[error("the id `{id}` is taken by another threshold ({first}); give each its own")]
    Duplicate {
        /// The id.
        id: String,
        /// Where it was given first.
        first: Origin,
    },
    /// Neither limit.
    #[error("the threshold `{id}` has neither `warning` nor `critical`; give one of them or both")]
    NoLimit {
        /// The id.
        id: String,
    },
    /// A limit that is infinite or no number.
    #[error("a limit of the threshold `{id}` is {limit}; write a finite number")]
    NotFinite {
        /// The id.
        id: String,
        /// The limit.
        limit: f64,
    },
    /// Limits in the wrong order.
    #[error("the threshold `{id}` is critical at {critical} and warns at {warning}; where `kind` is `{kind}`, \
        `warning` must be {} `critical`", if *kind == "max" { "below" } else { "above" })]
    Order {
        /// The id.
        id: String,
        /// `min` or `max`.
        kind: &'static str,
        /// The limit that warns.
        warning: f64,
        /// The limit that is critical.
        critical: f64,
    },
}

/// `thresholds[2]`
pub(super) fn element(index: usize) -> String {
    format!("thresholds[{index}]")
}

/// `thresholds[2].kind`
pub(super) fn threshold_key(index: usize, key: &str) -> String {
    format!("{}.{key}", element(index))
}

/// Adds what a layer gave.
pub(super) fn take(
    settings: &mut IntegrationSettings,
    given: Vec<ThresholdLayer>,
    origins: &Origins,
) -> Result<(), ConfigError> {
    for (index, given) in given.into_iter().enumerate() {
        let refuse = |path: &str, problem| ConfigError::Threshold {
            setting: origins.setting(path),
            problem,
        };
        let missing = |key| move || refuse(&element(index), ThresholdProblem::Missing { key });
        let id = given.id.ok_or_else(missing("id"))?;
        let metric_name = given.metric_name.ok_or_else(missing("metric_name"))?;
        let kind = given.kind.ok_or_else(missing("kind"))?;
        let kinds = [ThresholdKind::Max, ThresholdKind::Min];
        let Some(kind) = kinds.into_iter().find(|known| known.name() == kind) else {
            let path = threshold_key(index, "kind");
            return Err(refuse(&path, ThresholdProblem::Kind { given: kind }));
        };
        let mut threshold = ThresholdRule::new(id, metric_name, kind);
        threshold.component = given.component;
        threshold.warning = given.warning;
        threshold.critical = given.critical;
        if let Some(sustained) = given.sustained {
            SUSTAINED.judge(sustained, || origins.setting(&threshold_key(index, SUSTAINED.key)))?;
            threshold.sustained = u32::try_from(sustained).unwrap_or(u32::MAX);
        }
        threshold.hysteresis = given.hysteresis.unwrap_or(threshold.hysteresis);
        settings.thresholds.push(threshold);
    }
    Ok(())
}

impl Config {
    pub(super) fn check_thresholds(&self) -> Result<(), ConfigError> {
        let thresholds = &self.integration.thresholds;
        if thresholds.len() > MAX_RULES {
            return Err(ConfigError::TooManyThresholds {
                setting: self.origins.setting(&element(MAX_RULES)),
                given: thresholds.len(),
                max: MAX_RULES,
            });
        }
        let mut ids = BTreeMap::new();
        for (index, threshold) in thresholds.iter().enumerate() {
            self.check_texts(index)?;
            if let Some(first) = ids.insert(&threshold.id, index) {
                let id = threshold.id.clone();
                let first = self.origins.of(&threshold_key(first, "id"));
                return Err(self.refuse(index, "id", ThresholdProblem::Duplicate { id, first }));
            }
            self.check_limits(index)?;
            let key = |bounds: &Bounds| self.origins.setting(&threshold_key(index, bounds.key));
            SUSTAINED.judge(threshold.sustained.into(), || key(&SUSTAINED))?;
            HYSTERESIS.judge_decimal(threshold.hysteresis, || key(&HYSTERESIS))?;
        }
        Ok(())
    }

    fn check_texts(&self, index: usize) -> Result<(), ConfigError> {
        let Some(threshold) = self.integration.thresholds.get(index) else {
            return Ok(());
        };
        let texts = [
            ("id", Some(&threshold.id)),
            ("metric_name", Some(&threshold.metric_name)),
            ("component", threshold.component.as_ref()),
        ];
        for (key, text) in texts {
            let Some(text) = text else { continue };
            let (bytes, control) = (text.len(), text.contains(char::is_control));
            if control || !(1..=MAX_TEXT_BYTES).contains(&bytes) {
                return Err(self.refuse(index, key, ThresholdProblem::Text { bytes, control }));
            }
        }
        Ok(())
    }

    fn check_limits(&self, index: usize) -> Result<(), ConfigError> {
        let Some(threshold) = self.integration.thresholds.get(index) else {
            return Ok(());
        };
        let id = || threshold.id.clone();
        for (key, limit) in [("warning", threshold.warning), ("critical", threshold.critical)] {
            if let Some(limit) = limit.filter(|limit| !limit.is_finite()) {
                return Err(self.refuse(index, key, ThresholdProblem::NotFinite { id: id(), limit }));
            }
        }
        match (threshold.warning, threshold.critical) {
            (None, None) => Err(ConfigError::Threshold {
                setting: self.origins.setting(&element(index)),
                problem: ThresholdProblem::NoLimit { id: id() },
            }),
            (Some(warning), Some(critical)) if !in_order(threshold.kind, warning, critical) => {
                let kind = threshold.kind.name();
                let problem = ThresholdProblem::Order {
                    id: id(),
                    kind,
                    warning,
                    critical,
                };
                Err(self.refuse(index, "critical", problem))
            }
            _ => Ok(()),
        }
    }

    fn refuse(&self, index: usize, key: &str, problem: ThresholdProblem) -> ConfigError {
        ConfigError::Threshold {
            setting: self.origins.setting(&threshold_key(index, key)),
            problem,
        }
    }
}

/// Whether a value passes the limit that warns before the one that is critical.
fn in_order(kind: ThresholdKind, warning: f64, critical: f64) -> bool {
    match kind {
        ThresholdKind::Min => warning > critical,
        ThresholdKind::Max => warning < critical,
    }
}
