//! Limits of a node's resources.

use super::Resource;

/// Limits of each resource; one without limits is not watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResourceSettings {
    /// Default 75 and 90.
    pub cpu: Option<ResourceLimits>,
    /// Default 75 and 90.
    pub memory: Option<ResourceLimits>,
    /// Default 75 and 90.
    pub disk: Option<ResourceLimits>,
    /// Default: not watched. What load is too much depends on what the host is for.
    pub load: Option<ResourceLimits>,
}

/// Limits of one resource in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResourceLimits {
    /// Above it is a warning. Default 75, above 0.
    pub warning: f64,
    /// Above it is critical. Default 90, above the warning.
    pub critical: f64,
}

/// Limits that make no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("limits of {resource}: warning {warning}, critical {critical}: both must be numbers, 0 < warning < critical")]
pub struct ResourceSettingsError {
    resource: &'static str,
    warning: f64,
    critical: f64,
}

impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            warning: 75.0,
            critical: 90.0,
        }
    }
}

impl Default for ResourceSettings {
    fn default() -> Self {
        let limits = Some(ResourceLimits::default());
        Self {
            cpu: limits,
            memory: limits,
            disk: limits,
            load: None,
        }
    }
}

impl ResourceSettings {
    pub(super) fn limits(&self, resource: Resource) -> Option<ResourceLimits> {
        match resource {
            Resource::Cpu => self.cpu,
            Resource::Memory => self.memory,
            Resource::Disk => self.disk,
            Resource::Load => self.load,
        }
    }

    pub(super) fn check(&self) -> Result<(), ResourceSettingsError> {
        let fields = [
            ("cpu", self.cpu),
            ("memory", self.memory),
            ("disk", self.disk),
            ("load", self.load),
        ];
        for (resource, limits) in fields {
            let Some(ResourceLimits { warning, critical }) = limits else {
                continue;
            };
            let is_right = warning > 0.0 && warning < critical && critical.is_finite();
            if !is_right {
                return Err(ResourceSettingsError {
                    resource,
                    warning,
                    critical,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_the_wrong_way_round_or_that_are_no_numbers_are_refused() {
        let check = |warning, critical| {
            let limits = Some(ResourceLimits { warning, critical });
            ResourceSettings {
                disk: limits,
                ..ResourceSettings::default()
            }
            .check()
        };
        assert_eq!(
            check(90.0, 90.0).unwrap_err().to_string(),
            "limits of disk: warning 90, critical 90: both must be numbers, 0 < warning < critical"
        );
        assert!(check(0.0, 90.0).is_err());
        assert!(check(f64::NAN, 90.0).is_err());
        assert!(check(75.0, f64::NAN).is_err());
        assert!(check(75.0, f64::INFINITY).is_err());
        assert_eq!(check(75.0, 90.0), Ok(()));
    }
}
