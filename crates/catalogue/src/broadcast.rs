//! Broadcasts: the calls of the original's integration helper, and the message that each stands for.

use std::collections::BTreeSet;

use bellwether_message::{Instance, Topic, TopicError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::families::{alerts, audit, diagnostics, health, lifecycle, metrics, system};
use crate::field::Object;
use crate::message_type::MessageType;
use crate::node_name::NodeName;
use crate::stamp::Stamp;
use crate::topics::{TopicsError, store_topic};
use crate::{Invalid, Message};

/// A call of the integration helper. As JSON: `{"health_update":{"component":"store","status":"healthy"}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Broadcast {
    /// A system starts or stops: `SystemLifecycle` on `lifecycle`.
    SystemLifecycle {
        /// `starting`, `started`, `stopping` or `stopped`.
        event: String,
        /// Which system.
        #[serde(alias = "system")]
        system_name: String,
        /// Its version.
        version: String,
    },
    /// A configuration has changed: `SystemConfig` on `config`.
    SystemConfig {
        /// What is configured.
        component: String,
        /// What changed.
        changes: Object,
        /// What it was before.
        #[serde(default)]
        previous_config: Option<Object>,
        /// Who changed it; default `system`.
        #[serde(default)]
        changed_by: Option<String>,
    },
    /// The health of a part of a store: `ComponentHealth` on `{store}:health`, the store in its details.
    StoreHealth {
        /// Which store.
        #[serde(alias = "store_id")]
        store: String,
        /// Which part.
        component: String,
        /// `healthy`, `degraded`, `unhealthy` or `unknown`.
        status: String,
        /// Whatever there is to say.
        #[serde(default)]
        details: Object,
    },
    /// The health of a part: `ComponentHealth` on `component_health`.
    HealthUpdate {
        /// Which part.
        component: String,
        /// `healthy`, `degraded`, `unhealthy` or `unknown`.
        status: String,
        /// Whatever there is to say.
        #[serde(default)]
        details: Object,
    },
    /// The health of the cluster: `ClusterHealth` on `cluster:health`, counted from the two lists.
    ClusterHealth {
        /// The nodes that are there.
        nodes: Vec<String>,
        /// Those that are not.
        failed_nodes: Vec<String>,
        /// What led to it.
        event_type: String,
    },
    /// Figures of a part, on a topic of its name: `persistence` and all others as `PerformanceMetric`, `emitter` as
    /// `ThroughputMetric`.
    Metrics {
        /// Which part.
        component: String,
        /// Its figures.
        metrics: Object,
    },
    /// Something needs somebody to act: `SystemAlert` on a topic of its type.
    Alert {
        /// What kind.
        alert_type: String,
        /// `info`, `warning`, `error` or `critical`.
        severity: String,
        /// In words.
        message: String,
        /// Whatever else there is to say.
        #[serde(default)]
        context: Object,
    },
    /// Somebody did something: `DataChange` on a topic of its type.
    AuditEvent {
        /// What kind.
        event_type: String,
        /// Who.
        actor: String,
        /// To what.
        resource: String,
        /// What.
        action: String,
        /// Before and after; `resource_type`, by default the kind of event.
        #[serde(default)]
        details: Object,
    },
    /// A process starts, stops or fails: `ProcessLifecycle` on `process_lifecycle`.
    LifecycleEvent {
        /// What happened.
        event: String,
        /// To which process.
        process_name: String,
        /// `component` (what runs in it; default `unknown`), `pid`, `reason`, `restart_count`; whatever else.
        #[serde(default)]
        details: Object,
    },
    /// Something to find an error by: `DebugTrace` on `diagnostics`.
    Diagnostic {
        /// What kind.
        #[serde(rename = "type")]
        kind: String,
        /// Which part.
        component: String,
        /// What was seen.
        data: Object,
    },
}

/// A message that is ready to be published.
#[derive(Debug, Clone)]
pub struct Addressed {
    /// Its type.
    pub message_type: &'static MessageType,
    /// What it says, whole and judged.
    pub payload: Value,
    /// Where it goes.
    pub topic: Topic,
}

/// What the caller of a helper may set beside its arguments.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where it goes, if not to the helper's own topic. Store and cluster health have no other.
    pub topic: Option<Topic>,
    /// The node that it is about, if not this one.
    pub node: Option<NodeName>,
}

impl Broadcast {
    /// The names of all helpers, as in JSON.
    pub const NAMES: [&'static str; 10] = [
        "system_lifecycle",
        "system_config",
        "store_health",
        "health_update",
        "cluster_health",
        "metrics",
        "alert",
        "audit_event",
        "lifecycle_event",
        "diagnostic",
    ];

    /// The message that this call stands for.
    ///
    /// # Errors
    /// [`BroadcastError`]: an argument is none.
    pub fn addressed(self, options: &Options, stamp: &Stamp) -> Result<Addressed, BroadcastError> {
        let node = options.node.clone().unwrap_or_else(|| stamp.node.clone());
        let stamp = &Stamp { node, ..stamp.clone() };
        let (message_type, payload, topic) = self.message(stamp)?;
        let payload = message_type.prepare(payload, stamp)?;
        let topic = match (&options.topic, topic) {
            (_, Place::Fixed(topic)) => topic,
            (Some(topic), _) => topic.clone(),
            (None, Place::Usual(topic)) => Topic::new(&topic)?,
        };
        Ok(Addressed {
            message_type,
            payload,
            topic,
        })
    }

    fn message(self, stamp: &Stamp) -> Result<(&'static MessageType, Value, Place), BroadcastError> {
        let node = stamp.node.as_str();
        Ok(match self {
            Self::SystemLifecycle {
                event,
                system_name,
                version,
            } => {
                let payload = json!({"event": event, "system_name": system_name, "version": version});
                (system::SystemLifecycle::TYPE, payload, Place::usual("lifecycle"))
            }
            Self::SystemConfig {
                component,
                changes,
                previous_config,
                changed_by,
            } => {
                let payload = json!({
                    "component": component, "changes": changes, "previous_config": previous_config,
                    "changed_by": changed_by,
                });
                (system::SystemConfig::TYPE, payload, Place::usual("config"))
            }
            Self::StoreHealth {
                store,
                component,
                status,
                mut details,
            } => {
                let topic = store_topic(&store, "health")?;
                details.entry("store_id").or_insert(store.into());
                let payload = json!({"component": component, "node": node, "status": status, "details": details});
                (health::ComponentHealth::TYPE, payload, Place::Fixed(topic))
            }
            Self::HealthUpdate {
                component,
                status,
                details,
            } => {
                let payload = json!({"component": component, "node": node, "status": status, "details": details});
                (health::ComponentHealth::TYPE, payload, Place::usual("component_health"))
            }
            Self::ClusterHealth {
                nodes,
                failed_nodes,
                event_type,
            } => {
                let topic = crate::topics::cluster_topic("health")?;
                let payload = cluster_health(&nodes, &failed_nodes, &event_type);
                (health::ClusterHealth::TYPE, payload, Place::Fixed(topic))
            }
            Self::Metrics { component, metrics } => metric(&component, metrics),
            Self::Alert {
                alert_type,
                severity,
                message,
                context,
            } => {
                let topic = Place::named(&alert_type);
                let payload = json!({
                    "alert_type": alert_type, "severity": severity, "message": message, "context": context,
                });
                (alerts::SystemAlert::TYPE, payload, topic)
            }
            Self::AuditEvent {
                event_type,
                actor,
                resource,
                action,
                details,
            } => {
                let kind = details.get("resource_type").and_then(Value::as_str);
                let payload = json!({
                    "user_id": actor, "resource_id": resource, "resource_type": kind.unwrap_or(&event_type),
                    "action": action, "changes": details,
                });
                (audit::DataChange::TYPE, payload, Place::named(&event_type))
            }
            Self::LifecycleEvent {
                event,
                process_name,
                details,
            } => {
                let payload = process(&event, &process_name, details);
                (
                    lifecycle::ProcessLifecycle::TYPE,
                    payload,
                    Place::usual("process_lifecycle"),
                )
            }
            Self::Diagnostic {
                kind,
                component,
                mut data,
            } => {
                data.entry("node").or_insert(node.into());
                data.entry("timestamp").or_insert(stamp.now.to_string().into());
                let payload = json!({
                    "component": component, "operation": kind, "trace_type": kind, "trace_data": data,
                });
                (diagnostics::DebugTrace::TYPE, payload, Place::usual("diagnostics"))
            }
        })
    }
}

/// Where a helper sends.
enum Place {
    /// Always there.
    Fixed(Topic),
    /// There, unless the caller names another.
    Usual(String),
}

impl Place {
    fn usual(topic: &str) -> Self {
        Self::Usual(topic.to_owned())
    }

    /// A topic of one level called after something.
    fn named(name: &str) -> Self {
        Self::Usual(crate::template::level(name))
    }
}

fn cluster_health(nodes: &[String], failed: &[String], event_type: &str) -> Value {
    let unhealthy: BTreeSet<&str> = failed.iter().map(String::as_str).collect();
    let healthy: BTreeSet<&str> = nodes.iter().map(String::as_str).collect();
    let healthy: Vec<&str> = healthy.difference(&unhealthy).copied().collect();
    let total = healthy.len() + unhealthy.len();
    let has_quorum = healthy.len() > total / 2;
    let status = match (unhealthy.is_empty(), has_quorum) {
        (true, _) => "healthy",
        (false, true) => "degraded",
        (false, false) => "unhealthy",
    };
    let quorum = if has_quorum || unhealthy.is_empty() {
        "available"
    } else {
        "lost"
    };
    json!({
        "status": status, "healthy_nodes": healthy.len(), "total_nodes": total, "unhealthy_nodes": unhealthy,
        "quorum_status": quorum, "event_type": event_type, "nodes": healthy,
    })
}

fn metric(component: &str, metrics: Object) -> (&'static MessageType, Value, Place) {
    let topic = Place::named(component);
    let count = |key: &str, default: u64| metrics.get(key).and_then(Value::as_u64).unwrap_or(default);
    let number = |key: &str| {
        metrics
            .get(key)
            .filter(|value| value.is_number())
            .cloned()
            .unwrap_or_else(|| 0.into())
    };
    match component {
        "persistence" => {
            let value = number("operations_count");
            let mut tags = metrics.clone();
            tags.remove("operations_count");
            for key in ["stores_count", "duration_ms", "success_count", "error_count"] {
                tags.entry(key).or_insert_with(|| 0.into());
            }
            let payload = json!({
                "metric_name": "persistence_operation", "value": value, "unit": "operations", "component": component,
                "tags": tags,
            });
            (metrics::PerformanceMetric::TYPE, payload, topic)
        }
        "emitter" => {
            let payload = json!({
                "operation": "event_emission", "count": count("events_emitted", 0),
                "duration_ms": count("duration_ms", 1000),
            });
            (metrics::ThroughputMetric::TYPE, payload, topic)
        }
        _ => {
            let unit = metrics.get("unit").and_then(Value::as_str).unwrap_or("count");
            let payload = json!({
                "metric_name": component, "value": number("value"), "unit": unit, "component": component,
                "tags": metrics,
            });
            (metrics::PerformanceMetric::TYPE, payload, topic)
        }
    }
}

fn process(event: &str, process_name: &str, details: Object) -> Value {
    let text = |key: &str| details.get(key).and_then(Value::as_str);
    let restart_count = details.get("restart_count").filter(|count| count.is_u64()).cloned();
    json!({
        "event": event, "name": process_name, "pid": text("pid").unwrap_or(process_name),
        "module": text("component").unwrap_or("unknown"), "reason": details.get("reason"),
        "restart_count": restart_count.unwrap_or_else(|| 0.into()), "metadata": details,
    })
}

impl MessageType {
    /// A message of this type as its publisher gives it, ready to be published; on its usual topic if none is named.
    ///
    /// # Errors
    /// [`BroadcastError`]: it is none.
    pub fn addressed(
        &'static self,
        payload: Value,
        topic: Option<Topic>,
        stamp: &Stamp,
    ) -> Result<Addressed, BroadcastError> {
        let payload = self.prepare(payload, stamp)?;
        let topic = match topic {
            Some(topic) => topic,
            None => Topic::new(&self.topic_of(&payload))?,
        };
        Ok(Addressed {
            message_type: self,
            payload,
            topic,
        })
    }
}

impl Addressed {
    /// Where it is published.
    pub fn instance(&self) -> Instance {
        self.message_type.instance
    }
}

/// Why there is no message to publish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BroadcastError {
    /// An argument is none.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store's name makes no topic.
    #[error(transparent)]
    Store(#[from] TopicsError),
    /// The topic is none.
    #[error("the topic is wrong: {0}")]
    Topic(#[from] TopicError),
}

impl BroadcastError {
    /// The word that programs tell it by.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(invalid) => invalid.reason().name(),
            Self::Store(_) | Self::Topic(_) => "bad_topic",
        }
    }
}

#[cfg(test)]
mod tests;
