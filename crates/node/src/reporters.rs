//! Reporters: parts of a node that publish what they observe.
//!
//! Each is an ordinary client of its node, and could be deleted without the rest noticing. They run while the integration
//! is switched on; one that is switched off by its own setting never runs.

mod bus;
mod health;
mod members;
mod metrics;
mod system;

use std::time::Duration;

use bellwether_monitor::bus_rules::BusSettings;
use tokio::time::{Interval, MissedTickBehavior, interval_at};

use crate::alerts;
use crate::integration::Alerting;
use crate::node::Node;

/// Starts what the settings ask for.
pub(crate) fn spawn(node: &Node) {
    let settings = node.integration_state().settings().clone();
    let supervisor = node.supervisor();
    if settings.report_system {
        supervisor.spawn_forever("report system", system::run(node.clone()));
    }
    if settings.report_health {
        supervisor.spawn_forever("report health", health::run(node.clone(), settings.clone()));
    }
    if settings.report_members {
        supervisor.spawn_forever("report members", members::run(node.clone()));
    }
    supervisor.spawn_forever(
        "watch instances",
        bus::run(node.clone(), bus_settings(&settings.alerting)),
    );
    supervisor.spawn_forever("alerts", alerts::run(node.clone()));
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

/// Ticks, the first one period from now; a tick that was missed is left out.
fn every(period: Duration) -> Interval {
    let mut interval = interval_at(tokio::time::Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    interval
}
