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
use crate::integration::{Alerting, IntegrationSettings};
use crate::node::Node;

/// Starts what the settings ask for. Where those change, what goes by them begins anew.
pub(crate) fn spawn(node: &Node) {
    let settings = node.integration_state().settings();
    let supervisor = node.supervisor();
    supervisor.spawn_forever("publish snapshots", snapshot::run(node.clone()));
    if settings.report_system {
        supervisor.spawn_forever("report system", system::run(node.clone()));
    }
    if settings.alerting.enabled {
        supervisor.spawn_forever("alerts", alerts::run(node.clone()));
    }
    let health = |s: &IntegrationSettings| {
        let limits = (s.resource_warning, s.resource_critical);
        (s.report_health, s.health_interval, limits)
    };
    let report_health = |node: Node, s: IntegrationSettings| s.report_health.then(|| health::run(node, s));
    supervisor.spawn_forever("report health", by_settings(node.clone(), health, report_health));

    let members = |s: &IntegrationSettings| s.report_members;
    let report_members = |node: Node, s: IntegrationSettings| s.report_members.then(|| members::run(node));
    supervisor.spawn_forever("report members", by_settings(node.clone(), members, report_members));

    let instances = |s: &IntegrationSettings| {
        let alerting = s.alerting;
        let rules = (
            alerting.failed_publications,
            alerting.volume_factor,
            alerting.volume_floor,
        );
        (s.report_instances, s.instances_interval, rules)
    };
    let watch_instances = |node: Node, s: IntegrationSettings| {
        let run = || bus::run(node, bus_settings(&s.alerting), s.instances_interval);
        s.report_instances.then(run)
    };
    supervisor.spawn_forever("watch instances", by_settings(node.clone(), instances, watch_instances));

    let metrics = |s: &IntegrationSettings| (s.report_metrics, s.metrics_interval);
    let report_metrics = |node: Node, s: IntegrationSettings| s.report_metrics.then(|| metrics::run(node, s));
    supervisor.spawn_forever("report metrics", by_settings(node.clone(), metrics, report_metrics));
}

/// Runs a reporter, if it is to run by the settings, and another once those that it goes by are others.
async fn by_settings<K, F>(
    node: Node,
    goes_by: impl Fn(&IntegrationSettings) -> K,
    run: impl Fn(Node, IntegrationSettings) -> Option<F>,
) where
    K: PartialEq,
    F: Future<Output = ()>,
{
    let mut settings = node.integration_state().watch_settings();
    loop {
        let now = settings.borrow_and_update().clone();
        let before = goes_by(&now);
        let running = async {
            match run(node.clone(), now) {
                Some(reporter) => reporter.await,
                None => std::future::pending().await,
            }
        };
        let others = async { settings.wait_for(|settings| goes_by(settings) != before).await.is_ok() };
        let is_over = tokio::select! {
            () = running => true,
            are_others = others => !are_others,
        };
        if is_over {
            return std::future::pending().await;
        }
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
