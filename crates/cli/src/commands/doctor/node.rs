//! The node that is asked, and what its mesh says through it.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_client::{CallError, Client, Member, Snapshot};
use bellwether_message::{NodeId, Timestamp};
use tokio::time::{Instant, timeout_at};

use super::clock::Clocks;
use super::finding::{Finding, Verdict};
use super::{members, mtu, versions};
use crate::failure::Failure;
use crate::reach::Reach;

const CHECK: &str = "node";
/// The longest that the nodes may take to tell how they stand: each does so every second.
const LISTENING: Duration = Duration::from_secs(4);
/// Snapshots of each node after which the rest of that time is spared: one of them surely was not delayed by the first
/// interest in it.
const ENOUGH: usize = 2;
/// Questions whose fastest answer tells how far away the node is.
const ROUND_TRIPS: usize = 3;

/// What the mesh has told.
struct Heard {
    members: Vec<Member>,
    snapshots: BTreeMap<NodeId, Snapshot>,
    clocks: Clocks,
    /// There and back to the node that was asked.
    round_trip: Duration,
}

/// Asks a node, if one answers.
pub(super) async fn check(reach: &Reach) -> Vec<Finding> {
    let client = match reach.connect().await {
        Ok(client) => client,
        Err(failure) => return vec![unreachable(failure)],
    };
    match listen(&client).await {
        Ok(heard) => heard.judge(&client),
        Err(err) => vec![refused(&client, &err)],
    }
}

/// No node need run where a configuration is checked; where one should, that it does not is told by everything else.
fn unreachable(failure: Failure) -> Finding {
    let words = format!("{:#}", failure.into_error());
    Finding {
        why: Some("the mesh could not be looked at, only this host and its configuration"),
        advice: Some("start it, name another with --node, or leave it out with --offline".to_owned()),
        ..Finding::unknown(CHECK, words)
    }
}

fn refused(client: &Client, err: &CallError) -> Finding {
    Finding {
        why: Some("the mesh could not be looked at"),
        advice: Some(
            "give a token that may look (`bellwether token new --look`), and use a node of this version".into(),
        ),
        ..Finding::unknown(CHECK, format!("{}: {err}", client.node()))
    }
}

async fn listen(client: &Client) -> Result<Heard, CallError> {
    let mut round_trip = Duration::MAX;
    let mut members = Vec::new();
    for _ in 0..ROUND_TRIPS {
        let asked = Instant::now();
        members = client.members().await?;
        round_trip = round_trip.min(asked.elapsed());
    }
    let deadline = Instant::now() + LISTENING;
    let mut heard = Heard {
        members,
        snapshots: BTreeMap::new(),
        clocks: Clocks::default(),
        round_trip,
    };
    let mut watch = client.watch_mesh().await?;
    let mut counts: BTreeMap<NodeId, usize> = BTreeMap::new();
    // A stream that ends has told what it has told.
    while let Ok(Ok(json)) = timeout_at(deadline, watch.next_json()).await {
        let now = Timestamp::now();
        let Ok(snapshot) = serde_json::from_slice::<Snapshot>(&json) else {
            continue;
        };
        heard.clocks.saw(&snapshot, now);
        *counts.entry(snapshot.node.clone()).or_default() += 1;
        heard.snapshots.insert(snapshot.node.clone(), snapshot);
        let is_there = |member: &&Member| matches!(member.state.as_str(), "self" | "alive");
        let mut there = heard.members.iter().filter(is_there);
        if there.all(|member| counts.get(&member.node).is_some_and(|count| *count >= ENOUGH)) {
            break;
        }
    }
    Ok(heard)
}

impl Heard {
    fn judge(&self, client: &Client) -> Vec<Finding> {
        let asked = self.members.iter().find(|member| member.state == "self");
        let asked = asked.and_then(|member| self.snapshots.get(&member.node));
        let trips = |peer: &NodeId| -> u64 {
            let links = asked.into_iter().flat_map(|asked| &asked.links);
            links
                .filter(|link| link.peer == *peer)
                .map(|link| link.round_trip_us)
                .max()
                .unwrap_or(0)
        };
        let to_asked_us = u64::try_from(self.round_trip.as_micros()).unwrap_or(u64::MAX);
        vec![
            standing(client, asked),
            members::members(&self.members, &self.snapshots),
            members::links(&self.snapshots),
            versions::check(&self.snapshots, env!("CARGO_PKG_VERSION")),
            self.clocks.judge(to_asked_us, trips),
            mtu::check(&self.snapshots),
        ]
    }
}

/// How the node that was asked stands.
fn standing(client: &Client, asked: Option<&Snapshot>) -> Finding {
    let node = client.node();
    let Some(asked) = asked else {
        return Finding::unknown(
            CHECK,
            format!("the node at {node} answers, but has not told how it stands"),
        );
    };
    let found = format!(
        "{} answers at {node}, and has run for {} s",
        asked.node,
        asked.uptime_ms / 1_000
    );
    match asked.ready {
        true => Finding::ok(CHECK, found),
        false => Finding::bad(
            CHECK,
            Verdict::Warning,
            format!("{found}, but has not joined its mesh yet"),
            "what is published elsewhere may not come, and what is published there may not get anywhere",
            "right after its start wait for some seconds; then look at `seeds` and at the log of the node",
        ),
    }
}
