//! Tells who was refused what: in the log, and on `security` for the mesh.

use std::time::Duration;

use bellwether::Node;
use bellwether::catalogue::families::security::{
    AccessViolation, AuthEvent, AuthEventKind, AuthMethod, Severity, ViolationKind,
};
use bellwether_access::{Access, Refusal, RefusalReport};
use serde_json::{Map, Value, json};
use tokio::time::{MissedTickBehavior, interval};

/// How often it is asked what is to be told.
const PERIOD: Duration = Duration::from_millis(500);

/// For ever. What is published here goes past the doors, so that telling of a refusal can cause none.
pub(super) async fn tell(access: &Access, node: &Node) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for report in access.take_refusals(node.uptime()) {
            if report.log {
                log(&report);
            }
            if report.publish {
                publish(node, &report);
            }
        }
    }
}

fn log(report: &RefusalReport) {
    let instance = report.instance.map(|instance| instance.name());
    tracing::warn!(
        reason = report.refusal.name(),
        total = report.total,
        principal = &*report.principal,
        instance,
        "clients are refused"
    );
}

/// Of a message that is not published it was said where it failed.
fn publish(node: &Node, report: &RefusalReport) {
    let principal = &*report.principal;
    let count = [("count", report.unpublished), ("total", report.total)];
    let metadata: Map<String, Value> = count
        .map(|(key, count)| (key.to_owned(), json!(count)))
        .into_iter()
        .collect();
    let violation = |kind: ViolationKind, action: &str, severity: Severity| {
        let resource = report.instance.map_or("node", |instance| instance.name());
        let mut message = AccessViolation::new(kind, resource, action);
        message.severity = severity;
        message.metadata = metadata.clone();
        message.user_id = Some(principal.to_owned());
        message
    };
    let integration = node.integration();
    let denied = |action| violation(ViolationKind::PermissionDenied, action, Severity::Medium);
    let limited = |action| violation(ViolationKind::RateLimitExceeded, action, Severity::Low);
    let message = match report.refusal {
        Refusal::PublishDenied => denied("publish"),
        Refusal::SubscribeDenied => denied("subscribe"),
        Refusal::LookDenied => denied("look"),
        Refusal::AdministerDenied => denied("administer"),
        Refusal::TooManyConnections => limited("connect"),
        Refusal::TooManySubscriptions => limited("subscribe"),
        Refusal::TooFast | Refusal::TooLarge => limited("publish"),
        reason => {
            let mut message = AuthEvent::new(principal, AuthEventKind::LoginFailure, AuthMethod::Token);
            message.reason = Some(reason.name().to_owned());
            message.metadata = metadata;
            let _ = integration.publish(|| message.node(node.id()));
            return;
        }
    };
    let _ = integration.publish(|| message);
}
