//! What became of the messages that carry a sampled trace context.

/// Totals since the node started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanCounts {
    /// Spans of messages that this node published.
    pub published: u64,
    /// Spans of messages that a subscription of this node was handed.
    pub delivered: u64,
    /// Messages without a span, since there were too many in that second.
    pub left_out: u64,
}
