//! Reports this host's health: CPU, memory, disk and load.

mod sampler;

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_catalogue::families::health::{CheckState, NodeHealth, NodeStatus};
use bellwether_catalogue::families::metrics::{ResourceKind, ResourceUsage};
use bellwether_monitor::resources::{
    Resource, ResourceChange, ResourceLevel, ResourceLimits, ResourceSettings, ResourceStatus, ResourceWatch,
};
use serde_json::json;

use self::sampler::{Sample, Sampler};
use crate::alerts::Raised;
use crate::integration::{Integration, IntegrationSettings};
use crate::node::Node;
use crate::ticks::every;

/// Whose health it is, in messages.
const CHECKER: &str = "health_checker";
/// CPU usage is that between two looks, so the first report waits for the second.
const FIRST_REPORT_AFTER: Duration = Duration::from_millis(500);

/// Reports soon after the start, and then every interval.
pub(super) async fn run(node: Node, settings: IntegrationSettings) {
    let integration = node.integration();
    let mut sampler = Sampler::new(node.data_dir());
    let limits = Some(ResourceLimits {
        warning: settings.resource_warning,
        critical: settings.resource_critical,
    });
    let limits = ResourceSettings {
        cpu: limits,
        memory: limits,
        disk: limits,
        load: None,
    };
    let Ok(mut watch) = ResourceWatch::new(&limits) else {
        tracing::warn!("the host's health is not watched: its limits make no sense");
        return std::future::pending().await;
    };
    let mut checks = 0_u64;
    let mut has_settled = false;
    tokio::time::sleep(FIRST_REPORT_AFTER).await;
    let mut ticks = every(settings.health_interval);
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
            let before = watch.status();
            for change in watch.on_sample(&sample.shares()) {
                tell(&node, &change);
            }
            tell_status(&node, before, watch.status());
            if !std::mem::replace(&mut has_settled, true) {
                settle(&node, &watch, &sample);
            }
            report(&node, &integration, &watch, &sample, checks);
        }
        ticks.tick().await;
    }
}

/// Of a broadcast that fails it was said where it failed.
fn report(node: &Node, integration: &Integration, watch: &ResourceWatch, sample: &Sample, checks: u64) {
    let status = match watch.status() {
        ResourceStatus::Healthy => NodeStatus::Healthy,
        ResourceStatus::Degraded => NodeStatus::Degraded,
        ResourceStatus::Unhealthy => NodeStatus::Unhealthy,
    };
    let figures = json!({
        "cpu_usage": sample.cpu_usage, "memory_usage": sample.memory_usage(), "disk_usage": sample.disk_usage(),
        "load_avg": sample.load_avg, "check_duration_ms": sample.took_ms, "check_count": checks,
    });
    let _ = integration.broadcast_health_update(CHECKER, &status.to_string(), figures);
    let _ = integration.publish(|| {
        let mut health = NodeHealth::new(node.id(), status)
            .checks(checks_of(watch, sample))
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

fn checks_of(watch: &ResourceWatch, sample: &Sample) -> BTreeMap<String, CheckState> {
    let state = |(resource, name, share): (Resource, &str, Option<f64>)| {
        let state = match (share, watch.level(resource)) {
            (None, _) => CheckState::Other("unknown".into()),
            (Some(_), None) => CheckState::Pass,
            (Some(_), Some(ResourceLevel::Warning)) => CheckState::Warning,
            (Some(_), Some(ResourceLevel::Critical)) => CheckState::Fail,
        };
        (name.to_owned(), state)
    };
    let checked = [
        (Resource::Cpu, "cpu", sample.cpu_usage),
        (Resource::Memory, "memory", sample.memory_usage()),
        (Resource::Disk, "disk", sample.disk_usage()),
    ];
    checked.map(state).into()
}

/// What was raised by other limits, before these were configured, and is not by these.
fn settle(node: &Node, watch: &ResourceWatch, sample: &Sample) {
    let clear = |over: Raised| {
        if node.alerts_state().is_raised(&over.key()) {
            let words = format!("the limits are others now: {}", over.words);
            over.clear(node, &words);
        }
    };
    let shares = [
        (Resource::Cpu, sample.cpu_usage),
        (Resource::Memory, sample.memory_usage()),
        (Resource::Disk, sample.disk_usage()),
    ];
    for (resource, share) in shares {
        let Some(share) = share else { continue };
        let level = watch.level(resource);
        if level.is_none() {
            clear(raised(node, resource, ResourceLevel::Warning, share, share));
        }
        if level != Some(ResourceLevel::Critical) {
            clear(raised(node, resource, ResourceLevel::Critical, share, share));
        }
    }
    for status in [ResourceStatus::Degraded, ResourceStatus::Unhealthy] {
        if let Some(over) = raised_status(node, status).filter(|_| status != watch.status()) {
            clear(over);
        }
    }
}

fn raised(node: &Node, resource: Resource, level: ResourceLevel, value: f64, threshold: f64) -> Raised {
    let (alert_type, severity) = match level {
        ResourceLevel::Warning => ("resource_warning", "warning"),
        ResourceLevel::Critical => ("resource_critical", "critical"),
    };
    let name = serde_json::to_value(resource).unwrap_or_default();
    let name = name.as_str().unwrap_or("resource").to_owned();
    Raised {
        alert_type: alert_type.to_owned(),
        about: format!("{}:{name}", node.id()),
        severity,
        words: format!("{value:.0} % of {name} is used"),
        context: json!({"resource": name, "value": value, "threshold": threshold, "node": node.id()}),
    }
}

fn raised_status(node: &Node, status: ResourceStatus) -> Option<Raised> {
    let (alert_type, severity) = match status {
        ResourceStatus::Healthy => return None,
        ResourceStatus::Degraded => ("health_degraded", "warning"),
        ResourceStatus::Unhealthy => ("health_critical", "critical"),
    };
    Some(Raised {
        alert_type: alert_type.to_owned(),
        about: node.id().to_string(),
        severity,
        words: format!(
            "the health of {} is {}",
            node.id(),
            alert_type.trim_start_matches("health_")
        ),
        context: json!({"node": node.id()}),
    })
}

/// What has become short, or is no longer.
fn tell(node: &Node, change: &ResourceChange) {
    match *change {
        ResourceChange::Raised {
            resource,
            level,
            value,
            threshold,
        } => {
            raised(node, resource, level, value, threshold).raise(node);
        }
        ResourceChange::Cleared {
            resource,
            level,
            remains,
            value,
            threshold,
        } => {
            // What was critical from the start was never told as a warning, nor was one below it cleared.
            let over = match remains {
                Some(_) => vec![level],
                None => vec![ResourceLevel::Critical, ResourceLevel::Warning],
            };
            for level in over {
                let over = raised(node, resource, level, value, threshold);
                if node.alerts_state().is_raised(&over.key()) {
                    let words = format!("only {}", over.words);
                    over.clear(node, &words);
                }
            }
            if let Some(remains) = remains {
                raised(node, resource, remains, value, threshold).raise(node);
            }
        }
    }
}

/// The host as a whole is worse, or better.
fn tell_status(node: &Node, before: ResourceStatus, now: ResourceStatus) {
    if before == now {
        return;
    }
    if let Some(over) = raised_status(node, before) {
        over.clear(node, &format!("the health of {} has changed", node.id()));
    }
    if let Some(raised) = raised_status(node, now) {
        raised.raise(node);
    }
}
