//! Waiting until chosen peers hold a message.

use bellwether_message::{Instance, NodeId, Source};
use serde::Serialize;
use tokio::time::Instant;

use crate::shared::Shared;

/// What became of a message at one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The peer's broker holds it.
    Confirmed,
    /// The peer has not said so within the time. It may still come to hold it.
    TimedOut,
    /// The peer has stopped, restarted or gone, or the message went from the backlog before it could be sent.
    Lost,
}

/// The peers, by node id, that want a topic, as their links have told. A peer whose link is down is not among them.
pub(crate) fn interested(shared: &Shared, instance: Instance, topic: &str) -> Vec<Source> {
    let mut peers: Vec<Source> = shared
        .links
        .sessions()
        .into_iter()
        .filter(|(_, session)| {
            session
                .feed(instance)
                .is_some_and(|feed| feed.lock().wants_topic(topic))
        })
        .map(|(_, session)| session.peer.clone())
        .collect();
    peers.sort_unstable_by(|a, b| a.node.cmp(&b.node));
    peers
}

/// Waits until `enough` of the peers hold the message `seq` of this node's feed, or no more will, or the time is over. A
/// peer whose link is lost is waited for: it may resume. Cancel safe.
pub(crate) async fn held_by(
    shared: &Shared,
    (instance, seq): (Instance, u64),
    peers: Vec<Source>,
    enough: usize,
    deadline: Instant,
) -> Vec<(NodeId, Outcome)> {
    let mut acknowledged = shared.links.acknowledgements();
    let mut members = shared.members.subscribe();
    let mut outcomes: Vec<(Source, Option<Outcome>)> = peers.into_iter().map(|peer| (peer, None)).collect();
    loop {
        for (peer, outcome) in outcomes.iter_mut().filter(|(_, outcome)| outcome.is_none()) {
            *outcome = now_at(shared, instance, seq, peer);
        }
        let confirmed = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == Some(Outcome::Confirmed))
            .count();
        if confirmed >= enough || outcomes.iter().all(|(_, outcome)| outcome.is_some()) {
            break;
        }
        tokio::select! {
            _ = acknowledged.changed() => {}
            _ = members.changed() => {}
            () = tokio::time::sleep_until(deadline) => break,
        }
    }
    outcomes
        .into_iter()
        .map(|(peer, outcome)| (peer.node, outcome.unwrap_or(Outcome::TimedOut)))
        .collect()
}

/// `None`: not decided yet.
fn now_at(shared: &Shared, instance: Instance, seq: u64, peer: &Source) -> Option<Outcome> {
    if shared.roster().is_over(peer) {
        return Some(Outcome::Lost);
    }
    let (_, session) = shared.links.to_node(&peer.node)?;
    let feed = session.feed(instance).filter(|_| session.peer == *peer)?;
    match feed.holds(seq) {
        Some(true) => Some(Outcome::Confirmed),
        Some(false) => None,
        None => Some(Outcome::Lost),
    }
}
