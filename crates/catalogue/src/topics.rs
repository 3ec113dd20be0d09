//! Topics of stores, of the cluster and of events: builders, parser and listings of the original.

use std::fmt;

use bellwether_message::{Topic, TopicError};
use sha2::{Digest, Sha256};

/// The first level of a topic of the cluster; no store may be called so.
const CLUSTER: &str = "cluster";
/// How many bytes of a selector's fingerprint stand in a topic.
const FINGERPRINT_BYTES: usize = 8;

/// What a store publishes about.
pub const STORE_SUB_TOPICS: [&str; 8] = [
    "health",
    "lifecycle",
    "streams",
    "replicas",
    "events",
    "alerts",
    "performance",
    "subscriptions",
];

/// What a cluster publishes about.
pub const CLUSTER_SUB_TOPICS: [&str; 6] = ["health", "topology", "leader", "discovery", "alerts", "performance"];

/// `{store}:{sub_topic}`. The sub-topic is free; it may have several levels.
///
/// # Errors
/// [`TopicsError`]: the store is empty, called `cluster`, or has several levels; or the whole is no topic.
pub fn store_topic(store: &str, sub_topic: &str) -> Result<Topic, TopicsError> {
    match store {
        "" => Err(TopicsError::EmptyStore),
        CLUSTER => Err(TopicsError::StoreCalledCluster),
        store if store.contains(':') => Err(TopicsError::StoreWithLevels),
        store => Ok(Topic::new(&format!("{store}:{sub_topic}"))?),
    }
}

/// `cluster:{sub_topic}`.
///
/// # Errors
/// [`TopicsError::Topic`]: the whole is no topic.
pub fn cluster_topic(sub_topic: &str) -> Result<Topic, TopicsError> {
    Ok(Topic::new(&format!("{CLUSTER}:{sub_topic}"))?)
}

/// The eight topics of a store.
///
/// # Errors
/// As [`store_topic`].
pub fn store_topics(store: &str) -> Result<Vec<Topic>, TopicsError> {
    STORE_SUB_TOPICS
        .iter()
        .map(|sub_topic| store_topic(store, sub_topic))
        .collect()
}

/// The six topics of a cluster.
pub fn cluster_topics() -> Vec<Topic> {
    CLUSTER_SUB_TOPICS
        .iter()
        .filter_map(|sub_topic| cluster_topic(sub_topic).ok())
        .collect()
}

/// Whose topic it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A store's.
    Store(String),
    /// The cluster's.
    Cluster,
}

/// A topic of a store or of the cluster, cut at its first `:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Whose.
    pub scope: Scope,
    /// About what.
    pub sub_topic: String,
}

/// Cuts a topic at its first `:`.
///
/// # Errors
/// [`TopicsError::InvalidFormat`]: it has one level. [`TopicsError::Topic`]: it is no topic; the original took `:x` for a
/// topic of a store without a name.
pub fn parse(topic: &str) -> Result<Parsed, TopicsError> {
    let (first, sub_topic) = topic.split_once(':').ok_or(TopicsError::InvalidFormat)?;
    Topic::check(topic)?;
    let scope = match first {
        CLUSTER => Scope::Cluster,
        store => Scope::Store(store.to_owned()),
    };
    Ok(Parsed {
        scope,
        sub_topic: sub_topic.to_owned(),
    })
}

/// Whether a topic is one of a store or of the cluster. Topics of one level are not, though they are topics.
pub fn is_valid(topic: &str) -> bool {
    parse(topic).is_ok()
}

/// What chooses the events of a store's subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreSubscription {
    /// A stream, or `$all`.
    ByStream,
    /// A type of event.
    ByEventType,
    /// What a record says.
    ByEventPattern,
    /// What its data say.
    ByEventPayload,
}

impl StoreSubscription {
    /// The word that the original has for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByStream => "by_stream",
            Self::ByEventType => "by_event_type",
            Self::ByEventPattern => "by_event_pattern",
            Self::ByEventPayload => "by_event_payload",
        }
    }

    /// The sub-topic of `events` that the records chosen by `selector` go to. `transient` names a subscription that
    /// has no name of its own. What would be no level of a topic is made one.
    pub fn sub_topic(self, name: &str, selector: &str) -> String {
        let sub_topic = match self {
            Self::ByStream if name == "all-events" && selector == "$all" => "$all".to_owned(),
            Self::ByStream | Self::ByEventType if name == "transient" => selector.to_owned(),
            Self::ByStream => format!("${name}"),
            Self::ByEventType => format!("*{name}-{selector}"),
            Self::ByEventPattern => format!("evt-pat-{name}-{}", fingerprint(selector)),
            Self::ByEventPayload => format!("evt-pay-{name}-{}", fingerprint(selector)),
        };
        crate::template::level(&sub_topic)
    }
}

impl fmt::Display for StoreSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The first 16 hexadecimal digits of the selector's SHA-256: the same on every node and in every version.
fn fingerprint(selector: &str) -> String {
    let digest = Sha256::digest(selector.as_bytes());
    digest
        .iter()
        .take(FINGERPRINT_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Why text makes no topic of a store or of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicsError {
    /// The store has no name.
    #[error("the store has no name")]
    EmptyStore,
    /// The store is called `cluster`.
    #[error("no store may be called `cluster`: its topics would be the cluster's")]
    StoreCalledCluster,
    /// The store has a `:` in its name.
    #[error("the name of a store has no `:`, which joins the levels of a topic")]
    StoreWithLevels,
    /// There is no `:`.
    #[error(
        "the topic has one level; topics of stores and of the cluster have two: `my_store:health`, `cluster:health`"
    )]
    InvalidFormat,
    /// The whole is no topic.
    #[error(transparent)]
    Topic(#[from] TopicError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_stores_and_of_the_cluster_are_built_and_listed() {
        assert_eq!(store_topic("main", "health").unwrap().as_str(), "main:health");
        assert_eq!(cluster_topic("leader").unwrap().as_str(), "cluster:leader");
        assert_eq!(store_topics("main").unwrap().len(), 8);
        assert_eq!(cluster_topics().len(), 6);
        assert_eq!(
            store_topics("main").unwrap().last().unwrap().as_str(),
            "main:subscriptions"
        );
    }

    #[test]
    fn stores_whose_topics_would_be_others_are_refused() {
        assert_eq!(store_topic("", "health"), Err(TopicsError::EmptyStore));
        assert_eq!(store_topic("cluster", "health"), Err(TopicsError::StoreCalledCluster));
        assert_eq!(store_topic("a:b", "health"), Err(TopicsError::StoreWithLevels));
        assert!(matches!(store_topic("a", ""), Err(TopicsError::Topic(_))));
    }

    #[test]
    fn the_parser_cuts_at_the_first_colon() {
        let parsed = |topic: &str| parse(topic).map(|parsed| (parsed.scope, parsed.sub_topic));
        assert_eq!(parsed("a:b"), Ok((Scope::Store("a".into()), "b".into())));
        assert_eq!(parsed("cluster:x"), Ok((Scope::Cluster, "x".into())));
        assert_eq!(parsed("a:b:c"), Ok((Scope::Store("a".into()), "b:c".into())));
        for (topic, valid) in [
            ("a:b", true),
            ("cluster:x", true),
            ("invalid", false),
            ("", false),
            (":x", false),
        ] {
            assert_eq!(is_valid(topic), valid, "{topic}");
        }
        assert_eq!(parse("invalid"), Err(TopicsError::InvalidFormat));
    }

    #[test]
    fn events_go_to_the_sub_topic_of_their_subscription() {
        use StoreSubscription::{ByEventPattern, ByEventPayload, ByEventType, ByStream};
        assert_eq!(ByStream.sub_topic("all-events", "$all"), "$all");
        assert_eq!(ByStream.sub_topic("transient", "$orders"), "$orders");
        assert_eq!(ByStream.sub_topic("billing", "$orders"), "$billing");
        assert_eq!(ByEventType.sub_topic("transient", "paid:v1"), "paid_v1");
        assert_eq!(ByEventType.sub_topic("billing", "paid"), "*billing-paid");
        assert_eq!(
            ByEventPattern.sub_topic("billing", "{}"),
            "evt-pat-billing-44136fa355b3678a"
        );
        assert_eq!(
            ByEventPayload.sub_topic("billing", "{}"),
            "evt-pay-billing-44136fa355b3678a"
        );
        assert!(store_topic("main", &ByEventType.sub_topic("billing", "*")).is_ok());
    }
}
