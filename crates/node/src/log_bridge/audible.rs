//! Which records are looked at at all, by what is known of them before they are made.

use tracing::subscriber::Interest;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Filter};

use super::settings::LogBridgeSettings;

/// The levels, as a filter of this layer alone: other layers see what they would see without it.
#[derive(Debug, Clone)]
pub(super) struct Audible {
    min_level: Level,
    quiet_targets: Vec<String>,
    quiet_min_level: Level,
}

impl Audible {
    pub(super) fn new(settings: &LogBridgeSettings) -> Self {
        Self {
            min_level: settings.min_level,
            quiet_targets: settings.quiet_targets.clone(),
            quiet_min_level: settings.quiet_min_level,
        }
    }

    /// Whether it is looked at.
    pub(super) fn hears(&self, target: &str, level: Level) -> bool {
        // The graver a level is, the less it is.
        level <= self.min_level && (level <= self.quiet_min_level || !self.is_quiet(target))
    }

    /// Whether what wrote it is on the way of published records.
    pub(super) fn is_quiet(&self, target: &str) -> bool {
        self.quiet_targets.iter().any(|quiet| {
            let rest = target.strip_prefix(quiet.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', ':', '.', '-']))
        })
    }

    fn hears_of(&self, metadata: &Metadata<'_>) -> bool {
        self.hears(metadata.target(), *metadata.level())
    }
}

impl<S> Filter<S> for Audible {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.hears_of(metadata)
    }

    /// Once and for all: afterwards a record that is not looked at costs nothing.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.hears_of(metadata) {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.min_level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_looked_at_from_the_least_grave_on() {
        let audible = Audible::new(&LogBridgeSettings::default());
        for (level, heard) in [
            (Level::ERROR, true),
            (Level::WARN, true),
            (Level::INFO, true),
            (Level::DEBUG, false),
            (Level::TRACE, false),
        ] {
            assert_eq!(audible.hears("shop", level), heard, "{level}");
        }
        assert_eq!(Filter::<()>::max_level_hint(&audible), Some(LevelFilter::INFO));
    }

    #[test]
    fn what_is_on_the_way_of_records_is_looked_at_from_its_own_level_on() {
        let audible = Audible::new(&LogBridgeSettings::default());
        for quiet in [
            "bellwether",
            "bellwether_mesh::links",
            "quinn_proto::connection",
            "rustls::client",
        ] {
            assert!(!audible.hears(quiet, Level::INFO), "{quiet}");
            assert!(audible.hears(quiet, Level::WARN), "{quiet}");
        }
        for other in ["bellwethers", "my_bellwether", "quinnox::a", "", "shop::bellwether"] {
            assert!(audible.hears(other, Level::INFO), "{other}");
        }
    }

    #[test]
    fn the_least_grave_level_of_all_holds_for_quiet_targets_too() {
        let settings = LogBridgeSettings {
            min_level: Level::ERROR,
            ..LogBridgeSettings::default()
        };
        let audible = Audible::new(&settings);
        assert!(!audible.hears("bellwether", Level::WARN));
        assert!(audible.hears("bellwether", Level::ERROR));
    }
}
