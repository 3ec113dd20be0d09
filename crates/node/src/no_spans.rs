//! Instead of `spans`, where this is built without the feature `otel`: a trace context is carried, and nothing else.

use bellwether_broker::PublishError;
use bellwether_message::{Draft, Envelope, Instance, MessageId, NodeId, Pattern};

use crate::span_counts::SpanCounts;

/// Makes no spans.
#[derive(Debug, Clone)]
pub(crate) struct Spans;

impl Spans {
    pub(crate) fn global(_node: &NodeId) -> Self {
        Self
    }

    pub(crate) fn none() -> Self {
        Self
    }

    #[inline]
    pub(crate) fn publish(
        &self,
        _instance: Instance,
        draft: &Draft,
        publish: impl FnOnce(&Draft) -> Result<MessageId, PublishError>,
    ) -> Result<MessageId, PublishError> {
        publish(draft)
    }

    #[inline]
    pub(crate) fn delivered(&self, _envelope: &Envelope, _patterns: &[Pattern]) {}

    pub(crate) fn counts(&self) -> Option<SpanCounts> {
        None
    }
}
