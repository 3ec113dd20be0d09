//! Reports nodes that come, go, fail and return.
//!
//! What is to be said, and by whom, is [`ClusterWatch`]'s to decide: this hears, and says it.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use bellwether_broker::Delivery;
use bellwether_catalogue::families::alerts::SystemAlert;
use bellwether_catalogue::families::health::{ClusterHealth, ClusterStatus, QuorumStatus};
use bellwether_catalogue::families::lifecycle::{ClusterMembership, MembershipEvent, NodeEvent, NodeLifecycle};
use bellwether_catalogue::{Message, NodeName};
use bellwether_mesh::{Member, MemberState, Mesh};
use bellwether_message::{Envelope, Epoch, Instance, NodeId, Pattern};
use bellwether_monitor::cluster_watch::{
    self, Announcement, ClusterWatch, Effect, Heard, Life, Lifecycle, LifecycleEvent, News, Quorum, Seen,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::alerts::CLEARS;
use crate::integration::Integration;
use crate::node::Node;
use crate::subscription::Subscription;

/// The types of the alerts, which are also their topics.
const FAILURE: &str = "node_failure";
const RECOVERY: &str = "node_recovered";
/// What a member is as a component.
const CLUSTER_NODE: &str = "cluster_node";
/// Where others say what this node would say.
const ALERTS: [&str; 2] = [FAILURE, RECOVERY];
const LIFECYCLE: [&str; 1] = [NodeLifecycle::TYPE.topic];

/// Once the integration was switched on, for as long as the node runs: what happens while it is off is noted and not
/// said.
pub(super) async fn run(node: Node) {
    let mut enabled = node.integration_state().watch_enabled();
    let Some(mesh) = node.mesh().cloned() else {
        return std::future::pending().await;
    };
    if enabled.wait_for(|enabled| *enabled).await.is_err() {
        return std::future::pending().await;
    }
    Reporter::new(&node).run(&node, &mesh).await;
}

async fn heard_on(node: &Node, instance: Instance, topics: &[&str]) -> Option<Subscription> {
    let patterns = topics.iter().filter_map(|topic| Pattern::new(topic).ok());
    match node.subscribe(instance, patterns).await {
        Ok((subscription, _)) => Some(subscription.untraced()),
        Err(err) => {
            tracing::warn!(err = %err, %instance, "nodes that fail are not reported: cannot hear what others say");
            None
        }
    }
}

/// Waits for ever where there is no subscription.
async fn next(subscription: &mut Option<Subscription>) -> Option<Delivery> {
    match subscription {
        Some(subscription) => subscription.next().await,
        None => std::future::pending().await,
    }
}

struct Reporter {
    integration: Integration,
    own: NodeId,
    watch: ClusterWatch,
    /// Who has fallen silent and was not found dead yet.
    suspects: BTreeSet<NodeId>,
    began: Instant,
}

impl Reporter {
    fn new(node: &Node) -> Self {
        Self {
            integration: node.integration(),
            own: node.id().clone(),
            watch: ClusterWatch::new(node.id().clone()),
            suspects: BTreeSet::new(),
            began: Instant::now(),
        }
    }

    /// What happens while the subscriptions are on their way is seen; what others say of it meanwhile is not heard, and
    /// may be said twice.
    async fn run(mut self, node: &Node, mesh: &Mesh) {
        let mut subscribing = pin!(async {
            tokio::join!(
                heard_on(node, Instance::Alerts, &ALERTS),
                heard_on(node, Instance::Lifecycle, &LIFECYCLE),
            )
        });
        let (mut alerts, mut lifecycle, mut has_asked) = (None, None, false);
        let mut members = mesh.watch_members();
        members.mark_changed();
        let mut has_joined = false;
        loop {
            let tick = self.watch.next_tick().unwrap_or(cluster_watch::HEARTBEAT);
            let effects = tokio::select! {
                changed = members.changed() => match changed {
                    Ok(()) => {
                        let view = seen(&members.borrow_and_update());
                        self.doubt(&view);
                        self.watch.on_members(&view, self.now())
                    }
                    Err(_) => return std::future::pending().await,
                },
                () = mesh.joined(), if !has_joined => {
                    has_joined = true;
                    let view = seen(&members.borrow_and_update());
                    let effects = self.watch.on_members(&view, self.now());
                    self.watch.on_joined(self.now());
                    effects
                }
                subscribed = &mut subscribing, if !has_asked => {
                    has_asked = true;
                    (alerts, lifecycle) = subscribed;
                    Vec::new()
                }
                Some(delivery) = next(&mut alerts) => self.on_delivery(&delivery, heard_alert),
                Some(delivery) = next(&mut lifecycle) => self.on_delivery(&delivery, heard_lifecycle),
                () = tokio::time::sleep_until(self.began + tick) => self.watch.tick(self.now()),
            };
            self.publish(effects);
        }
    }

    /// A suspect alarms nobody: it is a component that is degraded for a moment. The one with the lowest id among the living
    /// says so.
    fn doubt(&mut self, view: &[Seen]) {
        let named = |life: Life| {
            view.iter()
                .filter(move |seen| seen.state == life)
                .map(|seen| &seen.node)
        };
        let speaks = named(Life::Alive).all(|node| self.own <= *node);
        let suspects: BTreeSet<NodeId> = named(Life::Suspect).cloned().collect();
        let recovered = named(Life::Alive).filter(|node| self.suspects.contains(*node));
        let changes = suspects
            .difference(&self.suspects)
            .map(|node| (node, "degraded", "suspect"))
            .chain(recovered.map(|node| (node, "healthy", "recovered")));
        for (node, status, event) in changes.filter(|_| speaks) {
            let integration = self.integration.clone().about_node(node);
            let _ = integration.broadcast_health_update(CLUSTER_NODE, status, || json!({"node": node, "event": event}));
        }
        self.suspects = suspects;
    }

    fn on_delivery(&mut self, delivery: &Delivery, heard: fn(&Envelope) -> Option<Heard>) -> Vec<Effect> {
        let heard = match delivery {
            Delivery::Message(envelope) => heard(envelope),
            // A gap: what another said may be said once more.
            _ => None,
        };
        heard.map_or_else(Vec::new, |heard| self.watch.on_heard(&heard, self.now()))
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Of a broadcast that fails it was said where it failed.
    fn publish(&self, effects: Vec<Effect>) {
        // A cluster's health is told right after the node that changed it.
        let mut concerned: Option<NodeId> = None;
        for effect in effects {
            match effect {
                Effect::Announce(announcement) => {
                    self.announce(&announcement);
                    concerned = Some(announcement.node);
                }
                Effect::Lifecycle(lifecycle) => {
                    let _ = self.integration.publish(|| lifecycle_event(&lifecycle));
                    concerned = Some(lifecycle.node);
                }
                Effect::Health(health) => {
                    let _ = self.integration.publish(|| cluster_health(&health, concerned.as_ref()));
                }
                Effect::Membership(membership) => {
                    let about = match membership.affected_nodes.as_slice() {
                        [node] => Some(node.clone()),
                        _ => None,
                    };
                    let _ = self
                        .integration
                        .publish_about(about, || cluster_membership(&membership));
                }
            }
        }
    }

    fn announce(&self, announcement: &Announcement) {
        let Announcement { node, epoch, .. } = announcement;
        let (alert_type, severity, words) = match announcement.news {
            News::Failed => (FAILURE, "critical", format!("Node {node} is down")),
            _ => (RECOVERY, "info", format!("Node {node} is back")),
        };
        let _ = self
            .integration
            .clone()
            .about_node(node)
            .broadcast_alert(alert_type, severity, &words, || {
                let mut context = json!({
                    "node": node, "epoch": epoch, "cluster_size": announcement.active_nodes.len(),
                    "active_nodes": announcement.active_nodes,
                });
                match announcement.news {
                    News::Failed => context["failed_node"] = json!(node),
                    _ => context[CLEARS] = json!(crate::alerts::key(FAILURE, node.as_str())),
                }
                context
            });
    }
}

fn lifecycle_event(lifecycle: &Lifecycle) -> NodeLifecycle {
    let event = match lifecycle.event {
        LifecycleEvent::Joined => NodeEvent::Joined,
        LifecycleEvent::Left => NodeEvent::Left,
        LifecycleEvent::Down => NodeEvent::Down,
        LifecycleEvent::Reconnected => NodeEvent::Reconnected,
    };
    NodeLifecycle::new(&lifecycle.node, event, lifecycle.cluster_size as u64)
        .metadata(json!({"epoch": lifecycle.epoch}))
}

fn cluster_health(health: &cluster_watch::ClusterHealth, concerned: Option<&NodeId>) -> ClusterHealth {
    let status = match health.status {
        cluster_watch::ClusterStatus::Healthy => ClusterStatus::Healthy,
        cluster_watch::ClusterStatus::Degraded => ClusterStatus::Degraded,
        cluster_watch::ClusterStatus::Unhealthy => ClusterStatus::Unhealthy,
    };
    let mut message = ClusterHealth::new(status, health.healthy_nodes as u64, health.total_nodes as u64)
        .degraded_nodes(names(&health.degraded_nodes))
        .unhealthy_nodes(names(&health.unhealthy_nodes))
        .quorum_status(quorum(health.quorum))
        .event_type(word(health.event_type))
        .nodes(names(&health.nodes));
    message.originating_node = concerned.map(NodeName::from);
    message
}

fn cluster_membership(membership: &cluster_watch::Membership) -> ClusterMembership {
    let event = match membership.event {
        cluster_watch::MembershipEvent::NodeAdded => MembershipEvent::NodeAdded,
        cluster_watch::MembershipEvent::NodeRemoved => MembershipEvent::NodeRemoved,
        cluster_watch::MembershipEvent::PartitionDetected => MembershipEvent::PartitionDetected,
        cluster_watch::MembershipEvent::PartitionHealed => MembershipEvent::PartitionHealed,
    };
    ClusterMembership::new(
        event,
        names(&membership.affected_nodes),
        names(&membership.active_nodes),
    )
    .quorum_status(quorum(membership.quorum))
}

fn quorum(quorum: Quorum) -> QuorumStatus {
    match quorum {
        Quorum::Available => QuorumStatus::Available,
        Quorum::Lost => QuorumStatus::Lost,
    }
}

/// The word as serde writes it.
fn word(event: cluster_watch::HealthEvent) -> String {
    let value = serde_json::to_value(event).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn names(nodes: &[NodeId]) -> Vec<NodeName> {
    nodes.iter().map(NodeName::from).collect()
}

fn seen(members: &[Member]) -> Vec<Seen> {
    let life = |state| match state {
        MemberState::Own | MemberState::Alive => Life::Alive,
        MemberState::Suspect => Life::Suspect,
        MemberState::Down => Life::Down,
    };
    let row = |member: &Member| Seen {
        node: member.node.clone(),
        epoch: member.epoch,
        state: life(member.state),
    };
    members.iter().map(row).collect()
}

fn heard_alert(envelope: &Envelope) -> Option<Heard> {
    if envelope.head().event != SystemAlert::TYPE.tag {
        return None;
    }
    let news = match envelope.topic() {
        FAILURE => News::Failed,
        RECOVERY => News::Recovered,
        _ => return None,
    };
    let payload: Value = serde_json::from_slice(envelope.payload()).ok()?;
    heard(envelope, news, payload.get("context")?, payload.get("node")?)
}

fn heard_lifecycle(envelope: &Envelope) -> Option<Heard> {
    if envelope.head().event != NodeLifecycle::TYPE.tag {
        return None;
    }
    let payload: Value = serde_json::from_slice(envelope.payload()).ok()?;
    let news = match payload.get("event")?.as_str()? {
        "joined" => News::Joined,
        "left" => News::Left,
        "reconnected" => News::Returned,
        _ => return None,
    };
    heard(envelope, news, payload.get("metadata")?, payload.get("node")?)
}

/// Anybody may publish an alert about a node of his: only what names a run of a node is one of ours.
fn heard(envelope: &Envelope, news: News, metadata: &Value, node: &Value) -> Option<Heard> {
    Some(Heard {
        news,
        node: NodeId::new(node.as_str()?).ok()?,
        epoch: Epoch(metadata.get("epoch")?.as_u64()?),
        reporter: envelope.source().node.clone(),
    })
}
