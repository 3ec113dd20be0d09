//! `system`: coordination, configuration, notices.

use crate::define::messages;
use crate::field::Object;
use crate::word::words;

words! {
    /// What a system does with its life.
    SystemEvent { Starting "starting", Started "started", Stopping "stopping", Stopped "stopped" }
}

messages! {
    /// A configuration has changed.
    SystemConfig "system_config_changed" in System on "config" by node {
        required {
            /// What is configured.
            component: String => "database",
            /// What changed.
            changes: Object => {"pool_size": 10},
        }
        default {
            /// Who changed it.
            changed_by: String = "system",
        }
        optional {
            /// What it was before.
            previous_config: Object => {"pool_size": 5},
        }
    }

    /// A system starts or stops.
    SystemLifecycle "system_lifecycle_event" in System on "lifecycle" by node {
        required {
            /// What it does.
            event: SystemEvent => "started",
            /// Which system.
            system_name: String => "ex_esdb",
            /// Its version.
            version: String => "0.8.0",
        }
    }

    /// A feature was switched.
    FeatureToggle "feature_toggle_changed" in System on "features" by node {
        required {
            /// Which.
            feature: String => "dark_mode",
            /// Whether it is on now.
            enabled: bool,
            /// Whether it was on before; null if nobody knows.
            previous_state: Option<bool> => false,
            /// Who switched it.
            changed_by: String => "ops",
        }
    }
}
