//! Who is there, counted: quorum and health by the catalogue's rules.

use bellwether_message::NodeId;

use super::effect::{
    Announcement, ClusterHealth, ClusterStatus, Effect, HealthEvent, Lifecycle, Membership, MembershipEvent, Quorum,
};
use super::record::Due;

/// The members known, at one moment.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// Alive and suspect, the observer included, by node id.
    pub(super) active: Vec<NodeId>,
    pub(super) suspect: Vec<NodeId>,
    pub(super) down: Vec<NodeId>,
}

impl Census {
    pub(super) fn total(&self) -> usize {
        self.active.len() + self.down.len()
    }

    pub(super) fn quorum(&self) -> Quorum {
        if self.active.len() > self.total() / 2 {
            Quorum::Available
        } else {
            Quorum::Lost
        }
    }

    /// What it amounts to, to say something on behalf of a side.
    pub(super) fn said(&self, node: NodeId, due: &Due) -> impl Iterator<Item = Effect> + use<> {
        let alert = due.news.is_alert().then(|| {
            Effect::Announce(Announcement {
                news: due.news,
                node: node.clone(),
                epoch: due.epoch,
                active_nodes: self.active.clone(),
            })
        });
        let lifecycle = Effect::Lifecycle(Lifecycle {
            node,
            epoch: due.epoch,
            event: due.news.lifecycle(),
            cluster_size: self.active.len(),
        });
        let health = Effect::Health(self.health(due.news.health_event()));
        alert.into_iter().chain([lifecycle, health])
    }

    fn status(&self) -> ClusterStatus {
        match self.quorum() {
            Quorum::Lost => ClusterStatus::Unhealthy,
            Quorum::Available if self.down.is_empty() => ClusterStatus::Healthy,
            Quorum::Available => ClusterStatus::Degraded,
        }
    }

    pub(super) fn health(&self, event_type: HealthEvent) -> ClusterHealth {
        let mut nodes: Vec<NodeId> = self.active.iter().chain(&self.down).cloned().collect();
        nodes.sort();
        ClusterHealth {
            status: self.status(),
            healthy_nodes: self.active.len(),
            total_nodes: self.total(),
            degraded_nodes: self.suspect.clone(),
            unhealthy_nodes: self.down.clone(),
            quorum: self.quorum(),
            event_type,
            nodes,
        }
    }

    pub(super) fn membership(&self, event: MembershipEvent, affected_nodes: Vec<NodeId>) -> Membership {
        Membership {
            event,
            affected_nodes,
            active_nodes: self.active.clone(),
            total_nodes: self.total(),
            quorum: self.quorum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(active: usize, down: usize) -> Census {
        let name = |index: usize| NodeId::new(&format!("n{index}")).unwrap();
        Census {
            active: (0..active).map(name).collect(),
            suspect: Vec::new(),
            down: (active..active + down).map(name).collect(),
        }
    }

    #[test]
    fn a_quorum_is_more_than_half_and_health_follows_it() {
        let rows = [
            (1, 0, Quorum::Available, ClusterStatus::Healthy),
            (1, 1, Quorum::Lost, ClusterStatus::Unhealthy),
            (2, 1, Quorum::Available, ClusterStatus::Degraded),
            (2, 2, Quorum::Lost, ClusterStatus::Unhealthy),
            (3, 2, Quorum::Available, ClusterStatus::Degraded),
            (2, 3, Quorum::Lost, ClusterStatus::Unhealthy),
        ];
        for (active, down, quorum, status) in rows {
            let health = census(active, down).health(HealthEvent::NodeDown);
            assert_eq!(
                (health.quorum, health.status),
                (quorum, status),
                "{active} of {}",
                active + down
            );
            assert_eq!((health.healthy_nodes, health.total_nodes), (active, active + down));
            assert_eq!(health.nodes.len(), active + down);
        }
    }
}
