//! Figures that are published on this node: judged by thresholds, and kept for whoever collects them.
//!
//! Looked at when they are published here, not when they arrive: so each figure of the mesh is judged and offered once, by the node that it
//! comes from, and none has to travel for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_catalogue::families::metrics::{MetricAlert, MetricSeverity};
use bellwether_catalogue::{NodeName, Number};
use bellwether_message::{Draft, NodeId};
pub use bellwether_monitor::threshold::{AddRuleError, ThresholdKind, ThresholdRule};
use bellwether_monitor::threshold::{ThresholdChange, ThresholdEngine, ThresholdSeverity, Transition};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::node::Node;

/// Most figures that are kept; further ones are not, and are counted.
const MAX_GAUGES: usize = 4_096;
/// Longest name of a figure or its component that is kept, in bytes.
const MAX_NAME_BYTES: usize = 256;
/// A larger payload is no figure.
const MAX_PAYLOAD_BYTES: usize = 64 << 10;

/// The last value of a figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gauge {
    /// What kind of figure.
    pub kind: GaugeKind,
    /// Which one: a metric, an operation or a resource.
    pub name: String,
    /// Whose: a component; of a latency which percentile; else empty.
    pub component: String,
    /// Of which node.
    pub node: String,
    /// Its last value.
    pub value: f64,
}

/// What kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GaugeKind {
    /// A `PerformanceMetric`: its value.
    Performance,
    /// A `ThroughputMetric`: how often per second.
    Throughput,
    /// A `LatencyMetric`: milliseconds.
    Latency,
    /// A `ResourceUsage`: percent.
    Resource,
}

/// What of the figures lives as long as the node.
#[derive(Debug)]
pub(crate) struct Figures {
    engine: Mutex<ThresholdEngine>,
    gauges: Mutex<Gauges>,
    began: Instant,
}

#[derive(Debug, Default)]
struct Gauges {
    values: BTreeMap<(GaugeKind, String, String, String), f64>,
    refused: u64,
}

impl Figures {
    /// Rules that make no sense are left out, and said so: a configuration that was checked has none.
    pub(crate) fn new(rules: &[ThresholdRule]) -> Self {
        let mut engine = ThresholdEngine::new();
        for rule in rules {
            if let Err(err) = engine.add(rule.clone()) {
                tracing::warn!(err = %err, "a threshold is not watched");
            }
        }
        Self {
            engine: Mutex::new(engine),
            gauges: Mutex::default(),
            began: Instant::now(),
        }
    }

    fn engine(&self) -> MutexGuard<'_, ThresholdEngine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gauges(&self) -> MutexGuard<'_, Gauges> {
        self.gauges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, gauge: Gauge) {
        let key = (gauge.kind, gauge.name, gauge.component, gauge.node);
        let mut gauges = self.gauges();
        if gauges.values.len() >= MAX_GAUGES && !gauges.values.contains_key(&key) {
            gauges.refused = gauges.refused.saturating_add(1);
            return;
        }
        gauges.values.insert(key, gauge.value);
    }

    fn judge(&self, gauge: &Gauge, own: &NodeId) -> Vec<ThresholdChange> {
        let node = NodeId::new(&gauge.node).unwrap_or_else(|_| own.clone());
        let now: Duration = self.began.elapsed();
        self.engine()
            .on_sample(&gauge.name, &gauge.component, &node, gauge.value, now)
    }
}

impl Node {
    /// The last values of the figures that were published on this node while the integration was switched on; at most
    /// 4,096.
    pub fn gauges(&self) -> Vec<Gauge> {
        let gauges = self.figures().gauges();
        let gauge = |(key, value): (&(GaugeKind, String, String, String), &f64)| Gauge {
            kind: key.0,
            name: key.1.clone(),
            component: key.2.clone(),
            node: key.3.clone(),
            value: *value,
        };
        gauges.values.iter().map(gauge).collect()
    }

    /// How often a figure was not kept for lack of room.
    pub fn gauges_refused(&self) -> u64 {
        self.figures().gauges().refused
    }

    /// Watches a figure: of every one published on this node that crosses the rule's limits, a `MetricAlert` is published.
    /// A rule with the id of another replaces it.
    ///
    /// # Errors
    /// [`AddRuleError`]: the rule makes no sense, or there are too many.
    pub fn add_threshold(&self, rule: ThresholdRule) -> Result<(), AddRuleError> {
        self.figures().engine().add(rule).map(drop)
    }

    /// Watches it no more. False if there was no such rule.
    pub fn remove_threshold(&self, id: &str) -> bool {
        let mut engine = self.figures().engine();
        let was_there = engine.rules().any(|rule| rule.id == id);
        engine.remove(id);
        was_there
    }

    /// The rules, by id.
    pub fn thresholds(&self) -> Vec<ThresholdRule> {
        self.figures().engine().rules().cloned().collect()
    }

    /// A message was published on `metrics`.
    pub(crate) fn note_figure(&self, draft: &Draft) {
        let is_figure = draft.content_type.is_json() && draft.payload.len() <= MAX_PAYLOAD_BYTES;
        if !is_figure || !self.integration().enabled() {
            return;
        }
        let Some(gauge) = gauge(&draft.event, &draft.payload, self.id()) else {
            return;
        };
        for change in self.figures().judge(&gauge, self.id()) {
            self.alert(&change);
        }
        self.figures().keep(gauge);
    }

    /// Of a broadcast that fails it was said where it failed. What is over has no message in the catalogue.
    fn alert(&self, change: &ThresholdChange) {
        let Transition::Raised {
            severity,
            threshold_value,
        } = change.transition
        else {
            tracing::info!(
                rule = change.rule,
                metric = change.metric_name,
                "a figure is within its limits again"
            );
            return;
        };
        let severity = match severity {
            ThresholdSeverity::Warning => MetricSeverity::Warning,
            ThresholdSeverity::Critical => MetricSeverity::Critical,
        };
        let _ = self.integration().publish(|| {
            MetricAlert::new(
                change.metric_name.clone(),
                Number::from(change.current_value),
                Number::from(threshold_value),
                change.threshold_type.name(),
                severity,
            )
            .node(NodeName::from(&change.node))
        });
    }
}

/// What a payload says that may be a figure.
#[derive(Deserialize)]
struct Said {
    metric_name: Option<String>,
    component: Option<String>,
    value: Option<f64>,
    operation: Option<String>,
    rate_per_sec: Option<f64>,
    latency_ms: Option<f64>,
    percentile: Option<String>,
    resource_type: Option<String>,
    usage_percent: Option<f64>,
    node: Option<String>,
}

/// The figure of a message, if it is one.
fn gauge(event: &str, payload: &[u8], own: &NodeId) -> Option<Gauge> {
    let kind = match event {
        "performance_metric" => GaugeKind::Performance,
        "throughput_metric" => GaugeKind::Throughput,
        "latency_metric" => GaugeKind::Latency,
        "resource_usage" => GaugeKind::Resource,
        _ => return None,
    };
    let said: Said = serde_json::from_slice(payload).ok()?;
    let (name, component, value) = match kind {
        GaugeKind::Performance => (said.metric_name?, said.component, said.value?),
        GaugeKind::Throughput => (said.operation?, None, said.rate_per_sec?),
        GaugeKind::Latency => (said.operation?, said.percentile, said.latency_ms?),
        GaugeKind::Resource => (said.resource_type?, None, said.usage_percent?),
    };
    let gauge = Gauge {
        kind,
        name,
        component: component.unwrap_or_default(),
        node: said.node.unwrap_or_else(|| own.to_string()),
        value,
    };
    let is_short = |text: &str| text.len() <= MAX_NAME_BYTES;
    let fits = is_short(&gauge.name) && is_short(&gauge.component) && is_short(&gauge.node);
    (fits && value.is_finite()).then_some(gauge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: &str, payload: &str) -> Option<(GaugeKind, String, String, String, f64)> {
        let own = NodeId::new("a").unwrap();
        let gauge = gauge(event, payload.as_bytes(), &own)?;
        Some((gauge.kind, gauge.name, gauge.component, gauge.node, gauge.value))
    }

    #[test]
    fn figures_of_four_types_are_read_and_others_are_not() {
        let expect = |kind, name: &str, component: &str, node: &str, value| {
            Some((kind, name.to_owned(), component.to_owned(), node.to_owned(), value))
        };
        assert_eq!(
            read(
                "performance_metric",
                r#"{"metric_name":"m","value":3,"component":"c","node":"b","unit":"x"}"#
            ),
            expect(GaugeKind::Performance, "m", "c", "b", 3.0)
        );
        assert_eq!(
            read("throughput_metric", r#"{"operation":"o","rate_per_sec":2.5}"#),
            expect(GaugeKind::Throughput, "o", "", "a", 2.5)
        );
        assert_eq!(
            read(
                "latency_metric",
                r#"{"operation":"o","latency_ms":1,"percentile":"p99"}"#
            ),
            expect(GaugeKind::Latency, "o", "p99", "a", 1.0)
        );
        assert_eq!(
            read("resource_usage", r#"{"resource_type":"disk","usage_percent":70.5}"#),
            expect(GaugeKind::Resource, "disk", "", "a", 70.5)
        );
        let long = format!(r#"{{"metric_name":"{}","value":1}}"#, "x".repeat(257));
        for (event, payload) in [
            ("metric_alert", r#"{"metric_name":"m","value":3}"#),
            ("performance_metric", "not JSON"),
            ("performance_metric", r#"{"metric_name":"m"}"#),
            ("performance_metric", r#"{"metric_name":"m","value":"3"}"#),
            ("performance_metric", &long),
        ] {
            assert_eq!(read(event, payload), None, "{event} {payload}");
        }
    }

    #[test]
    fn beyond_the_bound_known_figures_go_on_and_new_ones_are_counted() {
        let figures = Figures::new(&[]);
        let gauge = |n: usize, value| Gauge {
            kind: GaugeKind::Performance,
            name: format!("m{n}"),
            component: String::new(),
            node: "a".to_owned(),
            value,
        };
        for n in 0..MAX_GAUGES + 2 {
            figures.keep(gauge(n, 1.0));
        }
        figures.keep(gauge(0, 2.0));
        let gauges = figures.gauges();
        assert_eq!((gauges.values.len(), gauges.refused), (MAX_GAUGES, 2));
        let first = (GaugeKind::Performance, "m0".to_owned(), String::new(), "a".to_owned());
        assert_eq!(gauges.values[&first], 2.0);
    }
}
