//! The bounded queue before the exporter, and what is said when spans are lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};

use super::totals::Totals;

/// While spans are lost it is said this often at most.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// The SDK's batches, in a queue that counts what it does not take.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) batches: BatchSpanProcessor,
    /// Spans that may wait: no more than the SDK's own queue has room for.
    pub(super) room: u64,
    pub(super) totals: Arc<Totals>,
}

impl SpanProcessor for Queue {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.totals.enter(self.room) {
            self.batches.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// An exporter of which every batch is counted. It answers that all is well: else the SDK would log each failure.
#[derive(Debug)]
pub(super) struct Counted<E> {
    exporter: E,
    totals: Arc<Totals>,
    said: Mutex<Option<Instant>>,
}

impl<E> Counted<E> {
    pub(super) fn new(exporter: E, totals: Arc<Totals>) -> Self {
        Self {
            exporter,
            totals,
            said: Mutex::new(None),
        }
    }

    fn failed(&self, err: &dyn std::error::Error) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = self.totals.take_trouble().unwrap_or_else(|| err.to_string());
        if said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            *said = Some(Instant::now());
            let lost = self.totals.lost();
            tracing::warn!(lost, err = trouble, "the collector does not take spans; they are lost");
        }
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        self.totals.leave(spans);
        match self.exporter.export(batch).await {
            Ok(()) => self.totals.add_exported(spans),
            Err(err) => {
                self.totals.add_lost(spans);
                self.failed(&err);
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.exporter.shutdown()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
