//! A record as it waits to be published: shown already, and no larger than it may be.

use bellwether_catalogue::families::logging::LogEntry;
use bellwether_catalogue::field::Object;
use bellwether_message::Timestamp;
use bellwether_monitor::log_level::LogLevel;
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope, SpanRef};

use super::bounded_text::{BoundedText, json_len};
use super::fields::{Fields, LeftOut, cost};
use super::head::Head;

/// Bytes of a record as JSON.
pub(super) const MAX_RECORD_BYTES: usize = 16 * 1024;
/// Of these, bytes for what has bounds of its own: where it was logged, ids, and the names of what did not fit.
const RESERVED_BYTES: usize = 4 * 1024;
/// Bytes for its message, fields and spans.
const MAX_CONTENT_BYTES: usize = MAX_RECORD_BYTES - RESERVED_BYTES;
/// Bytes for the fields of one span.
pub(super) const MAX_SPAN_BYTES: usize = 2 * 1024;
/// Spans of a record, the innermost; those around them are counted.
const MAX_SPANS: usize = 16;
/// Bytes of a span's name as JSON; it is cut there.
const MAX_SPAN_NAME_BYTES: usize = 128;
/// What a record takes in memory beside its content.
const OVERHEAD: usize = 512;
/// Names in `metadata` that are not for fields.
const OWN_NAMES: [&str; 4] = ["file", "spans", "spans_left_out", "left_out"];

/// A record that waits.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) at: Instant,
    pub(super) level: LogLevel,
    pub(super) module: String,
    pub(super) message: String,
    pub(super) function: Option<String>,
    pub(super) line: Option<u64>,
    pub(super) metadata: Object,
    /// What it takes while it waits.
    pub(super) bytes: usize,
}

impl Record {
    /// The record of an event. What of it does not fit is left out and named.
    pub(super) fn new<S>(at: Instant, head: Head, event: &Event<'_>, context: &Context<'_, S>) -> Self
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let left = MAX_CONTENT_BYTES.saturating_sub(json_len(&head.message));
        let mut fields = Fields::new(left).with_taken(&OWN_NAMES).without(head.tells());
        event.record(&mut fields);
        let (mut metadata, mut left, mut left_out) = fields.finish();
        if let Some(scope) = context.event_scope(event) {
            add_spans(scope, &mut metadata, &mut left, &mut left_out);
        }
        if let Some(file) = head.file {
            metadata.insert("file".to_owned(), file.into());
        }
        if let names @ Value::Array(_) = left_out.value() {
            metadata.insert("left_out".to_owned(), names);
        }
        Self {
            at,
            level: head.level,
            module: head.module.into_owned(),
            message: head.message,
            function: head.function,
            line: head.line,
            metadata,
            bytes: MAX_CONTENT_BYTES - left + OVERHEAD,
        }
    }

    /// As it is published, if it is published at `now` and the clock then says `time`.
    pub(super) fn entry(self, now: Instant, time: Timestamp) -> LogEntry {
        let age = now.saturating_duration_since(self.at).as_millis();
        let logged = time.as_millis().saturating_sub(i64::try_from(age).unwrap_or(i64::MAX));
        let mut entry = LogEntry::new(self.level.name(), self.message, self.module)
            .metadata(self.metadata)
            .timestamp(Timestamp::from_millis(logged));
        entry.function = self.function;
        entry.line = self.line;
        entry
    }
}

/// The spans around a record, the outermost first, under `spans`. The innermost have the first claim on the room.
fn add_spans<S>(scope: Scope<'_, S>, metadata: &mut Object, left: &mut usize, left_out: &mut LeftOut)
where
    S: for<'a> LookupSpan<'a>,
{
    let mut spans = Vec::new();
    let mut too_many: u64 = 0;
    for span in scope {
        let shown = match spans.len() < MAX_SPANS {
            true => show_span(&span, left, left_out),
            false => None,
        };
        match shown {
            Some(span) => spans.push(span),
            None => too_many = too_many.saturating_add(1),
        }
    }
    spans.reverse();
    if !spans.is_empty() {
        metadata.insert("spans".to_owned(), spans.into());
    }
    if too_many > 0 {
        metadata.insert("spans_left_out".to_owned(), too_many.into());
    }
}

/// A span with those of its fields for which there is room. None: there is none even for its name.
fn show_span<S>(span: &SpanRef<'_, S>, left: &mut usize, left_out: &mut LeftOut) -> Option<Value>
where
    S: for<'a> LookupSpan<'a>,
{
    let name = BoundedText::of(span.name(), MAX_SPAN_NAME_BYTES);
    *left = left.checked_sub(cost("", &json!({"name": name, "fields": {}})))?;
    let mut shown = Object::new();
    if let Some(fields) = span.extensions().get::<Fields>() {
        for (field, value) in fields.object() {
            match left.checked_sub(cost(field, value)) {
                Some(rest) => {
                    *left = rest;
                    shown.insert(field.clone(), value.clone());
                }
                None => left_out.add(&format!("{name}.{field}")),
            }
        }
        left_out.add_of_span(&name, fields.left_out());
    }
    Some(json!({"name": name, "fields": shown}))
}
