//! Nodes that come, go and fail, as the node monitor and the cluster monitor mark them.

use serde_json::Value;

use super::class::Class;
use super::component::Component;
use super::fields::{ABSENT, Fields, shown};
use super::line::Line;
use super::message::Message;
use super::speakers::alert_kind;

const DOWN: &str = "🔴";
const UP: &str = "🟢";
const DEGRADED: &str = "🟠";
const FAILED: &str = "❌";
const SHUTDOWN: &str = "⚠️";
const FOUND: &str = "✅";

/// The line of a message about nodes; nothing for others, and for those of which it does not understand the state.
pub(super) fn line(message: &Message<'_>) -> Option<Line> {
    let fields = message.fields();
    if alert_kind(message).as_deref() == Some("node_failure") {
        return Some(said(message, Component::NodeMonitor, &failure(message)));
    }
    let (component, text) = match &*message.event {
        "node_lifecycle_event" => (Component::NodeMonitor, lifecycle(fields)?),
        "node_health_updated" => (Component::NodeMonitor, node_health(fields)?),
        "cluster_health_updated" => (Component::NodeMonitor, cluster_health(fields)?),
        "cluster_membership_changed" => (Component::NodeMonitor, membership(fields)?),
        "component_health_updated" => (Component::NodeMonitor, probed(fields)?),
        "process_lifecycle_event" => (Component::NodeMonitor, own_shutdown(fields)?),
        "cluster_event" => (Component::ClusterMonitor, topology(fields)?),
        "cluster_state_changed" => (Component::ClusterMonitor, topology(fields)?),
        _ => return None,
    };
    Some(said(message, component, &text))
}

fn said(message: &Message<'_>, component: Component, text: &str) -> Line {
    // Monitors have a colour of their own for everything, so that the class does not matter.
    message.says(Some(component), Class::Action, text)
}

fn word<'a>(fields: Fields<'a>, keys: &[&str]) -> Option<&'a str> {
    fields.value(keys).and_then(Value::as_str)
}

/// An alert's own `node` is the one that raised it; the failed one is in its metadata.
fn failure(message: &Message<'_>) -> String {
    let fields = message.fields();
    let node = fields.nested(&["node", "failed_node"]).map(shown);
    let node = node.or_else(|| fields.text(&["failed_node", "node"]));
    let node = node.unwrap_or_else(|| message.originating_node.clone().into_owned());
    let reason = fields.text_or_absent(&["reason", "description", "message"]);
    format!("{FAILED} NODE FAILED: {node} ({reason})")
}

fn lifecycle(fields: Fields<'_>) -> Option<String> {
    let event = word(fields, &["event"])?;
    let (mark, state) = match event {
        "joining" | "joined" | "reconnected" => (UP, "UP"),
        "leaving" | "left" => (SHUTDOWN, "SHUTDOWN"),
        "down" => (DOWN, "DOWN"),
        _ => return None,
    };
    let node = fields.text_or_absent(&["node"]);
    let size = fields.text(&["cluster_size"]);
    let size = size.map_or(String::new(), |size| format!(" - cluster of {size}"));
    Some(format!("{mark} NODE {state}: {node} ({event}){size}"))
}

fn node_health(fields: Fields<'_>) -> Option<String> {
    let status = word(fields, &["status"])?;
    let mark = match status {
        "healthy" => UP,
        "degraded" => DEGRADED,
        "unhealthy" => DOWN,
        _ => return None,
    };
    let node = fields.text_or_absent(&["node"]);
    Some(format!("{mark} NODE HEALTH: {node} is {status}"))
}

fn cluster_health(fields: Fields<'_>) -> Option<String> {
    let status = word(fields, &["status"])?;
    let mark = match status {
        "healthy" => UP,
        "degraded" => DEGRADED,
        "unhealthy" => FAILED,
        _ => return None,
    };
    let healthy = fields.text_or_absent(&["healthy_nodes"]);
    let total = fields.text_or_absent(&["total_nodes"]);
    let named = |name: &str, key: &str| {
        let nodes = fields.text(&[key]).filter(|nodes| nodes != ABSENT);
        nodes.map_or(String::new(), |nodes| format!(", {name}: {nodes}"))
    };
    Some(format!(
        "{mark} CLUSTER HEALTH: {status} - {healthy}/{total} healthy nodes{}{}{}",
        named("degraded", "degraded_nodes"),
        named("unhealthy", "unhealthy_nodes"),
        named("quorum", "quorum_status"),
    ))
}

fn membership(fields: Fields<'_>) -> Option<String> {
    let event = word(fields, &["event"])?;
    let mark = match event {
        "node_added" | "partition_healed" => UP,
        "node_removed" => DOWN,
        "partition_detected" => FAILED,
        _ => return None,
    };
    let affected = fields.text_or_absent(&["affected_nodes"]);
    let total = fields.text(&["total_nodes"]);
    let total = total.map_or(String::new(), |total| format!(" - {total} nodes"));
    Some(format!("{mark} CLUSTER MEMBERSHIP: {event} ({affected}){total}"))
}

/// What the node monitor found when it probed a node.
fn probed(fields: Fields<'_>) -> Option<String> {
    let component = word(fields, &["component"]).and_then(Component::named);
    component.filter(|component| *component == Component::NodeMonitor)?;
    let status = word(fields, &["status"])?;
    let node = fields.nested(&["node"]).or_else(|| fields.value(&["node"]));
    let node = node.map_or(ABSENT.to_owned(), shown);
    let why = fields.text_or_absent(&["reason", "event"]);
    match (status, fields.text(&["failure_count"])) {
        ("healthy", _) => Some(format!("{UP} NODE UP: {node} ({why})")),
        ("degraded", Some(count)) => {
            let threshold = fields.text_or_absent(&["threshold"]);
            Some(format!(
                "{DEGRADED} NODE DEGRADED: {node} - probe failed {count}/{threshold}"
            ))
        }
        ("degraded", None) => Some(format!("{DEGRADED} NODE DEGRADED: {node} ({why})")),
        ("unhealthy", _) => Some(format!("{DOWN} NODE DOWN: {node} ({why})")),
        _ => None,
    }
}

/// The node monitor itself ends.
fn own_shutdown(fields: Fields<'_>) -> Option<String> {
    let names = ["module", "name", "pid"].iter().filter_map(|key| word(fields, &[key]));
    let mut components = names.filter_map(Component::named);
    components.find(|component| *component == Component::NodeMonitor)?;
    let event = word(fields, &["event"])?;
    let reason = fields.text_or_absent(&["reason"]);
    matches!(event, "stopped" | "stopping" | "terminated").then(|| format!("{SHUTDOWN} SHUTDOWN: {event} ({reason})"))
}

/// What the cluster monitor saw of the connections between nodes.
fn topology(fields: Fields<'_>) -> Option<String> {
    let event = word(fields, &["event"])?;
    let is_store = fields.value(&["is_ex_esdb"]).and_then(Value::as_bool) == Some(true);
    let (mark, text) = match (event, is_store) {
        ("nodeup" | "node_up" | "node_join", true) => (FOUND, "EVENT STORE NODE FOUND"),
        ("nodeup" | "node_up" | "node_join", false) => (UP, "CONNECTED"),
        ("nodedown" | "node_down", true) => (FAILED, "EVENT STORE NODE LOST"),
        ("nodedown" | "node_down", false) => (DOWN, "DISCONNECTED"),
        ("node_leave", _) => (SHUTDOWN, "SHUTDOWN"),
        _ => return None,
    };
    let node = fields.text_or_absent(&["node"]);
    let total = fields.text(&["total_nodes"]);
    let total = total.map_or(String::new(), |total| format!(" - {total} other nodes"));
    Some(format!("{mark} {text}: {node}{total}"))
}
