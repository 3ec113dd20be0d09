//! The settings of the integration, each defined once: what it is called, what it may be and where it is kept.
//!
//! File, environment, bounds, hints and `config show` all read this one table.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::integration::IntegrationSettings;

use super::error::ConfigError;
use super::origin::Setting;
use super::{Bounds, milliseconds};

/// One setting, `table.key`.
pub(super) struct Definition {
    /// The dotted key and the bounds; those of a flag say nothing.
    pub(super) bounds: Bounds,
    place: Place,
}

/// Where a setting is kept, and thereby how it is written.
enum Place {
    Flag(Access<bool>),
    Milliseconds(Access<Duration>),
    Seconds(Access<Duration>),
    Count(Access<NonZeroU32>),
    Number(Access<u64>),
    Decimal(Access<f64>),
}

type Access<T> = fn(&mut IntegrationSettings) -> &mut T;

/// How a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A number that may have a fraction.
    Decimal,
}

/// A value as it was typed, or as it is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Flag(bool),
    Number(u64),
    Decimal(f64),
}

/// The settings of the integration as one layer gave them, the thresholds excepted; what is absent was not given here.
/// Filled by a file or the environment; a program sets the fields of [`Config::integration`](super::Config::integration).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntegrationLayer(BTreeMap<&'static str, Value>);

/// Shorter than 100 ms only costs; longer than an hour nobody waits.
const INTERVAL_MS: (u64, u64) = (100, 3_600_000);
/// So many in a row.
const RUN: (u64, u64) = (1, 1_000);
/// So many in a second, or in an interval.
const RATE: (u64, u64) = (1, 1_000_000);
const PERCENT: (u64, u64) = (1, 100);
const DAY_MS: u64 = 86_400_000;

/// All of them, table by table, in the order in which they are shown.
pub(super) const DEFINITIONS: [Definition; 26] = [
    flag("integration.enabled", |s| &mut s.enabled),
    interval("integration.health_broadcast_interval_ms", |s| &mut s.health_interval),
    interval("integration.metrics_broadcast_interval_ms", |s| &mut s.metrics_interval),
    flag("reporters.system", |s| &mut s.report_system),
    flag("reporters.health", |s| &mut s.report_health),
    flag("reporters.metrics", |s| &mut s.report_metrics),
    flag("reporters.members", |s| &mut s.report_members),
    flag("reporters.instances", |s| &mut s.report_instances),
    interval("reporters.instances_interval_ms", |s| &mut s.instances_interval),
    percent("reporters.resource_warning_percent", |s| &mut s.resource_warning),
    percent("reporters.resource_critical_percent", |s| &mut s.resource_critical),
    flag("health_monitoring.enabled", |s| &mut s.health_monitoring.enabled),
    interval("health_monitoring.check_interval_ms", |s| {
        &mut s.health_monitoring.check_interval
    }),
    count("health_monitoring.unhealthy_threshold", RUN, "failures", |s| {
        &mut s.health_monitoring.unhealthy_threshold
    }),
    flag("health_monitoring.circuit_breaker_enabled", |s| {
        &mut s.health_monitoring.circuit_breaker_enabled
    }),
    interval("health_monitoring.summary_interval_ms", |s| {
        &mut s.health_monitoring.summary_interval
    }),
    Definition {
        bounds: bounds("health_monitoring.expire_after_s", (1, 86_400), "seconds"),
        place: Place::Seconds(|s| &mut s.health_monitoring.expire_after),
    },
    count("health_monitoring.failure_threshold", RUN, "failures", |s| {
        &mut s.health_monitoring.failure_threshold
    }),
    interval("health_monitoring.open_ms", |s| &mut s.health_monitoring.open_for),
    count("health_monitoring.throttle_per_second", RATE, "deliveries", |s| {
        &mut s.health_monitoring.throttle_per_second
    }),
    flag("alerting.enabled", |s| &mut s.alerting.enabled),
    // 0: no alert is taken for a repetition.
    time("alerting.dedupe_ms", (0, DAY_MS), |s| &mut s.alerting.dedupe_for),
    time("alerting.escalate_after_ms", (1_000, 7 * DAY_MS), |s| {
        &mut s.alerting.escalate_after
    }),
    count("alerting.failed_publications", RATE, "publications", |s| {
        &mut s.alerting.failed_publications
    }),
    // Once the usual is not unusual.
    count("alerting.volume_factor", (2, 1_000), "times the usual", |s| {
        &mut s.alerting.volume_factor
    }),
    Definition {
        bounds: bounds("alerting.volume_floor", (0, 1_000_000_000), "messages"),
        place: Place::Number(|s| &mut s.alerting.volume_floor),
    },
];

const fn bounds(key: &'static str, (min, max): (u64, u64), unit: &'static str) -> Bounds {
    Bounds { key, min, max, unit }
}

const fn flag(key: &'static str, access: Access<bool>) -> Definition {
    Definition {
        bounds: bounds(key, (0, 1), ""),
        place: Place::Flag(access),
    }
}

const fn interval(key: &'static str, access: Access<Duration>) -> Definition {
    time(key, INTERVAL_MS, access)
}

const fn time(key: &'static str, ms: (u64, u64), access: Access<Duration>) -> Definition {
    Definition {
        bounds: bounds(key, ms, "milliseconds"),
        place: Place::Milliseconds(access),
    }
}

const fn count(key: &'static str, range: (u64, u64), unit: &'static str, access: Access<NonZeroU32>) -> Definition {
    Definition {
        bounds: bounds(key, range, unit),
        place: Place::Count(access),
    }
}

const fn percent(key: &'static str, access: Access<f64>) -> Definition {
    Definition {
        bounds: bounds(key, PERCENT, "percent"),
        place: Place::Decimal(access),
    }
}

impl Definition {
    /// The definition of a dotted key.
    pub(super) fn of(key: &str) -> Option<&'static Self> {
        DEFINITIONS.iter().find(|definition| definition.key() == key)
    }

    /// The definition that a variable names, given without `BELLWETHER_`: `REPORTERS_HEALTH`.
    pub(super) fn of_variable(short: &str) -> Option<&'static Self> {
        DEFINITIONS.iter().find(|definition| definition.variable() == short)
    }

    /// `reporters.health`
    pub(super) fn key(&self) -> &'static str {
        self.bounds.key
    }

    /// `reporters`
    pub(super) fn table(&self) -> &'static str {
        self.key().split_once('.').map_or("", |(table, _)| table)
    }

    /// `health`
    pub(super) fn name(&self) -> &'static str {
        self.key().split_once('.').map_or(self.key(), |(_, name)| name)
    }

    /// `REPORTERS_HEALTH`
    pub(super) fn variable(&self) -> String {
        self.key().replace('.', "_").to_uppercase()
    }

    pub(super) fn form(&self) -> Form {
        match self.place {
            Place::Flag(_) => Form::Flag,
            Place::Milliseconds(_) | Place::Seconds(_) | Place::Count(_) | Place::Number(_) => Form::Number,
            Place::Decimal(_) => Form::Decimal,
        }
    }

    pub(super) fn read(&self, settings: &IntegrationSettings) -> Value {
        // One way in serves both directions, so that no setting is read from one field and written to another.
        let mut settings = settings.clone();
        match self.place {
            Place::Flag(access) => Value::Flag(*access(&mut settings)),
            Place::Milliseconds(access) => Value::Number(milliseconds(*access(&mut settings))),
            Place::Seconds(access) => Value::Number(access(&mut settings).as_secs()),
            Place::Count(access) => Value::Number(access(&mut settings).get().into()),
            Place::Number(access) => Value::Number(*access(&mut settings)),
            Place::Decimal(access) => Value::Decimal(*access(&mut settings)),
        }
    }

    /// Judges `value` and takes it over; what is of another form changes nothing.
    pub(super) fn write(
        &self,
        settings: &mut IntegrationSettings,
        value: Value,
        setting: impl FnOnce() -> Setting,
    ) -> Result<(), ConfigError> {
        self.judge(value, setting)?;
        match (&self.place, value) {
            (Place::Flag(access), Value::Flag(on)) => *access(settings) = on,
            (Place::Milliseconds(access), Value::Number(ms)) => *access(settings) = Duration::from_millis(ms),
            (Place::Seconds(access), Value::Number(s)) => *access(settings) = Duration::from_secs(s),
            (Place::Count(access), Value::Number(number)) => *access(settings) = nonzero(number),
            (Place::Number(access), Value::Number(number)) => *access(settings) = number,
            (Place::Decimal(access), Value::Decimal(number)) => *access(settings) = number,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn judge(&self, value: Value, setting: impl FnOnce() -> Setting) -> Result<(), ConfigError> {
        match value {
            Value::Flag(_) => Ok(()),
            Value::Number(number) => self.bounds.judge(number, setting),
            Value::Decimal(number) => self.bounds.judge_decimal(number, setting),
        }
    }
}

/// The nearest count there is; what was judged is itself.
pub(super) fn nonzero(number: u64) -> NonZeroU32 {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// The tables, each once, in the order in which they are shown.
pub(super) fn tables() -> Vec<&'static str> {
    let mut tables: Vec<_> = DEFINITIONS.iter().map(Definition::table).collect();
    tables.dedup();
    tables
}

/// The definitions of one table.
pub(super) fn in_table(table: &str) -> impl Iterator<Item = &'static Definition> {
    DEFINITIONS.iter().filter(move |definition| definition.table() == table)
}

impl IntegrationLayer {
    pub(super) fn insert(&mut self, definition: &'static Definition, value: Value) {
        self.0.insert(definition.key(), value);
    }

    pub(super) fn value(&self, definition: &Definition) -> Option<Value> {
        self.0.get(definition.key()).copied()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// This layer laid over a weaker one, key by key.
    pub(super) fn over(mut self, weaker: Self) -> Self {
        for (key, value) in weaker.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bellwether_message::Instance;

    use super::*;
    use crate::config::access::LIMIT_BOUNDS;
    use crate::config::layer::{INSTANCE_KEYS, KEYS};

    #[test]
    fn no_two_settings_share_a_key_or_a_variable() {
        let keys: BTreeSet<_> = DEFINITIONS.iter().map(Definition::key).collect();
        assert_eq!(keys.len(), DEFINITIONS.len());
        let mut variables: Vec<String> = DEFINITIONS.iter().map(Definition::variable).collect();
        variables.extend(KEYS.iter().map(|key| key.to_uppercase()));
        for instance in Instance::ALL {
            variables.extend(INSTANCE_KEYS.map(|key| format!("{}_{key}", instance.name()).to_uppercase()));
        }
        variables.extend(
            LIMIT_BOUNDS
                .iter()
                .map(|bounds| format!("LIMITS_{}", bounds.key).to_uppercase()),
        );
        let distinct: BTreeSet<_> = variables.iter().collect();
        assert_eq!(distinct.len(), variables.len());
    }

    #[test]
    fn every_setting_has_a_field_of_its_own() {
        let default = IntegrationSettings::default();
        for definition in &DEFINITIONS {
            let mut changed = default.clone();
            let Bounds { min, max, .. } = definition.bounds;
            let value = match definition.read(&default) {
                Value::Flag(on) => Value::Flag(!on),
                Value::Number(number) => Value::Number(if number == min { max } else { min }),
                Value::Decimal(_) => Value::Decimal(1.0),
            };
            definition
                .write(&mut changed, value, || unreachable!("within bounds"))
                .unwrap();
            for other in &DEFINITIONS {
                let expected = if other.key() == definition.key() {
                    value
                } else {
                    other.read(&default)
                };
                assert_eq!(
                    other.read(&changed),
                    expected,
                    "{} after {}",
                    other.key(),
                    definition.key()
                );
            }
        }
    }

    #[test]
    fn tables_stand_together() {
        let distinct: BTreeSet<_> = tables().into_iter().collect();
        assert_eq!(distinct.len(), tables().len());
    }
}
