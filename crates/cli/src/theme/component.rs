//! The parts of the original that speak on its terminal.

use super::style::{
    BLACK_ON_CYAN, BLACK_ON_GREEN, BLACK_ON_MAGENTA, BLUE_ON_BLACK, BLUE_ON_YELLOW, CYAN_ON_BLACK, GREEN_ON_BLACK,
    MAGENTA_ON_BLACK, Style, YELLOW_ON_MAGENTA,
};

/// Longer names are no component's.
const MAX_NAME_BYTES: usize = 256;

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Component {
    EmitterSystem,
    EmitterPool,
    EmitterWorker,
    NodeMonitor,
    PersistenceWorker,
    Store,
    PubSub,
    SubscriptionHealthTracker,
    LeaderWorker,
    GaterApp,
    GaterSystem,
    GaterApi,
    ClusterMonitor,
}

impl Component {
    /// Whose name this is: `node_monitor`, `NodeMonitor` and `Elixir.ExESDB.NodeMonitor` are one, and so is a process
    /// that is named after it, such as `persistence_worker_main`.
    pub(super) fn named(name: &str) -> Option<Self> {
        if name.len() > MAX_NAME_BYTES {
            return None;
        }
        let is_gaters = name.contains("ExESDBGater.");
        let last = name.rsplit('.').next().unwrap_or_default();
        let plain: String = last
            .chars()
            .filter(|c| *c != '_')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        match plain.as_str() {
            "app" if is_gaters => return Some(Self::GaterApp),
            "system" if is_gaters => return Some(Self::GaterSystem),
            "api" if is_gaters => return Some(Self::GaterApi),
            "persistence" => return Some(Self::PersistenceWorker),
            "emitter" => return Some(Self::EmitterWorker),
            "store" | "storeworker" | "khepristore" => return Some(Self::Store),
            "clusternode" => return Some(Self::NodeMonitor),
            _ => {}
        }
        let started_by = |(start, component): (&str, Self)| plain.starts_with(start).then_some(component);
        [
            ("emittersystem", Self::EmitterSystem),
            ("emitterpool", Self::EmitterPool),
            ("emitterworker", Self::EmitterWorker),
            ("nodemonitor", Self::NodeMonitor),
            ("persistenceworker", Self::PersistenceWorker),
            ("pubsub", Self::PubSub),
            ("subscriptionhealthtracker", Self::SubscriptionHealthTracker),
            ("leaderworker", Self::LeaderWorker),
            ("clustermonitor", Self::ClusterMonitor),
            ("gaterapp", Self::GaterApp),
            ("gatersystem", Self::GaterSystem),
            ("gaterapi", Self::GaterApi),
        ]
        .into_iter()
        .find_map(started_by)
    }

    /// What stands in brackets behind the process id.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::EmitterSystem => "EMITTER SYSTEM",
            Self::EmitterPool => "EMITTER POOL",
            Self::EmitterWorker => "EMITTER",
            Self::NodeMonitor => "NodeMonitor",
            Self::PersistenceWorker => "PersistenceWorker",
            Self::Store => "Store",
            Self::PubSub => "PubSub",
            Self::SubscriptionHealthTracker => "SubscriptionHealthTracker",
            Self::LeaderWorker => "LeaderWorker",
            Self::GaterApp => "Gater App",
            Self::GaterSystem => "Gater System",
            Self::GaterApi => "Gater API",
            Self::ClusterMonitor => "ClusterMonitor",
        }
    }

    /// What begins the text of its log events, if it is an emitter.
    pub(super) fn log_prefix(self) -> Option<&'static str> {
        match self {
            Self::EmitterSystem => Some("EmitterSystem"),
            Self::EmitterPool => Some("EmitterPool"),
            Self::EmitterWorker => Some("EmitterWorker"),
            _ => None,
        }
    }

    /// Emitters have their label and text in colours of their own, and the process id in that of the class.
    pub(super) fn is_emitter(self) -> bool {
        self.log_prefix().is_some()
    }

    /// The style of its process id, whatever it says; none for emitters.
    pub(super) fn own_style(self) -> Option<Style> {
        match self {
            Self::EmitterSystem | Self::EmitterPool | Self::EmitterWorker => None,
            Self::NodeMonitor => Some(YELLOW_ON_MAGENTA),
            Self::PersistenceWorker => Some(BLUE_ON_YELLOW),
            Self::Store => Some(BLACK_ON_GREEN),
            Self::PubSub => Some(BLACK_ON_CYAN),
            Self::SubscriptionHealthTracker | Self::GaterApi => Some(GREEN_ON_BLACK),
            Self::LeaderWorker => Some(BLACK_ON_MAGENTA),
            Self::GaterApp => Some(BLUE_ON_BLACK),
            Self::GaterSystem => Some(MAGENTA_ON_BLACK),
            Self::ClusterMonitor => Some(CYAN_ON_BLACK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_known_by_each_of_its_names() {
        for (name, component) in [
            ("emitter_worker", Some(Component::EmitterWorker)),
            ("Elixir.ExESDB.EmitterPool", Some(Component::EmitterPool)),
            ("emitter_system", Some(Component::EmitterSystem)),
            ("NodeMonitor", Some(Component::NodeMonitor)),
            ("cluster_node", Some(Component::NodeMonitor)),
            ("persistence_worker_main", Some(Component::PersistenceWorker)),
            ("persistence", Some(Component::PersistenceWorker)),
            ("khepri_store", Some(Component::Store)),
            ("pub_sub", Some(Component::PubSub)),
            (
                "subscription_health_tracker",
                Some(Component::SubscriptionHealthTracker),
            ),
            ("ExESDB.LeaderWorker", Some(Component::LeaderWorker)),
            ("ExESDBGater.System", Some(Component::GaterSystem)),
            ("ExESDBGater.App", Some(Component::GaterApp)),
            ("gater_api", Some(Component::GaterApi)),
            ("ExESDBGater.ClusterMonitor", Some(Component::ClusterMonitor)),
            ("ExESDB.System", None),
            ("stores", None),
            ("worker", None),
            ("", None),
        ] {
            assert_eq!(Component::named(name), component, "{name}");
        }
        assert_eq!(Component::named(&"emitter_worker".repeat(100)), None);
    }
}
