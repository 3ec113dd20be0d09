//! Reports this host's health: CPU, memory, disk and load.

mod sampler;

use std::time::Duration;

use bellwether_catalogue::families::health::{CheckState, NodeHealth, NodeStatus};
use bellwether_catalogue::families::metrics::{ResourceKind, ResourceUsage};
use serde_json::json;

use self::sampler::{Sample, Sampler};
use crate::integration::{Integration, IntegrationSettings};
use crate::node::Node;

/// Whose health it is, in messages.
const CHECKER: &str = "health_checker";
/// CPU usage is that between two looks, so the first report waits for the second.
const FIRST_REPORT_AFTER: Duration = Duration::from_millis(500);

/// Reports soon after the start, and then every interval.
pub(super) async fn run(node: Node, settings: IntegrationSettings) {
    let integration = node.integration();
    let mut sampler = Sampler::new(node.data_dir());
    let mut checks = 0_u64;
    tokio::time::sleep(FIRST_REPORT_AFTER).await;
    let mut ticks = super::every(settings.health_interval);
    loop {
        if integration.enabled() {
            // Off the runtime: a file system may take its time to answer.
            let sampling = tokio::task::spawn_blocking(move || {
                let sample = sampler.sample();
                (sampler, sample)
            });
            let Ok((back, sample)) = sampling.await else {
                tracing::warn!("the host's health cannot be sampled; it is reported no more");
                return std::future::pending().await;
            };
            sampler = back;
            checks += 1;
            report(&node, &integration, &settings, &sample, checks);
        }
        ticks.tick().await;
    }
}

/// Of a broadcast that fails it was said where it failed.
fn report(node: &Node, integration: &Integration, settings: &IntegrationSettings, sample: &Sample, checks: u64) {
    let checked = sample.shares().map(|(name, share)| {
        let state = match share {
            Some(percent) if percent > settings.resource_critical => CheckState::Fail,
            Some(percent) if percent > settings.resource_warning => CheckState::Warning,
            Some(_) => CheckState::Pass,
            None => CheckState::Other("unknown".into()),
        };
        (name.to_owned(), state)
    });
    let has = |state: CheckState| checked.iter().any(|(_, other)| *other == state);
    let status = match (has(CheckState::Fail), has(CheckState::Warning)) {
        (true, _) => NodeStatus::Unhealthy,
        (false, true) => NodeStatus::Degraded,
        (false, false) => NodeStatus::Healthy,
    };
    let _ = integration.broadcast_health_update(CHECKER, &status.to_string(), || {
        json!({
            "cpu_usage": sample.cpu_usage, "memory_usage": sample.memory_usage(), "disk_usage": sample.disk_usage(),
            "load_avg": sample.load_avg, "check_duration_ms": sample.took_ms, "check_count": checks,
        })
    });
    let _ = integration.publish(|| {
        let mut health = NodeHealth::new(node.id(), status)
            .checks(checked.into_iter().collect::<std::collections::BTreeMap<_, _>>())
            .check_duration_ms(sample.took_ms);
        health.load_avg = sample.load_avg;
        health.cpu_usage = sample.cpu_usage;
        health.memory_usage = sample.memory_usage();
        health.disk_usage = sample.disk_usage();
        health
    });
    for (kind, share, size) in [
        (ResourceKind::Memory, sample.memory_usage(), sample.memory),
        (ResourceKind::Disk, sample.disk_usage(), sample.disk),
    ] {
        if let (Some(percent), Some(size)) = (share, size) {
            let _ = integration.publish(|| ResourceUsage::new(kind, percent, size.total, size.used));
        }
    }
}
