//! What a message may say about the cluster that it comes from, and whether this node's messages are as the catalogue has
//! them.

use bellwether_catalogue::field::Object;
use bellwether_catalogue::{Broadcast, Options, Stamp};
use bellwether_mesh::MemberState;
use bellwether_message::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Details, Integration};
use crate::node::Node;

/// The key under which the cluster is described.
const CONTEXT: &str = "cluster_context";
/// What a node of ours is.
const NODE_TYPE: &str = "bellwether_node";

/// Whether a node's messages are what consumers of the original expect: the self-check of its integration module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Compatibility {
    /// Every helper makes a message of its type.
    pub operational_helpers: bool,
    /// The catalogue reads each of them back as it was made.
    pub gater_integration: bool,
    /// Each names this node where it names one.
    pub node_consistency: bool,
    /// Times are UTC with milliseconds.
    pub timestamp_precision: bool,
}

impl Node {
    /// The metadata with what this node knows of its cluster beside them: `cluster_context` with `node_name`,
    /// `connected_nodes`, `cluster_size` and `node_type`. The caller's keys win, also over `cluster_context`.
    pub fn with_cluster_context(&self, metadata: impl Details) -> Object {
        let others = self.members().into_iter();
        let connected =
            others.filter(|member| member.state == MemberState::Alive && (member.inbound || member.outbound));
        let connected: Vec<_> = connected.map(|member| member.node).collect();
        let context = json!({
            "node_name": self.id(), "cluster_size": connected.len() + 1, "connected_nodes": connected,
            "node_type": NODE_TYPE,
        });
        let mut whole = Object::from_iter([(CONTEXT.to_owned(), context)]);
        whole.extend(metadata.object());
        whole
    }
}

impl Integration {
    /// Makes a message with each helper, publishes none, and looks at them.
    pub fn validate_messaging_compatibility(&self) -> Compatibility {
        let stamp = self.node.stamp();
        let made: Option<Vec<(Value, bool)>> = samples().into_iter().map(|sample| made(sample, &stamp)).collect();
        let made = made.unwrap_or_default();
        let all = |holds: &dyn Fn(&Value) -> bool| !made.is_empty() && made.iter().all(|(payload, _)| holds(payload));
        Compatibility {
            operational_helpers: !made.is_empty(),
            gater_integration: !made.is_empty() && made.iter().all(|(_, is_read_back)| *is_read_back),
            node_consistency: all(&|payload| payload.get("node").is_none_or(|node| node == stamp.node.as_str())),
            timestamp_precision: all(&|payload| has_milliseconds(payload.get("timestamp"))),
        }
    }
}

/// The message, and whether the catalogue reads it back as it is.
fn made(sample: Broadcast, stamp: &Stamp) -> Option<(Value, bool)> {
    let addressed = sample.addressed(&Options::default(), stamp).ok()?;
    let read = addressed.message_type.validate(addressed.payload.clone());
    let is_read_back = read.as_ref() == Ok(&addressed.payload);
    Some((addressed.payload, is_read_back))
}

fn has_milliseconds(time: Option<&Value>) -> bool {
    let text = time.and_then(Value::as_str).unwrap_or_default();
    text.parse::<Timestamp>().is_ok_and(|time| time.to_string() == text)
}

/// A call of each helper.
fn samples() -> Vec<Broadcast> {
    let text = |text: &str| text.to_owned();
    let component = || text("self_check");
    vec![
        Broadcast::SystemLifecycle {
            event: text("started"),
            system_name: component(),
            version: text(env!("CARGO_PKG_VERSION")),
        },
        Broadcast::SystemConfig {
            component: component(),
            changes: Object::new(),
            previous_config: None,
            changed_by: None,
        },
        Broadcast::StoreHealth {
            store: component(),
            component: component(),
            status: text("healthy"),
            details: Object::new(),
        },
        Broadcast::HealthUpdate {
            component: component(),
            status: text("healthy"),
            details: Object::new(),
        },
        Broadcast::ClusterHealth {
            nodes: vec![component()],
            failed_nodes: Vec::new(),
            event_type: component(),
        },
        Broadcast::Metrics {
            component: component(),
            metrics: Object::new(),
        },
        Broadcast::Alert {
            alert_type: component(),
            severity: text("info"),
            message: component(),
            context: Object::new(),
        },
        Broadcast::AuditEvent {
            event_type: component(),
            actor: component(),
            resource: component(),
            action: text("read"),
            details: Object::new(),
        },
        Broadcast::LifecycleEvent {
            event: text("started"),
            process_name: component(),
            details: Object::new(),
        },
        Broadcast::Diagnostic {
            kind: component(),
            component: component(),
            data: Object::new(),
        },
    ]
}
