//! The words of the load: topics, patterns, and the names that the history uses for what is in them.

use std::sync::Arc;

use bellwether_broker::GapCause;
use bellwether_message::{NodeId, Pattern, Topic};

pub(crate) const TOPICS: [&str; 8] = ["a:b", "a:c", "a:b:c", "d", "d:e", "x:y:z", "x:y", "quiet:one"];
pub(crate) const PATTERNS: [&str; 17] = [
    "a:*",
    "a:b",
    "*",
    "d",
    "a:+",
    "+:*",
    "d:*",
    "*:b",
    "x:+:z",
    "x:y",
    "quiet:one",
    "+",
    "a:b:c",
    "none:at:all",
    "$queue:w:a:*",
    "$queue:w:*",
    "$queue:v:a:*",
];

/// The words of the load, made once per run.
pub(crate) struct Words {
    pub(crate) topics: Vec<(Topic, Arc<str>)>,
    pub(crate) patterns: Vec<(Pattern, Arc<str>)>,
    pub(crate) live: Arc<str>,
    pub(crate) driver: Arc<str>,
    nodes: Vec<(NodeId, Arc<str>)>,
    causes: Vec<(GapCause, Arc<str>)>,
}

impl Default for Words {
    fn default() -> Self {
        let topic = |text| (Topic::new(text).expect("a topic"), Arc::from(text));
        let pattern = |text| (Pattern::new(text).expect("a pattern"), Arc::from(text));
        Self {
            topics: TOPICS.into_iter().map(topic).collect(),
            patterns: PATTERNS.into_iter().map(pattern).collect(),
            live: "live".into(),
            driver: "driver".into(),
            nodes: Vec::new(),
            causes: Vec::new(),
        }
    }
}

impl Words {
    pub(crate) fn node(&mut self, node: &NodeId) -> Arc<str> {
        if let Some((_, word)) = self.nodes.iter().find(|(known, _)| known == node) {
            return word.clone();
        }
        let word: Arc<str> = node.as_str().into();
        self.nodes.push((node.clone(), word.clone()));
        word
    }

    pub(crate) fn cause(&mut self, cause: GapCause) -> Arc<str> {
        if let Some((_, word)) = self.causes.iter().find(|(known, _)| *known == cause) {
            return word.clone();
        }
        let word: Arc<str> = cause.name().into();
        self.causes.push((cause, word.clone()));
        word
    }

    pub(crate) fn topic(&self, text: &str) -> Arc<str> {
        match self.topics.iter().find(|(topic, _)| topic.as_str() == text) {
            Some((_, word)) => word.clone(),
            None => text.into(),
        }
    }

    pub(crate) fn pattern(&self, pattern: &Pattern) -> Arc<str> {
        match self.patterns.iter().find(|(known, _)| known == pattern) {
            Some((_, word)) => word.clone(),
            None => pattern.as_str().into(),
        }
    }
}

/// FNV-1a over eight bytes at a time: it only has to tell payloads of one run apart.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}
