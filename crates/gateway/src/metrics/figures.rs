//! The figures that were published on this node, each as its last value.

use std::fmt::{self, Write};

use bellwether::{Gauge, GaugeKind, Node};

use super::exposition::{Escaped, Exposition};

/// A family: its name, what it means, and the label that each of a figure's name and component becomes.
type Family = (
    GaugeKind,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

const FAMILIES: [Family; 4] = [
    (
        GaugeKind::Performance,
        "bellwether_performance_metric",
        "Last value of each PerformanceMetric published on this node.",
        "metric",
        Some("component"),
    ),
    (
        GaugeKind::Throughput,
        "bellwether_throughput_per_second",
        "Last rate of each ThroughputMetric published on this node.",
        "operation",
        None,
    ),
    (
        GaugeKind::Latency,
        "bellwether_latency_milliseconds",
        "Last latency of each LatencyMetric published on this node.",
        "operation",
        Some("percentile"),
    ),
    (
        GaugeKind::Resource,
        "bellwether_resource_usage_percent",
        "Last usage of each ResourceUsage published on this node.",
        "resource",
        None,
    ),
];

/// At most 4,096 samples; those that found no room are counted in one of their own.
pub(super) fn write_figures(node: &Node, out: &mut Exposition) -> fmt::Result {
    write_gauges(&node.gauges(), out)?;
    let refused = "bellwether_gauges_refused_total";
    let help = "Figures that were not kept for lack of room.";
    out.single(refused, "counter", help, node.gauges_refused())
}

fn write_gauges(gauges: &[Gauge], out: &mut Exposition) -> fmt::Result {
    for (kind, name, help, of_name, of_component) in FAMILIES {
        out.family(name, "gauge", help)?;
        for gauge in gauges.iter().filter(|gauge| gauge.kind == kind) {
            write!(out, "{name}{{{of_name}=\"{}\"", Escaped(&gauge.name))?;
            if let Some(label) = of_component {
                write!(out, ",{label}=\"{}\"", Escaped(&gauge.component))?;
            }
            writeln!(out, ",node=\"{}\"}} {}", Escaped(&gauge.node), gauge.value)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::exposition::Form;

    fn gauge(kind: GaugeKind, name: &str, component: &str, value: f64) -> Gauge {
        Gauge {
            kind,
            name: name.to_owned(),
            component: component.to_owned(),
            node: "a".to_owned(),
            value,
        }
    }

    fn samples(gauges: &[Gauge]) -> Vec<String> {
        let mut out = Exposition::new(Form::Text);
        write_gauges(gauges, &mut out).unwrap();
        let text = out.finish();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn each_kind_has_its_family_and_its_labels() {
        let gauges = [
            gauge(GaugeKind::Resource, "disk", "", 70.5),
            gauge(GaugeKind::Latency, "append", "p99", 2.0),
            gauge(GaugeKind::Performance, "queue_depth", "api", -1.0),
            gauge(GaugeKind::Throughput, "append", "", 1e21),
        ];
        assert_eq!(
            samples(&gauges),
            [
                r#"bellwether_performance_metric{metric="queue_depth",component="api",node="a"} -1"#,
                r#"bellwether_throughput_per_second{operation="append",node="a"} 1000000000000000000000"#,
                r#"bellwether_latency_milliseconds{operation="append",percentile="p99",node="a"} 2"#,
                r#"bellwether_resource_usage_percent{resource="disk",node="a"} 70.5"#,
            ]
        );
    }

    #[test]
    fn what_a_stranger_calls_his_figure_cannot_end_its_label() {
        let evil = gauge(GaugeKind::Performance, "a\\\"} 1\nb{c=\"é", "x\\", 3.0);
        assert_eq!(
            samples(&[evil]),
            [r#"bellwether_performance_metric{metric="a\\\"} 1\nb{c=\"é",component="x\\",node="a"} 3"#]
        );
    }
}
