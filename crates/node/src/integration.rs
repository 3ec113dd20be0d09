//! The integration helper: one call per thing worth telling, and a switch over all of them.

mod context;
mod settings;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bellwether_broker::PublishError;
use bellwether_catalogue::field::Object;
use bellwether_catalogue::{Addressed, Broadcast, BroadcastError, Message, MessageType, NodeName, Options, Stamp};
use bellwether_message::{Draft, Instance, MessageId, NodeId, Topic};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

pub use self::context::Compatibility;
pub use self::settings::{Alerting, HealthMonitoring, IntegrationSettings};
use crate::node::Node;

/// The helpers of a node: `node.integration().broadcast_…`. Cheap to clone.
///
/// Switched off, a helper does nothing and costs next to nothing: give what takes work to make as a closure, which is
/// not called then. A broadcast that fails is logged and counted; whoever made it may ignore the result.
///
/// ```
/// # async fn run(node: bellwether::Node) {
/// let integration = node.integration();
/// let _ = integration.broadcast_system_lifecycle("started", "ex_esdb", "0.8.0");
/// let _ = integration.broadcast_health_update("store_worker", "healthy", || serde_json::json!({"store_id": "main"}));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Integration {
    node: Node,
    options: Options,
}

/// What of the integration lives as long as the node.
#[derive(Debug)]
pub(crate) struct IntegrationState {
    settings: watch::Sender<IntegrationSettings>,
    /// On the way of every broadcast.
    enabled: AtomicBool,
    /// The same, for whoever waits for a change.
    switch: watch::Sender<bool>,
    published: AtomicU64,
    failed: AtomicU64,
}

impl IntegrationState {
    pub(crate) fn new(settings: IntegrationSettings) -> Self {
        Self {
            enabled: AtomicBool::new(settings.enabled),
            switch: watch::Sender::new(settings.enabled),
            settings: watch::Sender::new(settings),
            published: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// As they are now.
    pub(crate) fn settings(&self) -> IntegrationSettings {
        self.settings.borrow().clone()
    }

    pub(crate) fn watch_settings(&self) -> watch::Receiver<IntegrationSettings> {
        self.settings.subscribe()
    }

    pub(crate) fn change_settings(&self, settings: IntegrationSettings) {
        self.settings.send_replace(settings);
    }

    pub(crate) fn watch_enabled(&self) -> watch::Receiver<bool> {
        self.switch.subscribe()
    }

    fn set_enabled(&self, enabled: bool) {
        // Under the lock of the one that is watched: two that switch at once leave both alike.
        self.switch.send_modify(|switch| {
            *switch = enabled;
            self.enabled.store(enabled, Ordering::Relaxed);
        });
    }
}

/// How the integration stands, as `GET /v1/integration` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntegrationStatus {
    /// Whether helpers and reporters publish.
    pub enabled: bool,
    /// How often health is reported, in milliseconds.
    pub health_broadcast_interval: u64,
    /// How often figures are reported, in milliseconds.
    pub metrics_broadcast_interval: u64,
    /// Broadcasts since the node started.
    pub published: u64,
    /// Those that failed.
    pub failed: u64,
}

/// What became of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It is published.
    Published(MessageId),
    /// The integration is switched off: nothing was done.
    Disabled,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BatchCounts {
    /// Those that were published.
    pub success: u64,
    /// Those that failed; each is in the log.
    pub errors: u64,
    /// The integration is switched off: nothing was done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// What there is to say beside a helper's arguments: an object, or a closure that makes one.
pub trait Details {
    /// The object. Anything else becomes one with the key `value`.
    fn object(self) -> Object;
}

impl Details for Value {
    fn object(self) -> Object {
        bellwether_catalogue::field::Argument::into_field(self)
    }
}

impl Details for Object {
    fn object(self) -> Object {
        self
    }
}

impl<F: FnOnce() -> Value> Details for F {
    fn object(self) -> Object {
        self().object()
    }
}

impl Node {
    /// The helpers that broadcast what is worth telling.
    pub fn integration(&self) -> Integration {
        Integration {
            node: self.clone(),
            options: Options::default(),
        }
    }

    /// Publishes a typed message, whether or not the integration is switched on: on its usual topic, or on `topic`. What
    /// its publisher left out is filled in.
    ///
    /// # Errors
    /// [`PublishTypedError`]; nothing was published.
    pub fn publish_typed<M: Message>(&self, message: &M, topic: Option<Topic>) -> Result<MessageId, PublishTypedError> {
        // A number that is not finite becomes null, and is refused as missing.
        let payload = serde_json::to_value(message).unwrap_or_default();
        self.publish_payload(M::TYPE, payload, topic)
    }

    /// The same for a message given as JSON.
    ///
    /// # Errors
    /// [`PublishTypedError`]; nothing was published.
    pub fn publish_payload(
        &self,
        message_type: &'static MessageType,
        payload: Value,
        topic: Option<Topic>,
    ) -> Result<MessageId, PublishTypedError> {
        let draft = self.draft_payload(message_type, payload, topic)?;
        Ok(self.publish(message_type.instance, &draft)?)
    }

    /// The same, judged and filled in but not yet published, for whoever has more to say about it, such as what it
    /// answers to, or wants it confirmed. It belongs to the [instance](MessageType::instance) of its type; a topic that
    /// is another spelling gets its own name when it is published.
    ///
    /// # Errors
    /// [`PublishTypedError::Message`] or [`PublishTypedError::Reserved`].
    pub fn draft_payload(
        &self,
        message_type: &'static MessageType,
        payload: Value,
        topic: Option<Topic>,
    ) -> Result<Draft, PublishTypedError> {
        let addressed = message_type.addressed(payload, topic, &self.stamp())?;
        self.draft(&addressed)
    }

    /// What this node fills into a message.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            node: self.id().into(),
            now: self.now(),
            random: rand::random(),
        }
    }

    /// The node that a payload names is the one where the event arose. Topics are made from what payloads say, so that
    /// it is here that the mesh's own are kept from them.
    fn draft(&self, addressed: &Addressed) -> Result<Draft, PublishTypedError> {
        if addressed.topic.is_reserved() {
            return Err(PublishTypedError::Reserved);
        }
        let mut draft =
            Draft::new(addressed.topic.clone(), addressed.message_type.tag).json(addressed.payload.to_string());
        let named = ["originating_node", "node"]
            .into_iter()
            .find_map(|field| addressed.payload.get(field)?.as_str());
        draft.originating_node = named
            .and_then(|name| NodeId::new(name).ok())
            .filter(|node| node != self.id());
        draft.schema_version = bellwether_catalogue::SCHEMA_VERSION;
        Ok(draft)
    }
}

impl Integration {
    /// The same helpers, publishing to this topic. Store and cluster health always go to their own.
    #[must_use]
    pub fn on_topic(mut self, topic: Topic) -> Self {
        self.options.topic = Some(topic);
        self
    }

    /// The same helpers, telling of this node instead of this program's own.
    #[must_use]
    pub fn about_node(mut self, node: impl Into<NodeName>) -> Self {
        self.options.node = Some(node.into());
        self
    }

    /// Whether helpers and reporters publish.
    pub fn enabled(&self) -> bool {
        self.state().enabled.load(Ordering::Relaxed)
    }

    /// Switches them on, at once and until the node stops.
    pub fn enable(&self) {
        self.state().set_enabled(true);
    }

    /// Switches them off, at once and until the node stops. What is being published is.
    pub fn disable(&self) {
        self.state().set_enabled(false);
    }

    /// How often health is reported, in milliseconds.
    pub fn health_broadcast_interval(&self) -> u64 {
        milliseconds(self.state().settings.borrow().health_interval)
    }

    /// How often figures are reported, in milliseconds.
    pub fn metrics_broadcast_interval(&self) -> u64 {
        milliseconds(self.state().settings.borrow().metrics_interval)
    }

    /// All of the above, and how many broadcasts there were.
    pub fn status(&self) -> IntegrationStatus {
        IntegrationStatus {
            enabled: self.enabled(),
            health_broadcast_interval: self.health_broadcast_interval(),
            metrics_broadcast_interval: self.metrics_broadcast_interval(),
            published: self.state().published.load(Ordering::Relaxed),
            failed: self.state().failed.load(Ordering::Relaxed),
        }
    }

    /// A system starts or stops: `SystemLifecycle` on `system`, `lifecycle`. `event` is `starting`, `started`,
    /// `stopping` or `stopped`.
    ///
    /// # Errors
    /// Of this and all other helpers: [`PublishTypedError`], which is also logged and counted; nothing was published.
    pub fn broadcast_system_lifecycle(&self, event: &str, system_name: &str, version: &str) -> Outcome {
        self.send(|| Broadcast::SystemLifecycle {
            event: event.to_owned(),
            system_name: system_name.to_owned(),
            version: version.to_owned(),
        })
    }

    /// A configuration has changed: `SystemConfig` on `system`, `config`.
    pub fn broadcast_system_config(&self, component: &str, changes: impl Details) -> Outcome {
        self.send(|| Broadcast::SystemConfig {
            component: component.to_owned(),
            changes: changes.object(),
            previous_config: None,
            changed_by: None,
        })
    }

    /// The health of a part of a store: `ComponentHealth` on `health`, `{store}:health`.
    pub fn broadcast_store_health(&self, store: &str, component: &str, status: &str, details: impl Details) -> Outcome {
        self.send(|| Broadcast::StoreHealth {
            store: store.to_owned(),
            component: component.to_owned(),
            status: status.to_owned(),
            details: details.object(),
        })
    }

    /// The health of a part: `ComponentHealth` on `health`, `component_health`.
    pub fn broadcast_health_update(&self, component: &str, status: &str, details: impl Details) -> Outcome {
        self.send(|| Broadcast::HealthUpdate {
            component: component.to_owned(),
            status: status.to_owned(),
            details: details.object(),
        })
    }

    /// The health of the cluster: `ClusterHealth` on `health`, `cluster:health`. All there are is both lists together;
    /// more than half must be left for a quorum.
    pub fn broadcast_cluster_health<N: AsRef<str>>(
        &self,
        nodes: &[N],
        failed_nodes: &[N],
        event_type: &str,
    ) -> Outcome {
        let names = |nodes: &[N]| nodes.iter().map(|node| node.as_ref().to_owned()).collect();
        self.send(|| Broadcast::ClusterHealth {
            nodes: names(nodes),
            failed_nodes: names(failed_nodes),
            event_type: event_type.to_owned(),
        })
    }

    /// Figures of a part: `ThroughputMetric` for `emitter`, `PerformanceMetric` for all others, on `metrics`, on a topic
    /// of the part's name.
    pub fn broadcast_metrics(&self, component: &str, metrics: impl Details) -> Outcome {
        self.send(|| Broadcast::Metrics {
            component: component.to_owned(),
            metrics: metrics.object(),
        })
    }

    /// Something needs somebody to act: `SystemAlert` on `alerts`, on a topic of its type. `severity` is `info`,
    /// `warning`, `error` or `critical`.
    pub fn broadcast_alert(&self, alert_type: &str, severity: &str, message: &str, context: impl Details) -> Outcome {
        self.send(|| Broadcast::Alert {
            alert_type: alert_type.to_owned(),
            severity: severity.to_owned(),
            message: message.to_owned(),
            context: context.object(),
        })
    }

    /// Somebody did something: `DataChange` on `audit`, on a topic of its type.
    pub fn broadcast_audit_event(
        &self,
        event_type: &str,
        actor: &str,
        resource: &str,
        action: &str,
        details: impl Details,
    ) -> Outcome {
        self.send(|| Broadcast::AuditEvent {
            event_type: event_type.to_owned(),
            actor: actor.to_owned(),
            resource: resource.to_owned(),
            action: action.to_owned(),
            details: details.object(),
        })
    }

    /// A process starts, stops or fails: `ProcessLifecycle` on `lifecycle`, `process_lifecycle`.
    pub fn broadcast_lifecycle_event(&self, event: &str, process_name: &str, details: impl Details) -> Outcome {
        self.send(|| Broadcast::LifecycleEvent {
            event: event.to_owned(),
            process_name: process_name.to_owned(),
            details: details.object(),
        })
    }

    /// Something to find an error by: `DebugTrace` on `diagnostics`, `diagnostics`.
    pub fn broadcast_diagnostic(&self, kind: &str, component: &str, data: impl Details) -> Outcome {
        self.send(|| Broadcast::Diagnostic {
            kind: kind.to_owned(),
            component: component.to_owned(),
            data: data.object(),
        })
    }

    /// A call as data.
    pub fn broadcast(&self, broadcast: Broadcast) -> Outcome {
        self.send(|| broadcast)
    }

    /// A call as data, of which somebody has a say before it is published: where it goes and how large it is, is known only
    /// once it is made.
    ///
    /// # Errors
    /// What `ask` refuses it with; nothing was published, and nothing counted.
    pub fn broadcast_if<E>(
        &self,
        broadcast: Broadcast,
        ask: impl FnOnce(Instance, &Draft) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        if !self.enabled() {
            return Ok(Ok(Sent::Disabled));
        }
        let draft = self.draft(broadcast);
        if let Ok((instance, draft)) = &draft {
            ask(*instance, draft)?;
        }
        Ok(self.deliver(draft))
    }

    /// Many calls, each by itself: one that fails does not stop the others.
    pub fn broadcast_batch(&self, broadcasts: impl IntoIterator<Item = Broadcast>) -> BatchCounts {
        let mut counts = BatchCounts::default();
        if !self.enabled() {
            counts.disabled = true;
            return counts;
        }
        for broadcast in broadcasts {
            match self.broadcast(broadcast) {
                Ok(_) => counts.success += 1,
                Err(_) => counts.errors += 1,
            }
        }
        counts
    }

    /// A typed message, if the integration is switched on; the closure is not called otherwise.
    pub fn publish<M: Message>(&self, message: impl FnOnce() -> M) -> Outcome {
        self.publish_about(None, message)
    }

    /// The same, tagged with the node where it arose, which its payload may name otherwise.
    pub(crate) fn publish_about<M: Message>(&self, node: Option<NodeId>, message: impl FnOnce() -> M) -> Outcome {
        if !self.enabled() {
            return Ok(Sent::Disabled);
        }
        let payload = serde_json::to_value(message()).unwrap_or_default();
        let draft = M::TYPE
            .addressed(payload, self.options.topic.clone(), &self.node.stamp())
            .map_err(PublishTypedError::from)
            .and_then(|addressed| {
                let mut draft = self.node.draft(&addressed)?;
                draft.originating_node = node.or(draft.originating_node);
                Ok((addressed.instance(), draft))
            });
        self.deliver(draft)
    }

    fn send(&self, broadcast: impl FnOnce() -> Broadcast) -> Outcome {
        if !self.enabled() {
            return Ok(Sent::Disabled);
        }
        self.deliver(self.draft(broadcast()))
    }

    fn draft(&self, broadcast: Broadcast) -> Result<(Instance, Draft), PublishTypedError> {
        let addressed = broadcast.addressed(&self.options, &self.node.stamp())?;
        Ok((addressed.instance(), self.node.draft(&addressed)?))
    }

    fn deliver(&self, draft: Result<(Instance, Draft), PublishTypedError>) -> Outcome {
        let published = draft.and_then(|(instance, draft)| Ok(self.node.publish(instance, &draft)?));
        match published {
            Ok(id) => {
                self.state().published.fetch_add(1, Ordering::Relaxed);
                Ok(Sent::Published(id))
            }
            // A node that stops says nothing more, and nobody need know.
            Err(err @ PublishTypedError::Publish(PublishError::Closed)) => Err(err),
            Err(err) => {
                self.state().failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(err = %err, "a broadcast failed");
                Err(err)
            }
        }
    }

    fn state(&self) -> &IntegrationState {
        self.node.integration_state()
    }
}

/// What a helper returns.
pub type Outcome = Result<Sent, PublishTypedError>;

/// Why a typed message was not published. Nothing was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishTypedError {
    /// It is none of its type.
    #[error(transparent)]
    Message(#[from] BroadcastError),
    /// Its topic begins with `$`.
    #[error("topics that begin with `$` belong to the mesh itself; choose another first level")]
    Reserved,
    /// It was refused.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

fn milliseconds(interval: std::time::Duration) -> u64 {
    u64::try_from(interval.as_millis()).unwrap_or(u64::MAX)
}
