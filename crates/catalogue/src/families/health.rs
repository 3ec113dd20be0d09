//! `health`: nodes, cluster, components.

use std::collections::BTreeMap;

use bellwether_message::Timestamp;

use crate::define::messages;
use crate::field::Object;
use crate::node_name::NodeName;
use crate::word::words;

words! {
    /// The health of a node or a component.
    NodeStatus { Healthy "healthy", Degraded "degraded", Unhealthy "unhealthy", Unknown "unknown" }
    /// The health of a cluster.
    ClusterStatus { Healthy "healthy", Degraded "degraded", Unhealthy "unhealthy" }
    /// Whether more than half of the nodes are there.
    QuorumStatus { Available "available", Lost "lost" }
    /// How a check ended.
    CheckResult { Pass "pass", Fail "fail", Timeout "timeout" }
    /// How one of a node's checks stands.
    @open CheckState { Pass "pass", Fail "fail", Timeout "timeout", Ok "ok", Warning "warning" }
}

messages! {
    /// The health of a node.
    NodeHealth "node_health_updated" in Health on "cluster:health" {
        required {
            /// Which node.
            node: NodeName,
            /// Its health.
            status: NodeStatus,
        }
        default {
            /// How each of its checks stands.
            checks: BTreeMap<String, CheckState> = BTreeMap::<String, CheckState>::new()
                => {"persistence": "pass", "network": "pass"},
        }
        optional {
            /// The system's load.
            load_avg: f64 => 0.7,
            /// Percent.
            memory_usage: f64 => 45.2,
            /// Percent.
            disk_usage: f64 => 23.1,
            /// Percent.
            cpu_usage: f64 => 12.5,
            /// How long the check took, in milliseconds.
            check_duration_ms: u64 => 150,
            /// The node that reports, if not the node itself.
            reporting_node: NodeName => "node2",
            /// Whatever else there is to say.
            details: Object,
        }
    }

    /// The health of the cluster, as its publisher judges it.
    ClusterHealth "cluster_health_updated" in Health on "cluster:health" {
        required {
            /// Its health; never recomputed from the counts.
            status: ClusterStatus,
            /// How many nodes are well.
            healthy_nodes: u64 => 2,
            /// How many nodes there are.
            total_nodes: u64 => 3,
        }
        default {
            /// Nodes that answer, but not well.
            degraded_nodes: Vec<NodeName> = Vec::<NodeName>::new() => [],
            /// Nodes that are gone.
            unhealthy_nodes: Vec<NodeName> = Vec::<NodeName>::new() => ["node3"],
            /// Whether more than half of the nodes are there.
            quorum_status: QuorumStatus = QuorumStatus::Available,
        }
        optional {
            /// What led to it, as `node_down`.
            event_type: String => "node_down",
            /// The nodes that are there.
            nodes: Vec<NodeName>,
            /// The node that the change is about.
            originating_node: NodeName => "node3",
            /// Whatever else there is to say.
            details: Object,
        }
    }

    /// The health of a part of a node.
    ComponentHealth "component_health_updated" in Health on "component_health" {
        required {
            /// Which part.
            component: String => "store_worker",
            /// Where it runs.
            node: NodeName,
            /// Its health.
            status: NodeStatus,
        }
        default {
            /// Whatever there is to say.
            details: Object = Object::new() => {"store_id": "main"},
        }
        optional {
            /// When it was last looked at.
            last_check: Timestamp,
        }
    }

    /// A check has ended.
    HealthCheck "health_check_completed" in Health on "component_health" {
        required {
            /// Which check.
            check_name: String => "disk_space",
            /// Where it ran.
            node: NodeName,
            /// How it ended.
            result: CheckResult,
        }
        default {
            /// Whatever there is to say.
            details: Object = Object::new(),
        }
        optional {
            /// How long it took, in milliseconds.
            duration_ms: u64 => 12,
            /// What went wrong.
            error: String => "timeout",
        }
    }
}
