//! Spans of messages that carry a sampled W3C trace context, by the API of OpenTelemetry and its conventions for messaging.
//!
//! | span | kind | when | in |
//! | --- | --- | --- | --- |
//! | `publish {instance}` | producer | this node publishes the message | the trace of its context, as a child |
//! | `deliver {instance}` | consumer | a subscription of this node is handed the message | a trace of its own, linked to the context that it carries |
//!
//! A message that got its producer span carries that span's context onwards, so every delivery, on whatever node, is linked
//! to it: one message may have any number of receivers, and they may be handed it much later. The second span has no
//! length: when a message came is not recorded. `tracestate` is carried as it came.
//!
//! Without an SDK, or where its sampler says no, nothing is made and the context is carried untouched. Never looks at a
//! message without headers.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_broker::PublishError;
use bellwether_message::{
    Draft, Envelope, HeadersView, Instance, MessageId, NodeId, Pattern, TRACEPARENT, TRACESTATE, TraceParent,
};
use bellwether_monitor::rate_limiter::RateLimiter;
use opentelemetry::global::{self, BoxedSpan, BoxedTracer};
use opentelemetry::trace::{
    Link, Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use tokio::time::Instant;

use crate::span_counts::SpanCounts;

/// Spans that a node makes in a second at most, of what it publishes and again of what it delivers; what is more goes
/// without, and is counted.
pub const SPANS_PER_SECOND: NonZeroU32 = NonZeroU32::new(1000).expect("it is not zero");

/// What the spans are of.
const SCOPE: &str = "bellwether";

/// Makes the spans of one node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Spans(Option<Arc<Inner>>);

struct Inner {
    tracer: Arc<BoxedTracer>,
    node: NodeId,
    started: Instant,
    published: Limited,
    delivered: Limited,
}

impl Spans {
    /// By the tracer provider that is set for the process now.
    pub(crate) fn global(node: &NodeId) -> Self {
        let scope = InstrumentationScope::builder(SCOPE).with_version(env!("CARGO_PKG_VERSION"));
        Self::new(Arc::new(global::tracer_with_scope(scope.build())), node)
    }

    pub(crate) fn new(tracer: Arc<BoxedTracer>, node: &NodeId) -> Self {
        Self(Some(Arc::new(Inner {
            tracer,
            node: node.clone(),
            started: Instant::now(),
            published: Limited::default(),
            delivered: Limited::default(),
        })))
    }

    /// Makes no spans.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Publishes a message with a span, if its headers ask for one.
    #[inline]
    pub(crate) fn publish(
        &self,
        instance: Instance,
        draft: &Draft,
        publish: impl FnOnce(&Draft) -> Result<MessageId, PublishError>,
    ) -> Result<MessageId, PublishError> {
        if draft.headers.is_empty() {
            return publish(draft);
        }
        let Some((mut span, draft)) = self.0.as_ref().and_then(|inner| inner.begin(instance, draft)) else {
            return publish(draft);
        };
        let published = publish(&draft);
        match &published {
            Ok(id) => span.set_attribute(KeyValue::new("messaging.message.id", id.to_string())),
            Err(err) => {
                span.set_attribute(KeyValue::new("error.type", "refused"));
                span.set_status(Status::error(err.to_string()));
            }
        }
        span.end();
        published
    }

    /// A subscription with these patterns is handed a message.
    #[inline]
    pub(crate) fn delivered(&self, envelope: &Envelope, patterns: &[Pattern]) {
        if let Some(inner) = &self.0
            && envelope.has_headers()
        {
            inner.hand_out(envelope, patterns);
        }
    }

    pub(crate) fn counts(&self) -> Option<SpanCounts> {
        let inner = self.0.as_ref()?;
        Some(SpanCounts {
            published: inner.published.made.load(Ordering::Relaxed),
            delivered: inner.delivered.made.load(Ordering::Relaxed),
            left_out: inner.published.left_out() + inner.delivered.left_out(),
        })
    }
}

impl Inner {
    /// The span of a message that is published, and the message with the span's context.
    fn begin(&self, instance: Instance, draft: &Draft) -> Option<(BoxedSpan, Draft)> {
        let parent = sampled(draft.headers.view())?;
        if !self.published.take(self.started) {
            return None;
        }
        let mut attributes = self.attributes("publish", "send", instance, draft.topic.as_str(), draft.payload.len());
        attributes.extend(conversation(draft.correlation_id.as_deref()));
        let span = SpanBuilder::from_name(format!("publish {instance}"))
            .with_kind(SpanKind::Producer)
            .with_attributes(attributes)
            .start_with_context(&*self.tracer, &Context::new().with_remote_span_context(parent));
        if !span.is_recording() {
            return None;
        }
        self.published.made.fetch_add(1, Ordering::Relaxed);
        let context = span.span_context();
        let onwards = TraceParent {
            trace_id: context.trace_id().to_bytes(),
            span_id: context.span_id().to_bytes(),
            flags: context.trace_flags().to_u8(),
        };
        let mut draft = draft.clone();
        // No valid value is shorter, so there is room for this one.
        let _ = draft.headers.replace(TRACEPARENT, &onwards.to_string());
        Some((span, draft))
    }

    #[cold]
    fn hand_out(&self, envelope: &Envelope, patterns: &[Pattern]) {
        let head = envelope.head();
        let Some(sender) = sampled(head.headers()) else {
            return;
        };
        if !self.delivered.take(self.started) {
            return;
        }
        let instance = envelope.instance();
        let payload = envelope.payload().len();
        let mut attributes = self.attributes("deliver", "process", instance, head.topic, payload);
        attributes.push(KeyValue::new("messaging.message.id", envelope.id().to_string()));
        attributes.extend(conversation(head.correlation_id));
        let group = patterns.iter().find_map(Pattern::queue);
        attributes.extend(group.map(|name| KeyValue::new("messaging.consumer.group.name", name.to_owned())));
        let mut span = SpanBuilder::from_name(format!("deliver {instance}"))
            .with_kind(SpanKind::Consumer)
            .with_attributes(attributes)
            .with_links(vec![Link::with_context(sender)])
            .start_with_context(&*self.tracer, &Context::new());
        if span.is_recording() {
            self.delivered.made.fetch_add(1, Ordering::Relaxed);
        }
        span.end();
    }

    /// What every span says. Of a node, `messaging.client.id` is its id.
    fn attributes(
        &self,
        name: &'static str,
        kind: &'static str,
        instance: Instance,
        topic: &str,
        payload: usize,
    ) -> Vec<KeyValue> {
        vec![
            KeyValue::new("messaging.system", "bellwether"),
            KeyValue::new("messaging.operation.name", name),
            KeyValue::new("messaging.operation.type", kind),
            KeyValue::new("messaging.destination.name", format!("{instance}/{topic}")),
            KeyValue::new("messaging.client.id", self.node.to_string()),
            KeyValue::new(
                "messaging.message.body.size",
                i64::try_from(payload).unwrap_or(i64::MAX),
            ),
        ]
    }
}

fn conversation(id: Option<&str>) -> Option<KeyValue> {
    id.map(|id| KeyValue::new("messaging.message.conversation_id", id.to_owned()))
}

/// The context that a message carries, if it is valid and sampled.
fn sampled(headers: HeadersView<'_>) -> Option<SpanContext> {
    let parent = TraceParent::of(headers).filter(TraceParent::is_sampled)?;
    let state: Vec<&str> = headers.values(TRACESTATE).collect();
    // What is wrong in it does not make the rest wrong.
    let state: TraceState = state.join(",").parse().unwrap_or_default();
    Some(SpanContext::new(
        TraceId::from_bytes(parent.trace_id),
        SpanId::from_bytes(parent.span_id),
        TraceFlags::new(parent.flags),
        true,
        state,
    ))
}

/// How many spans of a kind may be made, and were.
struct Limited {
    limiter: Mutex<RateLimiter>,
    made: AtomicU64,
    left_out: AtomicU64,
}

impl Default for Limited {
    fn default() -> Self {
        Self {
            limiter: Mutex::new(RateLimiter::new(SPANS_PER_SECOND, SPANS_PER_SECOND)),
            made: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }
}

impl Limited {
    fn take(&self, started: Instant) -> bool {
        let now = started.elapsed();
        let may = self.limiter.lock().unwrap_or_else(PoisonError::into_inner).take(now);
        if !may {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spans").field(&self.counts()).finish()
    }
}
