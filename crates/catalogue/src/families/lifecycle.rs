//! `lifecycle`: starts, stops, crashes, supervision, membership.

use serde_json::Value;

use crate::define::messages;
use crate::families::health::QuorumStatus;
use crate::field::Object;
use crate::node_name::NodeName;
use crate::word::words;

words! {
    /// What a node does with its life.
    NodeEvent {
        Joining "joining", Joined "joined", Leaving "leaving", Left "left", Down "down", Reconnected "reconnected",
    }
    /// What a process does with its life.
    @open ProcessEvent {
        Started "started", Stopped "stopped", Crashed "crashed", Restarted "restarted",
        StoreStarted "store_started", StoreStopping "store_stopping", StoreStopped "store_stopped",
        StoreTerminated "store_terminated",
        EmitterPoolStarted "emitter_pool_started", EmitterPoolStopped "emitter_pool_stopped",
        EmitterWorkerStarted "emitter_worker_started", EmitterWorkerTerminated "emitter_worker_terminated",
    }
    /// What a supervisor has seen.
    SupervisionWord {
        ChildStarted "child_started", ChildTerminated "child_terminated",
        RestartLimitExceeded "restart_limit_exceeded",
    }
    /// What became of the cluster.
    MembershipEvent {
        NodeAdded "node_added", NodeRemoved "node_removed", PartitionDetected "partition_detected",
        PartitionHealed "partition_healed",
    }
}

messages! {
    /// A node joins, leaves, fails or returns.
    NodeLifecycle "node_lifecycle_event" in Lifecycle on "node_lifecycle" {
        required {
            /// Which node.
            node: NodeName,
            /// What it did.
            event: NodeEvent => "joined",
            /// How many nodes there are after it.
            cluster_size: u64 => 3,
        }
        default {
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
    }

    /// A process starts, stops, crashes or is started again.
    ProcessLifecycle "process_lifecycle_event" in Lifecycle on "process_lifecycle" by node {
        required {
            /// Which process: its id, or a name.
            pid: String => "<0.789.0>",
            /// What runs in it.
            module: String => "emitter_worker",
            /// What it did.
            event: ProcessEvent,
        }
        default {
            /// How often it was started again.
            restart_count: u64 = 0_u64,
        }
        optional {
            /// Its registered name.
            name: String => "emitter_1",
            /// Why.
            reason: Value => "normal",
            /// What kind of process.
            process_type: String => "subscription_proxy",
            /// Whatever else there is to say.
            metadata: Object,
        }
    }

    /// A supervisor has started or lost a child.
    SupervisionEvent "supervision_event" in Lifecycle on "supervision" by node {
        required {
            /// Which supervisor.
            supervisor: String => "core_system",
            /// Its child.
            child_spec: Object => {"id": "store"},
            /// What happened.
            event: SupervisionWord,
        }
        optional {
            /// Why.
            reason: Value => "normal",
        }
    }

    /// The cluster has gained or lost nodes, or was cut in two, or is whole again.
    ClusterMembership "cluster_membership_changed" in Lifecycle on "cluster_membership" by originating_node {
        required {
            /// What happened.
            event: MembershipEvent => "node_removed",
            /// To which nodes.
            affected_nodes: Vec<NodeName> => ["node3"],
            /// Which are there now.
            active_nodes: Vec<NodeName> => ["node1", "node2"],
        }
        default {
            /// Whether more than half of the nodes are there.
            quorum_status: QuorumStatus = QuorumStatus::Available,
        }
        filled {
            /// How many are there now.
            total_nodes: u64 = |_, change| change.active_nodes.len() as u64 => 2,
        }
    }
}
