//! Spans of messages that carry a trace context, as an exporter of the SDK gets them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether::{
    Delivery, Draft, Headers, Instance, Node, NodeBuilder, NodeId, SPANS_PER_SECOND, Subscription, TraceParent,
};
use opentelemetry::InstrumentationScope;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{SpanContext, SpanKind, Status, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tokio::time::timeout;

use crate::lab::*;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const STATE: &str = "vendor=1";

/// Keeps what is exported.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Kept {
    /// The spans of one kind, each with the node that made it; sorted by that.
    fn of_kind(&self, kind: &SpanKind) -> Vec<(String, SpanData)> {
        let spans = self.0.lock().unwrap();
        let of_kind = spans.iter().filter(|span| span.span_kind == *kind);
        let mut found: Vec<_> = of_kind
            .map(|span| (attribute(span, "messaging.client.id"), span.clone()))
            .collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn traced(&self, builder: NodeBuilder) -> NodeBuilder {
        self.sampled(builder, Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
    }

    fn sampled(&self, builder: NodeBuilder, sampler: Sampler) -> NodeBuilder {
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_simple_exporter(self.clone())
            .build();
        let scope = InstrumentationScope::builder("test").build();
        builder.tracer(BoxedTracer::new(Box::new(provider.tracer_with_scope(scope))))
    }
}

fn attribute(span: &SpanData, name: &str) -> String {
    let mut known = span.attributes.iter().filter(|each| each.key.as_str() == name);
    known
        .next()
        .map_or_else(String::new, |each| each.value.as_str().into_owned())
}

fn said_by(context: &SpanContext) -> TraceParent {
    TraceParent {
        trace_id: context.trace_id().to_bytes(),
        span_id: context.span_id().to_bytes(),
        flags: context.trace_flags().to_u8(),
    }
}

fn with_headers(headers: &[(&str, &str)]) -> Draft {
    let mut of_draft = Headers::default();
    for (name, value) in headers {
        of_draft.push(name, value).unwrap();
    }
    draft("t", "x").correlation_id("story").headers(of_draft)
}

/// The headers of the next message.
async fn next_headers(subscription: &mut Subscription) -> String {
    match timeout(DEADLINE, subscription.next())
        .await
        .expect("a delivery in time")
    {
        Some(Delivery::Message(envelope)) => envelope.head().headers().as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_has_one_producer_and_each_delivery_on_any_node_is_linked_to_it() {
    let lab = Lab::new();
    let kept = Kept::default();
    let a = kept.traced(lab.builder("a")).start().await.unwrap();
    let join = |name| kept.traced(lab.builder(name)).seed(address(&a)).start();
    let (b, c) = tokio::join!(join("b"), join("c"));
    let nodes = [a.clone(), b.unwrap(), c.unwrap()];
    all_see_all(&nodes).await;
    let [a, b, c] = nodes;
    let (mut at_b, _) = b.subscribe(Instance::Events, [pattern("t")]).await.unwrap();
    let (mut at_c, report) = c
        .subscribe(Instance::Events, [pattern("*").in_queue("workers").unwrap()])
        .await
        .unwrap();
    assert!(report.is_complete());
    a.publish(Instance::Events, &draft("t", "without headers")).unwrap();
    let carried = [("n", "1"), ("Traceparent", PARENT), ("tracestate", STATE)];
    let id = a.publish(Instance::Events, &with_headers(&carried)).unwrap();

    let published = kept.of_kind(&SpanKind::Producer);
    let [(node, producer)] = &published[..] else {
        panic!("{published:?}")
    };
    assert_eq!((node.as_str(), producer.name.as_ref()), ("a", "publish events"));
    let given = TraceParent::parse(PARENT).unwrap();
    let context = said_by(&producer.span_context);
    assert_eq!(context.trace_id, given.trace_id);
    assert_eq!(producer.parent_span_id.to_bytes(), given.span_id);
    assert!(producer.parent_span_is_remote);
    assert_eq!(producer.span_context.trace_state().header(), STATE);
    assert_eq!(producer.status, Status::Unset);
    for (name, value) in [
        ("messaging.system", "bellwether"),
        ("messaging.operation.name", "publish"),
        ("messaging.operation.type", "send"),
        ("messaging.destination.name", "events/t"),
        ("messaging.message.id", &id.to_string()),
        ("messaging.message.body.size", "1"),
        ("messaging.message.conversation_id", "story"),
    ] {
        assert_eq!(attribute(producer, name), value, "{name}");
    }

    let onwards = format!("n: 1\r\nTraceparent: {context}\r\ntracestate: {STATE}\r\n");
    for subscription in [&mut at_b, &mut at_c] {
        assert_eq!(next_headers(subscription).await, "");
        assert_eq!(next_headers(subscription).await, onwards);
    }
    let delivered = kept.of_kind(&SpanKind::Consumer);
    let at: Vec<_> = delivered.iter().map(|(node, _)| node.as_str()).collect();
    assert_eq!(at, ["b", "c"]);
    for (node, consumer) in &delivered {
        assert_eq!(consumer.name, "deliver events");
        let links: Vec<_> = consumer.links.iter().map(|link| said_by(&link.span_context)).collect();
        assert_eq!(links, [context]);
        assert_ne!(
            said_by(&consumer.span_context).trace_id,
            given.trace_id,
            "a trace of its own"
        );
        assert_eq!(consumer.parent_span_id.to_bytes(), [0; 8]);
        assert_eq!(attribute(consumer, "messaging.message.id"), id.to_string());
        assert_eq!(attribute(consumer, "messaging.operation.type"), "process");
        let group = attribute(consumer, "messaging.consumer.group.name");
        assert_eq!(group, if node == "c" { "workers" } else { "" });
    }
    assert_eq!(kept.count(), 3);
    let counts = [&a, &b].map(|node| node.span_counts().unwrap());
    let counts = counts.map(|counts| (counts.published, counts.delivered, counts.left_out));
    assert_eq!(counts, [(1, 0, 0), (0, 1, 0)]);
}

/// A node that has no peers.
async fn alone(lab: &Lab, traced: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Node {
    let builder = Node::builder(NodeId::new("a").unwrap()).data_dir(lab.directory.path());
    traced(builder).start().await.unwrap()
}

fn text_of(headers: &[(&str, &str)]) -> String {
    headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect()
}

#[tokio::test]
async fn what_is_not_sampled_or_not_valid_is_carried_untouched_and_nothing_is_made() {
    let lab = Lab::new();
    let kept = Kept::default();
    let node = alone(&lab, |builder| kept.traced(builder)).await;
    let mut subscription = node.subscribe_at_once(Instance::Events, [pattern("t")]).unwrap();
    let unsampled = PARENT.replace("-01", "-00");
    let upper = PARENT.to_uppercase();
    for headers in [
        &[("traceparent", unsampled.as_str()), ("tracestate", STATE)][..],
        &[("traceparent", upper.as_str())],
        &[("traceparent", "")],
        &[("traceparent", PARENT), ("Traceparent", PARENT)],
        &[("tracestate", STATE)],
        &[("other", PARENT)],
    ] {
        node.publish(Instance::Events, &with_headers(headers)).unwrap();
        assert_eq!(next_headers(&mut subscription).await, text_of(headers));
    }
    assert_eq!(kept.count(), 0);
    assert_eq!(node.span_counts(), Some(bellwether::SpanCounts::default()));
}

#[tokio::test]
async fn where_the_sampler_says_no_the_context_is_carried_untouched() {
    let lab = Lab::new();
    let kept = Kept::default();
    let node = alone(&lab, |builder| kept.sampled(builder, Sampler::AlwaysOff)).await;
    let mut subscription = node.subscribe_at_once(Instance::Events, [pattern("t")]).unwrap();
    let headers = [("traceparent", PARENT)];
    node.publish(Instance::Events, &with_headers(&headers)).unwrap();
    assert_eq!(next_headers(&mut subscription).await, text_of(&headers));
    assert_eq!(kept.count(), 0);
}

#[tokio::test]
async fn a_message_that_is_refused_has_a_span_that_says_so() {
    let lab = Lab::new();
    let kept = Kept::default();
    let node = alone(&lab, |builder| kept.traced(builder)).await;
    let mut draft = with_headers(&[("traceparent", PARENT)]);
    draft.event = "".into();
    let refused = node.publish(Instance::Events, &draft).unwrap_err();
    let published = kept.of_kind(&SpanKind::Producer);
    assert_eq!(published[0].1.status, Status::error(refused.to_string()));
    assert_eq!(attribute(&published[0].1, "error.type"), "refused");
}

/// The clock stands still, so that all of it is within one second.
#[tokio::test(start_paused = true)]
async fn a_flood_makes_no_more_spans_than_its_limit_and_all_of_it_is_carried() {
    const MORE: u64 = 5;

    let lab = Lab::new();
    let kept = Kept::default();
    let node = alone(&lab, |builder| kept.traced(builder)).await;
    let mut subscription = node.subscribe_at_once(Instance::Events, [pattern("t")]).unwrap();
    let draft = with_headers(&[("traceparent", PARENT)]);
    let mut publish = || {
        node.publish(Instance::Events, &draft).unwrap();
        match subscription.try_next() {
            Some(Delivery::Message(envelope)) => TraceParent::of(envelope.head().headers()).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let given = TraceParent::parse(PARENT).unwrap();
    let limit = u64::from(SPANS_PER_SECOND.get());
    for _ in 0..limit {
        assert_ne!(publish(), given);
    }
    for _ in 0..MORE {
        assert_eq!(publish(), given, "carried as it came");
    }
    let told = || {
        let counts = node.span_counts().unwrap();
        (counts.published, counts.delivered, counts.left_out)
    };
    assert_eq!(told(), (limit, limit, 2 * MORE));
    assert_eq!(kept.count() as u64, 2 * limit);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_ne!(publish(), given);
    assert_eq!(told(), (limit + 1, limit + 1, 2 * MORE));
}
