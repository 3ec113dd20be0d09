//! A program's log records, published to the mesh.

mod attached;
mod audible;
mod bounded_text;
mod busy;
mod fields;
mod head;
mod judge;
mod layer;
mod publisher;
mod queue;
mod record;
mod settings;
mod shared;
mod told_filters;

use std::sync::Arc;

use bellwether_catalogue::families::logging::LogRotation;
use bellwether_message::TopicError;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

pub use bellwether_monitor::log_filter::{LogRule, LogRuleError, RuleAction, RuleBy};

use self::attached::Attached;
use self::busy::Busy;
use self::layer::Recorder;
use self::publisher::Attachment;
pub use self::settings::LogBridgeSettings;
pub use self::shared::LogBridgeCounts;
use self::shared::Shared;
use crate::integration::Outcome;
use crate::node::Node;

/// Publishes what a program logs with `tracing` to `logging`, each record as a
/// [`LogEntry`](bellwether_catalogue::families::logging::LogEntry) on `logs:{service}:{level}`. Whoever subscribes to
/// `log_entry` there receives those of all services.
///
/// ```no_run
/// use bellwether::{LogBridge, LogBridgeSettings, Node, NodeId};
/// use tracing_subscriber::prelude::*;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut settings = LogBridgeSettings::default();
/// settings.service = Some("shop".to_owned());
/// let (layer, bridge) = LogBridge::new(settings);
/// tracing_subscriber::registry().with(layer).init();
///
/// let node = Node::builder(NodeId::new("shop-1")?).start().await?;
/// node.integration().enable();
/// bridge.attach(&node)?;
/// tracing::info!(order = 42, "an order came in"); // on `logs:shop:info`
///
/// bridge.flush();
/// node.shutdown().await;
/// # Ok(())
/// # }
/// ```
///
/// # What is published
///
/// The target is the entry's `module`. The record's fields are its `metadata`, with their JSON types; what is only
/// `Debug` is text. Beside them are `file`, and `spans`: the spans around the record, the outermost first, each
/// `{"name", "fields"}`, at most 16, the innermost; `spans_left_out` counts the others. `line` is the entry's own, and
/// so is a field `function`. Records that come by way of the `log` crate are told with their own targets and lines.
///
/// An entry has at most 16 KiB of JSON: a message ends after 8 KiB with `…`; fields that do not fit, and those of a
/// span beyond 2 KiB, are named in `left_out`. A record's own field of the name `file`, `spans`, `spans_left_out` or
/// `left_out` gets a `_` at its end.
///
/// **What is logged is published as it is.** Nothing looks for secrets or hides any: keep them out of records, as for
/// any other log. They go to every node whose subscribers ask for them.
///
/// # What is not
///
/// - What is below the [levels](LogBridgeSettings::min_level); it costs nothing, and other layers are not affected.
/// - What a [filter](Self::filters) keeps out. Each
///   [`LogFilter`](bellwether_catalogue::families::logging::LogFilter) that any node publishes is applied by the
///   bridges of all nodes while their integration is switched on, and by those that start later if the message is
///   still kept: `node.publish_typed(&LogFilter::new("module", "shop::cart", "exclude"), None)`. One that is not
///   `enabled` takes away the filter of its `filter_id`, or else the one that looks for the same and does the same; of
///   such there is never more than one. A `rate_limit` says `per_second` in its metadata.
/// - What is beyond [the rate](LogBridgeSettings::per_second), and what comes while 1,024 records or 4 MiB wait: the
///   newest. Once a second at most a record says how many were left out.
/// - Anything while the [integration](crate::Integration) is switched off.
/// - What is logged by the thread that publishes a record, and more than a few records a second of the mesh itself: no
///   record leads to another without end.
///
/// Logging never waits for the mesh: a record is shown, put in a queue and published by a task of the node. Before
/// [`attach`](Self::attach) it waits there.
///
/// Every [`summary_interval`](LogBridgeSettings::summary_interval) in which something was logged, a
/// [`LogSummary`](bellwether_catalogue::families::logging::LogSummary) counts all that was looked at, published or not.
///
/// Cheap to clone; all clones are the same bridge.
#[derive(Debug, Clone)]
pub struct LogBridge {
    shared: Arc<Shared>,
}

impl LogBridge {
    /// The layer for a [`Registry`](tracing_subscriber::Registry) or what is built on one, and the bridge to attach to
    /// a node once there is one. The layer filters for itself alone.
    pub fn new<S>(settings: LogBridgeSettings) -> (impl Layer<S> + Send + Sync + 'static, Self)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let shared = Arc::new(Shared::new(settings));
        let layer = Recorder::new(shared.clone()).with_filter(shared.audible.clone());
        (layer, Self { shared })
    }

    /// Publishes on this node from now on, what waits first, until the node stops; then the bridge may be attached to
    /// another. Call it on a tokio runtime.
    ///
    /// # Errors
    /// [`AttachError`]; nothing has changed.
    pub fn attach(&self, node: &Node) -> Result<(), AttachError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(AttachError::NoRuntime);
        }
        let attached = Arc::new(Attached::new(node, self.shared.settings.service.as_deref())?);
        if !self.shared.attach(attached.clone()) {
            return Err(AttachError::Attached);
        }
        let attachment = Attachment {
            shared: self.shared.clone(),
            attached,
        };
        let supervisor = node.supervisor();
        supervisor.spawn_forever("publish log records", publisher::run(attachment));
        let listening = told_filters::run(self.shared.clone(), node.clone());
        supervisor.spawn_forever("hear log filters", listening);
        Ok(())
    }

    /// The filters in force, those that were told and those that were set here, in the order in which they were set
    /// first. At most [`MAX_RULES`](bellwether_monitor::log_filter::MAX_RULES), 256; a further one is refused.
    pub fn filters(&self) -> Vec<LogRule> {
        self.shared.judging().rules()
    }

    /// Sets a filter in this program alone, or replaces the one of its id or of the same meaning.
    ///
    /// # Errors
    /// [`LogRuleError`]; nothing has changed.
    pub fn set_filter(&self, rule: LogRule) -> Result<(), LogRuleError> {
        self.shared.judging().set(rule)
    }

    /// Takes a filter away, in this program alone; one that was told to all comes again when it is told again. False:
    /// there is none of this id.
    pub fn remove_filter(&self, id: &str) -> bool {
        self.shared.judging().remove(id)
    }

    /// What became of the records so far.
    pub fn counts(&self) -> LogBridgeCounts {
        self.shared.counts.read()
    }

    /// Publishes what waits, on this thread: before a node is shut down. Nothing if no node is attached.
    pub fn flush(&self) {
        if let Some(attached) = self.shared.attached() {
            while publisher::publish_some(&self.shared, &attached) {}
        }
    }

    /// Says that a log file was replaced by another, as
    /// [`LogRotation`](bellwether_catalogue::families::logging::LogRotation) on `log_rotations`; with the closed file's
    /// bytes and records, where they are known. [`Sent::Disabled`](crate::Sent::Disabled) also if no node is attached.
    ///
    /// # Errors
    /// [`PublishTypedError`](crate::PublishTypedError); nothing was published.
    pub fn rotated(
        &self,
        log_type: &str,
        old_file: &str,
        new_file: &str,
        size: Option<u64>,
        entries: Option<u64>,
    ) -> Outcome {
        let Some(attached) = self.shared.attached() else {
            return Ok(crate::integration::Sent::Disabled);
        };
        let _busy = Busy::enter();
        attached.integration.publish(|| {
            let mut rotation = LogRotation::new(log_type, old_file, new_file);
            rotation.file_size = size;
            rotation.entries_count = entries;
            rotation
        })
    }
}

/// Why a bridge was not attached. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// It was not called on a tokio runtime.
    #[error("there is no tokio runtime here: attach the bridge where the node was started")]
    NoRuntime,
    /// It is attached to a node that runs.
    #[error("the bridge is attached already: stop its node first, or make another bridge")]
    Attached,
    /// The name of the service makes no topic.
    #[error("the name of the service is wrong: {0}")]
    Service(#[from] TopicError),
}

#[cfg(test)]
mod tests;
