//! The lines of the monitors.

use serde_json::json;

use super::*;

#[test]
fn nodes_are_marked_by_what_becomes_of_them() {
    for (instance, topic, event, payload, line) in [
        (
            "alerts",
            "node_failure",
            "system_alert",
            json!({"severity": "critical", "node": "a", "metadata": {"node": "c", "reason": "noconnection"}}),
            "❌ NODE FAILED: c (noconnection)",
        ),
        (
            "alerts",
            "system_alerts:critical",
            "system_alert",
            json!({"alert_type": "node_failure", "message": "Node down"}),
            "❌ NODE FAILED: b (Node down)",
        ),
        (
            "lifecycle",
            "node_lifecycle",
            "node_lifecycle_event",
            json!({"node": "c", "event": "down", "cluster_size": 2}),
            "🔴 NODE DOWN: c (down) - cluster of 2",
        ),
        (
            "lifecycle",
            "node_lifecycle",
            "node_lifecycle_event",
            json!({"node": "c", "event": "reconnected", "cluster_size": 3}),
            "🟢 NODE UP: c (reconnected) - cluster of 3",
        ),
        (
            "lifecycle",
            "node_lifecycle",
            "node_lifecycle_event",
            json!({"node": "c", "event": "leaving"}),
            "⚠️ NODE SHUTDOWN: c (leaving)",
        ),
        (
            "health",
            "cluster:health",
            "cluster_health_updated",
            json!({
                "status": "degraded", "healthy_nodes": 2, "total_nodes": 3, "degraded_nodes": [],
                "unhealthy_nodes": ["c"], "quorum_status": "available",
            }),
            "🟠 CLUSTER HEALTH: degraded - 2/3 healthy nodes, unhealthy: c, quorum: available",
        ),
        (
            "health",
            "cluster_health",
            "cluster_health_updated",
            json!({"status": "healthy", "healthy_nodes": 3, "total_nodes": 3}),
            "🟢 CLUSTER HEALTH: healthy - 3/3 healthy nodes",
        ),
        (
            "health",
            "cluster_health",
            "cluster_health_updated",
            json!({"status": "unhealthy", "healthy_nodes": 1, "total_nodes": 3}),
            "❌ CLUSTER HEALTH: unhealthy - 1/3 healthy nodes",
        ),
        (
            "health",
            "node_health:c",
            "node_health_updated",
            json!({"node": "c", "status": "degraded"}),
            "🟠 NODE HEALTH: c is degraded",
        ),
        (
            "health",
            "main:health",
            "component_health_updated",
            json!({
                "component": "cluster_node", "node": "a", "status": "degraded",
                "details": {"node": "c", "failure_count": 2, "threshold": 3, "event": "probe_failed"},
            }),
            "🟠 NODE DEGRADED: c - probe failed 2/3",
        ),
        (
            "health",
            "main:health",
            "component_health_updated",
            json!({
                "component": "cluster_node", "node": "a", "status": "unhealthy",
                "details": {"node": "c", "reason": "noconnection", "event": "disconnected"},
            }),
            "🔴 NODE DOWN: c (noconnection)",
        ),
        (
            "lifecycle",
            "cluster_membership",
            "cluster_membership_changed",
            json!({"event": "node_removed", "affected_nodes": ["c"], "active_nodes": ["a", "b"], "total_nodes": 2}),
            "🔴 CLUSTER MEMBERSHIP: node_removed (c) - 2 nodes",
        ),
        (
            "lifecycle",
            "process_lifecycle",
            "process_lifecycle_event",
            json!({"module": "node_monitor", "event": "stopped", "reason": "shutdown"}),
            "⚠️ SHUTDOWN: stopped (shutdown)",
        ),
    ] {
        let expected = format!("[a] [NodeMonitor] {line}");
        assert_eq!(on_pipe(instance, topic, event, &payload), expected, "{payload}");
    }
}

#[test]
fn the_cluster_monitor_tells_nodes_with_stores_from_others() {
    for (payload, line) in [
        (
            json!({"event": "nodeup", "node": "c", "is_ex_esdb": true}),
            "✅ EVENT STORE NODE FOUND: c",
        ),
        (
            json!({"event": "nodedown", "node": "c", "is_ex_esdb": true}),
            "❌ EVENT STORE NODE LOST: c",
        ),
        (
            json!({"event": "nodeup", "node": "c", "total_nodes": 2}),
            "🟢 CONNECTED: c - 2 other nodes",
        ),
        (json!({"event": "nodedown", "node": "c"}), "🔴 DISCONNECTED: c"),
    ] {
        let expected = format!("[a] [ClusterMonitor] {line}");
        assert_eq!(
            on_pipe("system", "cluster:topology", "cluster_state_changed", &payload),
            expected
        );
    }
}
