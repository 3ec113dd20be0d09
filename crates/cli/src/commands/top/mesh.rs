//! What is known of every node, and how fast it counts. Pure: time is passed in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_client::{InstanceSnapshot, Member, Snapshot};
use bellwether_message::{Instance, NodeId};
use tokio::time::Instant;

/// A node tells how it stands every second: one that has not for so long is silent.
pub(super) const SILENT: Duration = Duration::from_secs(4);
/// A node that has been silent for so long, and that no other knows, is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Every node that has told how it stands.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    nodes: BTreeMap<NodeId, Known>,
}

/// What one node has told last.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) latest: Snapshot,
    /// The one before it, of the same run.
    before: Option<Snapshot>,
    came: Instant,
}

impl Mesh {
    /// A snapshot has come. One that is older than what is known changes nothing.
    pub(super) fn take(&mut self, snapshot: Snapshot, now: Instant) {
        let before = match self.nodes.remove(&snapshot.node) {
            Some(known) if is_newer(&known.latest, &snapshot) => {
                (known.latest.epoch == snapshot.epoch).then_some(known.latest)
            }
            Some(known) => {
                self.nodes.insert(snapshot.node, known);
                return;
            }
            None => None,
        };
        let known = Known {
            before,
            came: now,
            latest: snapshot,
        };
        self.nodes.insert(known.latest.node.clone(), known);
        self.forget(now);
    }

    /// By name.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Known> {
        self.nodes.values()
    }

    /// Those that still tell how they stand, by name: what the others counted last is no figure of now.
    pub(super) fn speaking(&self, now: Instant) -> impl Iterator<Item = &Known> {
        self.nodes.values().filter(move |known| !known.is_silent(now))
    }

    /// Those that others know and that have told nothing, each as the first of these sees it.
    pub(super) fn untold(&self) -> BTreeMap<&NodeId, &Member> {
        let mut untold = BTreeMap::new();
        for member in self.nodes.values().flat_map(|known| &known.latest.members) {
            if !self.nodes.contains_key(&member.node) {
                untold.entry(&member.node).or_insert(member);
            }
        }
        untold
    }

    /// How the other nodes see a member: the worst of it.
    pub(super) fn seen(&self, node: &NodeId) -> Option<&str> {
        let others = self.nodes.values().filter(|known| known.latest.node != *node);
        let states = others.filter_map(|known| {
            let member = known.latest.members.iter().find(|member| member.node == *node)?;
            Some(member.state.as_str())
        });
        states.max_by_key(|state| match *state {
            "down" => 2,
            "suspect" => 1,
            _ => 0,
        })
    }

    fn forget(&mut self, now: Instant) {
        let known: BTreeSet<NodeId> = self
            .nodes
            .values()
            .filter(|known| !known.is_silent(now))
            .flat_map(|known| known.latest.members.iter().map(|member| member.node.clone()))
            .collect();
        self.nodes
            .retain(|node, of| known.contains(node) || now.saturating_duration_since(of.came) < FORGOTTEN);
    }
}

fn is_newer(known: &Snapshot, snapshot: &Snapshot) -> bool {
    (snapshot.epoch, snapshot.uptime_ms) > (known.epoch, known.uptime_ms)
}

impl Known {
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.came) >= SILENT
    }

    /// How much a total has grown per second between the last two snapshots.
    pub(super) fn rate(&self, total: impl Fn(&Snapshot) -> u64) -> Option<f64> {
        let before = self.before.as_ref()?;
        let ms = self
            .latest
            .uptime_ms
            .checked_sub(before.uptime_ms)
            .filter(|ms| *ms > 0)?;
        // Totals of lanes go when their connections do.
        let grown = total(&self.latest).saturating_sub(total(before));
        Some(grown as f64 * 1_000.0 / ms as f64)
    }

    /// The same of one instance.
    pub(super) fn instance_rate(&self, instance: Instance, total: impl Fn(&InstanceSnapshot) -> u64) -> Option<f64> {
        self.rate(|snapshot| of_instance(snapshot, instance).map_or(0, &total))
    }

    pub(super) fn instance(&self, instance: Instance) -> Option<&InstanceSnapshot> {
        of_instance(&self.latest, instance)
    }
}

fn of_instance(snapshot: &Snapshot, instance: Instance) -> Option<&InstanceSnapshot> {
    snapshot.instances.iter().find(|of| of.instance == instance)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A node that has published so many alerts.
    pub(in crate::commands::top) fn snapshot(node: &str, epoch: u64, uptime_ms: u64, published: u64) -> Snapshot {
        let members: Vec<Value> = ["a", "b"]
            .map(|member| {
                let state = if member == node { "self" } else { "alive" };
                json!({
                    "node": member, "epoch": 1, "address": format!("{member}:7400"), "state": state, "in": true,
                    "out": true, "version": "0.1.0",
                })
            })
            .into();
        let json = json!({
            "node": node, "epoch": epoch, "version": "0.1.0", "at": "2026-11-22T03:00:00.000Z", "uptime_ms": uptime_ms,
            "ready": true, "signed": true, "address": format!("{node}:7400"), "members": members,
            "links": [{
                "peer": if node == "a" { "b" } else { "a" }, "round_trip_us": 210,
                "lanes": [{
                    "lane": "urgent", "sent_bytes": published * 100, "received_bytes": 7, "lost_packets": published / 100,
                    "congestion_window_bytes": 12_000, "mtu_bytes": 1452,
                }],
            }],
            "instances": [{
                "instance": "alerts", "published": published, "delivered": published * 2, "forwarded": published,
                "received": 0, "dropped": {"slow_subscriber": published / 10}, "subscriptions": 2,
                "queue_messages": 12, "deepest_queue_messages": 9, "fullest_queue_percent": 90, "queue_limit_messages": 10, "backlog_messages": 5,
                "backlog_bytes": 2_048, "backlog_limit_messages": 100,
                "worst": {"patterns": ["system_alerts:*"], "queue_messages": 9},
            }, {
                "instance": "events", "published": 0, "delivered": 0, "forwarded": 0, "received": 0, "dropped": {},
                "subscriptions": 0, "queue_messages": 0, "deepest_queue_messages": 0, "queue_limit_messages": 10,
                "backlog_messages": 0, "backlog_bytes": 0, "backlog_limit_messages": 100, "worst": null,
            }],
            "process": {"cpu_ms": uptime_ms / 4, "resident_bytes": 33_554_432, "open_files": 31}, "open_alerts": 1,
        });
        serde_json::from_value(json).unwrap()
    }

    fn published(snapshot: &Snapshot) -> u64 {
        snapshot.instances.iter().map(|instance| instance.published).sum()
    }

    #[test]
    fn a_rate_is_what_a_run_has_counted_by_its_own_clock() {
        let now = Instant::now();
        let node = NodeId::new("a").unwrap();
        let mut mesh = Mesh::default();
        let rate = |mesh: &Mesh| mesh.nodes[&node].rate(published);
        mesh.take(snapshot("a", 1, 1_000, 100), now);
        assert_eq!(rate(&mesh), None);
        mesh.take(snapshot("a", 1, 3_000, 500), now);
        assert_eq!(rate(&mesh), Some(200.0));
        assert_eq!(
            mesh.nodes[&node].instance_rate(Instance::Alerts, |of| of.delivered),
            Some(400.0)
        );
        assert_eq!(
            mesh.nodes[&node].instance_rate(Instance::Audit, |of| of.delivered),
            Some(0.0)
        );
        // What comes late or twice changes nothing.
        mesh.take(snapshot("a", 1, 3_000, 900), now);
        mesh.take(snapshot("a", 1, 2_000, 900), now);
        assert_eq!(rate(&mesh), Some(200.0));
        // A new run counts from nothing.
        mesh.take(snapshot("a", 2, 500, 10), now);
        assert_eq!(rate(&mesh), None);
        mesh.take(snapshot("a", 1, 9_000, 900), now);
        mesh.take(snapshot("a", 2, 1_500, 12), now);
        assert_eq!(rate(&mesh), Some(2.0));
    }

    #[test]
    fn a_silent_node_is_shown_until_nobody_knows_it() {
        let start = Instant::now();
        let [a, b, c] = ["a", "b", "c"].map(|node| NodeId::new(node).unwrap());
        let mut mesh = Mesh::default();
        mesh.take(snapshot("a", 1, 1_000, 0), start);
        assert_eq!(mesh.untold().into_keys().collect::<Vec<_>>(), [&b]);
        mesh.take(snapshot("b", 1, 1_000, 0), start);
        mesh.take(snapshot("c", 1, 1_000, 0), start);
        assert_eq!((mesh.nodes().count(), mesh.untold().len()), (3, 0));
        assert_eq!((mesh.seen(&b), mesh.seen(&c)), (Some("alive"), None));
        let later = start + SILENT;
        mesh.take(snapshot("a", 1, 5_000, 0), later);
        let is_silent = |mesh: &Mesh, node| mesh.nodes[node].is_silent(later);
        assert!(is_silent(&mesh, &b) && !is_silent(&mesh, &a));
        mesh.take(snapshot("a", 1, 61_000, 0), start + FORGOTTEN);
        assert!(mesh.nodes.contains_key(&b), "a still knows it");
        assert!(!mesh.nodes.contains_key(&c));
    }
}
