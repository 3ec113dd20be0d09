//! What nodes tell each other of their doors, so that a client that loses its node knows others (`connect_urls`).
//!
//! Each node that has an address to tell says it on `diagnostics`, topic `$bw:nats:NODE`, every ten seconds, and a few times
//! when somebody has come. It counts while that node is a member. Who a word is from is taken from the link, not from the topic.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellwether::{Delivery, Draft, Envelope, Instance, MemberState, Node, NodeId, Pattern, Subscription, Topic};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::house::Urls;

/// How often membership is looked at: so late clients hear of a change, and no more often.
const LOOK: Duration = Duration::from_secs(1);
/// So many looks lie between two announcements.
const ANNOUNCE_EVERY: u32 = 10;
/// So many follow each other when a member has come: it may not listen yet.
const ANNOUNCE_TO_NEWCOMERS: u32 = 4;
/// Longest address: a host's name has at most 253 bytes.
const MAX_URL_BYTES: usize = 260;
const EVENT: &str = "nats_door";

#[derive(Debug, Serialize, Deserialize)]
struct Announcement {
    /// `host:port`
    url: String,
}

/// Announces this node's address, if it has one to tell, and collects those of others, for as long as it is polled.
pub(crate) async fn run(node: Node, advertise: Option<String>, tell: watch::Sender<Urls>) {
    let mut book = Book::new(node.id().clone(), advertise.clone());
    let mut listening = listen(&node);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut countdown = 0;
    let mut newcomers = 0;
    loop {
        tokio::select! {
            heard = next(&mut listening) => match heard {
                Some(Delivery::Message(envelope)) => book.on_announcement(&envelope),
                Some(_) => {}
                None => listening = None,
            },
            _ = looks.tick() => {
                let members = node.members();
                let alive = members.into_iter().filter(|member| member.state != MemberState::Down);
                if book.on_members(alive.map(|member| member.node).collect()) {
                    newcomers = ANNOUNCE_TO_NEWCOMERS;
                }
                if countdown == 0 || newcomers > 0 {
                    countdown = ANNOUNCE_EVERY;
                    newcomers = newcomers.saturating_sub(1);
                    if let Some(url) = advertise.as_ref().filter(|_| node.is_signed()) {
                        announce(&node, url);
                    }
                }
                countdown -= 1;
                let urls = book.urls();
                tell.send_if_modified(|told| {
                    let has_changed = **told != *urls;
                    if has_changed {
                        *told = urls;
                    }
                    has_changed
                });
            }
        }
    }
}

/// Cancel safe.
async fn next(listening: &mut Option<Subscription>) -> Option<Delivery> {
    match listening {
        Some(subscription) => subscription.next().await,
        None => std::future::pending().await,
    }
}

fn listen(node: &Node) -> Option<Subscription> {
    let pattern = Pattern::new("$bw:nats:*").ok()?;
    let subscribed = node.subscribe_at_once(Instance::Diagnostics, [pattern]);
    subscribed
        .inspect_err(|err| tracing::warn!(%err, "the addresses of other nodes are not told to NATS clients"))
        .ok()
}

fn announce(node: &Node, url: &str) {
    let Ok(topic) = Topic::new(&format!("$bw:nats:{}", node.id())) else {
        return;
    };
    let said = Announcement { url: url.to_owned() };
    let Ok(text) = serde_json::to_string(&said) else {
        return;
    };
    if let Err(err) = node.publish(Instance::Diagnostics, &Draft::new(topic, EVENT).json(text)) {
        tracing::debug!(%err, "this node's address for NATS clients was not told");
    }
}

/// The addresses that are known.
#[derive(Debug)]
struct Book {
    own: NodeId,
    advertise: Option<String>,
    members: BTreeSet<NodeId>,
    /// Of members, and of nodes that may become members soon; as many as there can be members.
    told: BTreeMap<NodeId, String>,
}

/// Addresses that are remembered; more members than there can be.
const MAX_TOLD: usize = 512;

impl Book {
    fn new(own: NodeId, advertise: Option<String>) -> Self {
        Self {
            own,
            advertise,
            members: BTreeSet::new(),
            told: BTreeMap::new(),
        }
    }

    fn on_announcement(&mut self, envelope: &Envelope) {
        let said = serde_json::from_slice::<Announcement>(envelope.payload());
        if let Ok(said) = said {
            self.note(&envelope.source().node, said.url);
        }
    }

    fn note(&mut self, node: &NodeId, url: String) {
        let has_room = self.told.len() < MAX_TOLD || self.told.contains_key(node);
        if *node != self.own && has_room && is_url(&url) {
            self.told.insert(node.clone(), url);
        }
    }

    /// Whether somebody has come.
    fn on_members(&mut self, members: BTreeSet<NodeId>) -> bool {
        let has_come = members.iter().any(|member| !self.members.contains(member));
        let gone: Vec<_> = self.members.difference(&members).cloned().collect();
        for node in gone {
            self.told.remove(&node);
        }
        self.members = members;
        has_come
    }

    /// This node's first, then those of the others by name.
    fn urls(&self) -> Urls {
        let others = self.told.iter().filter(|(node, _)| self.members.contains(*node));
        let others = others.map(|(_, url)| url);
        self.advertise.iter().chain(others).cloned().collect::<Arc<[String]>>()
    }
}

/// Whether text is `host:port`, so that no client trips over it.
fn is_url(text: &str) -> bool {
    let is_host = |host: &str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'))
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    text.len() <= MAX_URL_BYTES
        && text
            .rsplit_once(':')
            .is_some_and(|(host, port)| is_host(host) && is_port(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn members(names: &[&str]) -> BTreeSet<NodeId> {
        names.iter().map(|name| node(name)).collect()
    }

    #[test]
    fn addresses_count_while_their_nodes_are_members() {
        let mut book = Book::new(node("a"), Some("a:1".to_owned()));
        assert!(book.on_members(members(&["a"])));
        book.note(&node("b"), "b:1".to_owned());
        assert_eq!(*book.urls(), ["a:1"]);
        assert!(book.on_members(members(&["a", "b"])));
        assert_eq!(*book.urls(), ["a:1", "b:1"]);
        assert!(!book.on_members(members(&["a"])));
        assert!(book.on_members(members(&["a", "b"])));
        // It may be elsewhere now.
        assert_eq!(*book.urls(), ["a:1"]);
    }

    #[test]
    fn nobody_speaks_for_this_node_and_nonsense_is_not_passed_on() {
        let mut book = Book::new(node("a"), None);
        book.on_members(members(&["a", "b"]));
        book.note(&node("a"), "evil:1".to_owned());
        for url in [
            "",
            "b",
            "b:",
            ":1",
            "b:0",
            "b:99999",
            "b c:1",
            "b\r\n:1",
            "nats://b:1",
            &"x".repeat(300),
        ] {
            book.note(&node("b"), url.to_owned());
        }
        assert!(book.urls().is_empty());
        book.note(&node("b"), "[::1]:4222".to_owned());
        assert_eq!(*book.urls(), ["[::1]:4222"]);
    }

    #[test]
    fn the_book_is_bounded() {
        let mut book = Book::new(node("a"), None);
        for number in 0..MAX_TOLD + 10 {
            book.note(&node(&format!("n{number}")), "b:1".to_owned());
        }
        assert_eq!(book.told.len(), MAX_TOLD);
    }
}
