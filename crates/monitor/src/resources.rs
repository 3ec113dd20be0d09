//! A node's own resources: when they become scarce, and how the node is by them.
//!
//! [`ResourceWatch`] tells changes only. A resource has to be beyond a limit for [`SAMPLES`] samples in a row, so
//! that a short peak alarms nobody, and below it by [`HYSTERESIS`] to be back, so that one that swings about the
//! limit is not told at each swing.

mod change;
mod settings;

pub use self::change::{Resource, ResourceChange, ResourceLevel, ResourceStatus};
pub use self::settings::{ResourceLimits, ResourceSettings, ResourceSettingsError};

/// Beyond a limit for so many samples in a row is no peak any more.
pub const SAMPLES: u32 = 2;
/// In percentage points.
pub const HYSTERESIS: f64 = 2.0;

/// What was measured at one moment, all in percent; none where it could not be. What is no number counts as not
/// measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ResourceSample {
    /// Of all processors.
    pub cpu: Option<f64>,
    /// Of the memory.
    pub memory: Option<f64>,
    /// Of the disk.
    pub disk: Option<f64>,
    /// The load average for each processor: 100 is one runnable task for each.
    pub load: Option<f64>,
}

/// The resources of one node, watched.
#[derive(Debug)]
pub struct ResourceWatch {
    resources: [Watched; 4],
}

#[derive(Debug)]
struct Watched {
    resource: Resource,
    limits: Option<ResourceLimits>,
    level: Option<ResourceLevel>,
    /// Samples in a row beyond each limit.
    above_warning: u32,
    above_critical: u32,
}

impl ResourceWatch {
    /// A watch that has measured nothing yet.
    ///
    /// # Errors
    ///
    /// A limit makes no sense.
    pub fn new(settings: &ResourceSettings) -> Result<Self, ResourceSettingsError> {
        settings.check()?;
        let watched = |resource| Watched {
            resource,
            limits: settings.limits(resource),
            level: None,
            above_warning: 0,
            above_critical: 0,
        };
        Ok(Self {
            resources: [Resource::Cpu, Resource::Memory, Resource::Disk, Resource::Load].map(watched),
        })
    }

    /// The next sample. A resource that was not measured stays as it was.
    pub fn on_sample(&mut self, sample: &ResourceSample) -> Vec<ResourceChange> {
        let resources = self.resources.iter_mut();
        resources
            .filter_map(|watched| watched.on_value(sample.of(watched.resource)?))
            .collect()
    }

    /// How scarce a resource is; not at all if none.
    pub fn level(&self, resource: Resource) -> Option<ResourceLevel> {
        let watched = self.resources.iter().find(|watched| watched.resource == resource);
        watched.and_then(|watched| watched.level)
    }

    /// How the node is: unhealthy if anything is critical, degraded if anything is a warning.
    pub fn status(&self) -> ResourceStatus {
        match self.resources.iter().filter_map(|watched| watched.level).max() {
            None => ResourceStatus::Healthy,
            Some(ResourceLevel::Warning) => ResourceStatus::Degraded,
            Some(ResourceLevel::Critical) => ResourceStatus::Unhealthy,
        }
    }
}

impl ResourceSample {
    fn of(&self, resource: Resource) -> Option<f64> {
        let value = match resource {
            Resource::Cpu => self.cpu,
            Resource::Memory => self.memory,
            Resource::Disk => self.disk,
            Resource::Load => self.load,
        };
        value.filter(|value| value.is_finite())
    }
}

impl Watched {
    fn on_value(&mut self, value: f64) -> Option<ResourceChange> {
        let ResourceLimits { warning, critical } = self.limits?;
        let next = |run: u32, goes_on: bool| if goes_on { run.saturating_add(1) } else { 0 };
        self.above_warning = next(self.above_warning, value > warning);
        self.above_critical = next(self.above_critical, value > critical);
        let was = |level: ResourceLevel| self.level >= Some(level);
        let holds = |level, limit, run| run >= SAMPLES || (was(level) && value > limit - HYSTERESIS.min(limit / 2.0));
        let level = if holds(ResourceLevel::Critical, critical, self.above_critical) {
            Some(ResourceLevel::Critical)
        } else if holds(ResourceLevel::Warning, warning, self.above_warning) {
            Some(ResourceLevel::Warning)
        } else {
            None
        };
        let before = std::mem::replace(&mut self.level, level);
        let limit = |level: ResourceLevel| match level {
            ResourceLevel::Warning => warning,
            ResourceLevel::Critical => critical,
        };
        match (before, level) {
            (before, Some(level)) if before < Some(level) => Some(ResourceChange::Raised {
                resource: self.resource,
                level,
                value,
                threshold: limit(level),
            }),
            (Some(before), remains) if remains < Some(before) => Some(ResourceChange::Cleared {
                resource: self.resource,
                level: before,
                remains,
                value,
                threshold: limit(remains.map_or(ResourceLevel::Warning, |_| before)),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> ResourceWatch {
        ResourceWatch::new(&ResourceSettings::default()).unwrap()
    }

    fn memory(value: f64) -> ResourceSample {
        ResourceSample {
            memory: Some(value),
            ..ResourceSample::default()
        }
    }

    /// What each value says: `W` and `C` raised, `l` still a warning, `.` cleared, `-` nothing.
    fn run(watch: &mut ResourceWatch, values: &[f64]) -> String {
        let mut said = String::new();
        for value in values {
            said.push(match watch.on_sample(&memory(*value)).first() {
                None => '-',
                Some(ResourceChange::Raised {
                    level: ResourceLevel::Warning,
                    ..
                }) => 'W',
                Some(ResourceChange::Raised {
                    level: ResourceLevel::Critical,
                    ..
                }) => 'C',
                Some(ResourceChange::Cleared { remains: Some(_), .. }) => 'l',
                Some(ResourceChange::Cleared { remains: None, .. }) => '.',
            });
        }
        said
    }

    #[test]
    fn two_samples_in_a_row_beyond_a_limit_are_told_once() {
        let mut watch = watch();
        assert_eq!(
            run(&mut watch, &[75.0, 75.0, 75.1, 75.0, 75.1, 75.1, 80.0, 80.0]),
            "-----W--"
        );
        assert_eq!(watch.status(), ResourceStatus::Degraded);
        assert_eq!(run(&mut watch, &[90.1, 90.0, 90.1, 95.0, 95.0]), "---C-");
        assert_eq!(watch.status(), ResourceStatus::Unhealthy);
        assert_eq!(watch.level(Resource::Memory), Some(ResourceLevel::Critical));
        assert_eq!(watch.level(Resource::Cpu), None);
    }

    #[test]
    fn two_points_below_a_limit_it_is_over() {
        let mut watch = watch();
        assert_eq!(
            run(&mut watch, &[95.0, 95.0, 88.1, 88.0, 88.1, 73.1, 73.0, 60.0]),
            "-C-l--.-"
        );
        assert_eq!(watch.status(), ResourceStatus::Healthy);
        assert_eq!(run(&mut watch, &[95.0, 95.0, 10.0]), "-C.");
    }

    #[test]
    fn a_peak_into_critical_is_a_warning_if_it_was_above_that_before() {
        assert_eq!(run(&mut watch(), &[80.0, 95.0, 80.0, 95.0]), "-W--");
    }

    #[test]
    fn a_change_says_value_and_limit() {
        let mut watch = watch();
        let cpu = |value| ResourceSample {
            cpu: Some(value),
            disk: Some(value),
            ..ResourceSample::default()
        };
        watch.on_sample(&cpu(91.0));
        let json = serde_json::to_value(watch.on_sample(&cpu(92.0))).unwrap();
        let expected = |resource| {
            serde_json::json!({
                "change": "raised", "resource": resource, "level": "critical", "value": 92.0, "threshold": 90.0,
            })
        };
        assert_eq!(json, serde_json::json!([expected("cpu"), expected("disk")]));
        let json = serde_json::to_value(watch.on_sample(&cpu(80.0))).unwrap();
        assert_eq!(
            (&json[0]["threshold"], &json[0]["remains"]),
            (&90.0.into(), &"warning".into())
        );
        let json = serde_json::to_value(watch.on_sample(&cpu(8.0))).unwrap();
        assert_eq!(
            (&json[0]["threshold"], &json[0]["level"]),
            (&75.0.into(), &"warning".into())
        );
    }

    #[test]
    fn what_was_not_measured_stays_as_it_was() {
        let mut watch = watch();
        assert_eq!(run(&mut watch, &[80.0, f64::NAN]), "--");
        assert_eq!(watch.on_sample(&ResourceSample::default()), []);
        assert_eq!(run(&mut watch, &[80.0, f64::INFINITY, f64::NEG_INFINITY]), "W--");
        assert_eq!(watch.status(), ResourceStatus::Degraded);
    }

    #[test]
    fn load_is_watched_only_where_limits_are_given() {
        let load = ResourceSample {
            load: Some(500.0),
            ..ResourceSample::default()
        };
        let mut silent = watch();
        silent.on_sample(&load);
        assert_eq!(silent.on_sample(&load), []);
        let limits = ResourceLimits {
            warning: 150.0,
            critical: 400.0,
        };
        let settings = ResourceSettings {
            load: Some(limits),
            ..ResourceSettings::default()
        };
        let mut watch = ResourceWatch::new(&settings).unwrap();
        watch.on_sample(&load);
        assert_eq!(watch.on_sample(&load).len(), 1);
        assert_eq!(watch.status(), ResourceStatus::Unhealthy);
    }
}
