//! The layer: what it does with spans and records.

use std::sync::Arc;

use bellwether_monitor::log_record::LogRecord;
use tokio::time::Instant;
use tracing::span::{Attributes, Id, Record as Values};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::busy::Busy;
use super::fields::Fields;
use super::head::Head;
use super::judge::Verdict;
use super::record::{MAX_SPAN_BYTES, Record};
use super::shared::{Counts, Shared};

/// Puts records that are to be published where they wait. It waits for nobody.
#[derive(Debug)]
pub(super) struct Recorder {
    shared: Arc<Shared>,
}

impl Recorder {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The record's head, if it is to be published.
    fn admitted(&self, event: &Event<'_>) -> Option<Head> {
        let shared = &*self.shared;
        let attached = shared.attached();
        if attached
            .as_ref()
            .is_some_and(|attached| !attached.integration.enabled())
        {
            Counts::add(&shared.counts.switched_off);
            return None;
        }
        let head = Head::of(event);
        if head.is_foreign && !shared.audible.hears(&head.module, *event.metadata().level()) {
            return None;
        }
        let record = LogRecord {
            level: head.level,
            module: &head.module,
            message: &head.message,
            node: attached.as_ref().map_or("", |attached| attached.node.id().as_str()),
        };
        let is_quiet = shared.audible.is_quiet(&head.module);
        let verdict = shared.judging().judge(&record, is_quiet, shared.elapsed());
        let refused = match verdict {
            Verdict::Publish if !shared.queue.is_full() => return Some(head),
            Verdict::Publish => &shared.counts.queue_full,
            Verdict::Excluded => &shared.counts.excluded,
            Verdict::Limited => &shared.counts.limited,
        };
        Counts::add(refused);
        None
    }
}

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(_busy) = Busy::enter() else {
            return;
        };
        // Shown before its extensions are locked: who knows what a field does while it is shown.
        let mut fields = Fields::new(MAX_SPAN_BYTES);
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Values<'_>, context: Context<'_, S>) {
        let Some(_busy) = Busy::enter() else {
            return;
        };
        let mut later = Fields::new(MAX_SPAN_BYTES);
        values.record(&mut later);
        let Some(span) = context.span(id) else {
            return;
        };
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Fields>() {
            Some(fields) => fields.merge(later),
            None => drop(extensions.replace(later)),
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(_busy) = Busy::enter() else {
            return;
        };
        let Some(head) = self.admitted(event) else {
            return;
        };
        let record = Record::new(Instant::now(), head, event, &context);
        match self.shared.queue.push(record) {
            true => self.shared.filled.notify_one(),
            false => Counts::add(&self.shared.counts.queue_full),
        }
    }
}
