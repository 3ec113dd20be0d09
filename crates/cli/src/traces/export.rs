//! The SDK of OpenTelemetry: batches of spans on a thread of its own, sent by OTLP.
//!
//! What the SDK and its exporter read themselves: `OTEL_EXPORTER_OTLP_ENDPOINT`, `…_HEADERS`, `…_TIMEOUT` and their `…_TRACES_…`
//! forms, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_…`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bellwether::Config;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};

use super::collector::Collector;
use super::queue::{Counted, Queue};
use super::totals::Totals;
use crate::failure::Failure;

/// A stop waits this long for the collector to take what waits.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);
/// Spans that wait to be sent, unless `OTEL_BSP_MAX_QUEUE_SIZE` says otherwise; further ones are lost, and counted.
const QUEUE: usize = 2048;
/// Whatever is asked for.
const LARGEST_QUEUE: usize = 65_536;
/// How long a request may take, unless `OTEL_EXPORTER_OTLP_TIMEOUT` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Exports the spans of this process until it is stopped.
#[derive(Debug)]
pub(super) struct Export {
    provider: SdkTracerProvider,
    totals: Arc<Totals>,
}

impl Export {
    pub(super) fn start(config: &Config) -> Result<Self, Failure> {
        let totals = Arc::new(Totals::default());
        let timeout = number("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT").or_else(|| number("OTEL_EXPORTER_OTLP_TIMEOUT"));
        let timeout = timeout.map_or(TIMEOUT, Duration::from_millis);
        let collector = Collector::new(timeout, totals.clone()).context("cannot export traces")?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_timeout(timeout)
            .with_http_client(collector)
            .build()
            .context("cannot export traces")
            .map_err(Failure::usage)?;
        let room = number("OTEL_BSP_MAX_QUEUE_SIZE").and_then(|room| usize::try_from(room).ok());
        let room = room.unwrap_or(QUEUE).clamp(1, LARGEST_QUEUE);
        let batches = BatchSpanProcessor::builder(Counted::new(exporter, totals.clone()))
            .with_batch_config(BatchConfigBuilder::default().with_max_queue_size(room).build())
            .build();
        let queue = Queue {
            batches,
            room: room as u64,
            totals: totals.clone(),
        };
        let provider = SdkTracerProvider::builder()
            .with_span_processor(queue)
            .with_resource(resource(config))
            .build();
        global::set_tracer_provider(provider.clone());
        tracing::info!("traces are exported");
        Ok(Self { provider, totals })
    }

    /// Sends what waits, within a bound.
    pub(super) fn stop(self) {
        let is_in_time = self.provider.shutdown_with_timeout(FLUSH_WITHIN).is_ok();
        let (exported, lost) = (self.totals.exported(), self.totals.lost() + self.totals.waiting());
        match is_in_time && lost == 0 {
            true => tracing::info!(exported, lost, "traces are no longer exported"),
            false => tracing::warn!(exported, lost, "traces are no longer exported, and spans were lost"),
        }
    }
}

/// What every span is of. The variables come last: they say more than we know.
fn resource(config: &Config) -> Resource {
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "bellwether"),
            KeyValue::new("service.namespace", config.cluster.clone()),
            KeyValue::new("service.instance.id", config.name.to_string()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .with_detectors(&[
            Box::new(TelemetryResourceDetector),
            Box::new(EnvResourceDetector::new()),
        ]);
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.trim().is_empty() => resource.with_service_name(name).build(),
        _ => resource.build(),
    }
}

/// A whole number of a variable; what is none is as if it were not set, as the SDK has it.
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.trim().parse().ok()
}
