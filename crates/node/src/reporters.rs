//! Reporters: parts of a node that publish what they observe.
//!
//! Each is an ordinary client of its node, and could be deleted without the rest noticing. They run while the integration
//! is switched on; one that is switched off by its own setting never runs. Snapshots depend on neither: they are published
//! only while somebody asks for them.

mod bus;
mod health;
mod members;
mod metrics;
mod snapshot;
mod system;

use bellwether_monitor::bus_rules::BusSettings;

use crate::alerts;
use crate::integration::Alerting;
use crate::node::Node;

/// Starts what the settings ask for.
pub(crate) fn spawn(node: &Node) {
    let settings = node.integration_state().settings().clone();
    let supervisor = node.supervisor();
    supervisor.spawn_forever("publish snapshots", snapshot::run(node.clone()));
    if settings.report_system {
        supervisor.spawn_forever("report system", system::run(node.clone()));
    }
    if settings.report_health {
        supervisor.spawn_forever("report health", health::run(node.clone(), settings.clone()));
    }
    if settings.report_members {
        supervisor.spawn_forever("report members", members::run(node.clone()));
    }
    if settings.report_instances {
        let rules = bus_settings(&settings.alerting);
        supervisor.spawn_forever(
            "watch instances",
            bus::run(node.clone(), rules, settings.instances_interval),
        );
    }
    if settings.alerting.enabled {
        supervisor.spawn_forever("alerts", alerts::run(node.clone()));
    }
    if settings.report_metrics {
        supervisor.spawn_forever("report metrics", metrics::run(node.clone(), settings));
    }
}

fn bus_settings(alerting: &Alerting) -> BusSettings {
    BusSettings {
        volume_factor: alerting.volume_factor.get().into(),
        volume_floor: alerting.volume_floor as f64,
        failed_per_interval: alerting.failed_publications.get().into(),
        ..BusSettings::default()
    }
}

/// Says that the node begins to stop.
pub(crate) fn stopping(node: &Node) {
    system::tell(node, "stopping");
}

/// Says that the node has stopped, as the last thing that it says.
pub(crate) fn stopped(node: &Node) {
    system::tell(node, "stopped");
}
