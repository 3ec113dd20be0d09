//! The node that a bridge publishes on.

use bellwether_catalogue::families::logging::LogEntry;
use bellwether_catalogue::{Message, level};
use bellwether_message::{Topic, TopicError};
use bellwether_monitor::log_level::LogLevel;
use tokio::time::Instant;

use super::record::Record;
use super::shared::Counts;
use crate::integration::Integration;
use crate::node::Node;

/// An attached node.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) node: Node,
    pub(super) integration: Integration,
    topics: [(LogLevel, Topic); LogLevel::ALL.len()],
}

impl Attached {
    /// Refused if the service's name is too long for a topic.
    pub(super) fn new(node: &Node, service: Option<&str>) -> Result<Self, TopicError> {
        let service = level(service.unwrap_or(node.id().as_str()));
        let topic = |level: LogLevel| Topic::new(&format!("logs:{service}:{}", level.name()));
        let [debug, info, warn, error, critical] = LogLevel::ALL;
        Ok(Self {
            node: node.clone(),
            integration: node.integration(),
            topics: [
                (debug, topic(debug)?),
                (info, topic(info)?),
                (warn, topic(warn)?),
                (error, topic(error)?),
                (critical, topic(critical)?),
            ],
        })
    }

    /// Publishes a record that waited, unless the integration is switched off.
    pub(super) fn publish_record(&self, record: Record, counts: &Counts) {
        if !self.integration.enabled() {
            Counts::add(&counts.switched_off);
            return;
        }
        let level = record.level;
        self.publish_entry(&record.entry(Instant::now(), self.node.now()), level, counts);
    }

    pub(super) fn publish_entry(&self, entry: &LogEntry, level: LogLevel, counts: &Counts) {
        let topic = self.topics.iter().find(|(of, _)| *of == level);
        self.publish(entry, topic.map(|(_, topic)| topic.clone()), counts);
    }

    pub(super) fn publish<M: Message>(&self, message: &M, topic: Option<Topic>, counts: &Counts) {
        match self.node.publish_typed(message, topic) {
            Ok(_) => Counts::add(&counts.published),
            Err(err) => {
                Counts::add(&counts.failed);
                tracing::debug!(err = %err, "a log record was not published");
            }
        }
    }
}
