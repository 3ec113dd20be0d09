//! The ten instances: the segregated buses that every message is published on.
//!
//! The set is closed, as in the original, so that tables per instance are arrays and matches are exhaustive. Free
//! naming happens in topics.

use std::fmt;
use std::str::FromStr;

use crate::text::{excerpt, serde_as_text};

/// What the original puts before each name.
const PREFIX: &str = "ex_esdb_";

/// Most single-character edits between a mistyped name and the one we suggest. The closest two names, `alerts` and
/// `events`, are three edits apart.
const HINT_EDITS: usize = 2;

/// Shortest beginning of a name that we take for an abbreviation of it.
const HINT_PREFIX_BYTES: usize = 3;

/// Longer text is not compared with the names: it resembles none, and the comparison costs time per byte.
const HINT_MAX_BYTES: usize = 32;

/// One of the ten segregated PubSub instances. A message on one is never seen on another, nor delayed by it.
///
/// Written as its [`name`](Self::name) in text and JSON. [`FromStr`] also accepts the name in the original,
/// `ex_esdb_events`; upper case and blanks are refused. The discriminants 0 to 9 are the numbers on the wire and never
/// change.
///
/// ```
/// use bellwether_message::Instance;
///
/// assert_eq!("alerts".parse(), Ok(Instance::Alerts));
/// assert_eq!("ex_esdb_alerts".parse(), Ok(Instance::Alerts));
/// assert_eq!(Instance::Alerts.to_string(), "alerts");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Instance {
    /// Business and domain events; the only instance without typed messages.
    Events,
    /// Service coordination and configuration.
    System,
    /// Health of nodes, cluster and components.
    Health,
    /// Performance figures and capacity.
    Metrics,
    /// Starts, stops, crashes and membership.
    Lifecycle,
    /// Alerts that need action.
    Alerts,
    /// Who did what.
    Audit,
    /// Traces, profiles and snapshots of state.
    Diagnostics,
    /// Authentication, authorisation and threats.
    Security,
    /// Log distribution.
    Logging,
}

impl Instance {
    /// How many instances there are; the length of every table per instance.
    pub const COUNT: usize = 10;

    /// All instances, each at its [`index`](Self::index).
    pub const ALL: [Self; Self::COUNT] = [
        Self::Events,
        Self::System,
        Self::Health,
        Self::Metrics,
        Self::Lifecycle,
        Self::Alerts,
        Self::Audit,
        Self::Diagnostics,
        Self::Security,
        Self::Logging,
    ];

    /// The name in text, JSON and paths: `events`.
    pub const fn name(self) -> &'static str {
        let (_, name) = self.prefixed_name().split_at(PREFIX.len());
        name
    }

    /// The name in the original: `ex_esdb_events`.
    pub const fn prefixed_name(self) -> &'static str {
        match self {
            Self::Events => "ex_esdb_events",
            Self::System => "ex_esdb_system",
            Self::Health => "ex_esdb_health",
            Self::Metrics => "ex_esdb_metrics",
            Self::Lifecycle => "ex_esdb_lifecycle",
            Self::Alerts => "ex_esdb_alerts",
            Self::Audit => "ex_esdb_audit",
            Self::Diagnostics => "ex_esdb_diagnostics",
            Self::Security => "ex_esdb_security",
            Self::Logging => "ex_esdb_logging",
        }
    }

    /// What is published here, in one line without a final stop, for listings.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Events => "business and domain events, projections, events between services",
            Self::System => "service coordination, configuration, general notices",
            Self::Health => "health of nodes, cluster, components and subscriptions; circuit breakers",
            Self::Metrics => "performance figures, capacity, service levels",
            Self::Lifecycle => "starts, stops, crashes, supervision, membership",
            Self::Alerts => "alerts that need action, paging, breached service levels",
            Self::Audit => "who did what; compliance, governance",
            Self::Diagnostics => "traces, profiles, snapshots of state",
            Self::Security => "authentication, authorisation, threats",
            Self::Logging => "log distribution and aggregation",
        }
    }

    /// Whether the catalogue has a family of typed messages for this instance: all but `events`, whose messages are the
    /// users' own.
    pub const fn has_typed_messages(self) -> bool {
        !matches!(self, Self::Events)
    }

    /// The place in [`ALL`](Self::ALL) and in every table per instance, always below [`COUNT`](Self::COUNT).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The inverse of [`index`](Self::index); `None` for 10 and above.
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Instance {
    type Err = InstanceError;

    fn from_str(text: &str) -> Result<Self, InstanceError> {
        let name = text.strip_prefix(PREFIX).unwrap_or(text);
        Self::ALL
            .into_iter()
            .find(|instance| instance.name() == name)
            .ok_or_else(|| InstanceError {
                given: excerpt(text),
                meant: nearest(name),
            })
    }
}

serde_as_text!(Instance, "an instance");

/// Text that names none of the ten instances. Says which one was probably meant, if one is near, and lists the ten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceError {
    /// Already escaped and cut.
    given: String,
    meant: Option<Instance>,
}

impl InstanceError {
    /// The instance that was probably meant, if one is near.
    pub fn meant(&self) -> Option<Instance> {
        self.meant
    }
}

impl fmt::Display for InstanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown instance `{}`", self.given)?;
        match self.meant {
            Some(instance) => write!(f, ": did you mean `{instance}`? The ten are ")?,
            None => f.write_str(": the ten are ")?,
        }
        for instance in Instance::ALL {
            let separator = if instance.index() == 0 { "" } else { ", " };
            write!(f, "{separator}{instance}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InstanceError {}

/// The instance whose name `given` abbreviates or misspells.
fn nearest(given: &str) -> Option<Instance> {
    if given.len() > HINT_MAX_BYTES {
        return None;
    }
    let given = given.trim().to_lowercase();
    let abbreviated = |name: &str| given.len() >= HINT_PREFIX_BYTES && name.starts_with(&given);
    Instance::ALL
        .into_iter()
        .map(|instance| match instance.name() {
            name if abbreviated(name) => (0, instance),
            name => (strsim::osa_distance(&given, name), instance),
        })
        .min()
        .filter(|(edits, _)| *edits <= HINT_EDITS)
        .map(|(_, instance)| instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instance_is_at_its_index() {
        for (index, instance) in Instance::ALL.into_iter().enumerate() {
            assert_eq!(instance.index(), index);
            assert_eq!(Instance::from_index(index as u8), Some(instance));
        }
        assert_eq!(Instance::from_index(10), None);
        assert_eq!(Instance::from_index(u8::MAX), None);
    }

    #[test]
    fn names_are_read_with_and_without_the_original_prefix() {
        for instance in Instance::ALL {
            assert_eq!(instance.prefixed_name(), format!("ex_esdb_{}", instance.name()));
            assert_eq!(instance.name().parse(), Ok(instance));
            assert_eq!(instance.prefixed_name().parse(), Ok(instance));
            assert_eq!(instance.to_string(), instance.name());
        }
    }

    #[test]
    fn names_stand_in_the_settled_order() {
        let names = Instance::ALL.map(Instance::name);
        assert_eq!(
            names.join(" "),
            "events system health metrics lifecycle alerts audit diagnostics security logging"
        );
    }

    #[test]
    fn only_events_has_no_typed_messages() {
        let untyped: Vec<_> = Instance::ALL
            .into_iter()
            .filter(|instance| !instance.has_typed_messages())
            .collect();
        assert_eq!(untyped, [Instance::Events]);
    }

    #[test]
    fn a_mistyped_name_is_answered_with_the_near_one_and_all_ten() {
        let err = "alrts".parse::<Instance>().unwrap_err();
        assert_eq!(
            err.to_string(),
            "unknown instance `alrts`: did you mean `alerts`? The ten are events, system, health, metrics, lifecycle, \
             alerts, audit, diagnostics, security, logging"
        );
    }

    #[test]
    fn abbreviations_plurals_case_and_prefix_are_understood_in_the_hint() {
        for (given, meant) in [
            ("log", Some(Instance::Logging)),
            ("diag", Some(Instance::Diagnostics)),
            ("Health", Some(Instance::Health)),
            ("event", Some(Instance::Events)),
            ("ex_esdb_metric", Some(Instance::Metrics)),
            ("", None),
            ("pubsub", None),
        ] {
            assert_eq!(given.parse::<Instance>().unwrap_err().meant(), meant, "{given:?}");
        }
    }

    #[test]
    fn a_name_far_from_all_gets_no_hint() {
        let err = "zebra".parse::<Instance>().unwrap_err();
        assert!(
            err.to_string()
                .starts_with("unknown instance `zebra`: the ten are events, ")
        );
    }

    #[test]
    fn hostile_text_is_escaped_and_cut() {
        let err = format!("\u{1b}]0;{}", "x".repeat(10_000))
            .parse::<Instance>()
            .unwrap_err();
        let shown = err.to_string();
        assert!(shown.starts_with("unknown instance `\\u{1b}]0;xxx"), "{shown}");
        assert!(shown.contains("xxx…`"), "{shown}");
        assert!(shown.len() < 300, "{shown}");
    }

    #[test]
    fn json_is_the_name() {
        assert_eq!(serde_json::to_string(&Instance::Audit).unwrap(), "\"audit\"");
        assert_eq!(
            serde_json::from_str::<Instance>("\"ex_esdb_audit\"").unwrap(),
            Instance::Audit
        );
        let err = serde_json::from_str::<Instance>("\"audti\"").unwrap_err();
        assert!(err.to_string().contains("did you mean `audit`?"), "{err}");
        let err = serde_json::from_str::<Instance>("3").unwrap_err();
        assert!(err.to_string().contains("expected an instance as a string"), "{err}");
    }
}
