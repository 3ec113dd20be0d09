//! What all passes have shown, system by system.

use std::collections::BTreeMap;

use bellwether_tests::benchmark::{Measurement, Report, Spread, cells, count, hundredths, microseconds};
use serde_json::json;

use crate::nats_servers;
use crate::pass::Pass;
use crate::publisher::{MARK_EVERY, WINDOW};
use crate::system::System;
use crate::workload::{RATE, Workload};

/// The passes of each workload on each system.
#[derive(Debug, Default)]
pub(crate) struct Results {
    passes: BTreeMap<(System, Workload), Vec<Pass>>,
}

/// One figure of a pass, its name and unit in JSON, and how it is shown.
struct Figure {
    metric: &'static str,
    unit: &'static str,
    of: fn(&Pass) -> f64,
    form: fn(f64) -> String,
}

const THROUGHPUT_RATE: Figure = Figure {
    metric: "messages_per_subscriber",
    unit: "1/s",
    of: Pass::rate,
    form: count,
};

const THROUGHPUT: [Figure; 2] = [
    THROUGHPUT_RATE,
    Figure {
        metric: "cpu_per_million_deliveries",
        unit: "s",
        of: Pass::cpu_s_per_million_deliveries,
        form: hundredths,
    },
];

/// The same for systems that clients connect to, with what their servers alone need.
const SERVED: [Figure; 2] = [
    THROUGHPUT_RATE,
    Figure {
        metric: "servers_cpu_per_million_deliveries",
        unit: "s",
        of: Pass::servers_cpu_s_per_million_deliveries,
        form: hundredths,
    },
];

const LATENCY: [Figure; 4] = [
    Figure {
        metric: "latency_p50",
        unit: "ns",
        of: |pass| pass.latencies_ns[0] as f64,
        form: microseconds,
    },
    Figure {
        metric: "latency_p99",
        unit: "ns",
        of: |pass| pass.latencies_ns[1] as f64,
        form: microseconds,
    },
    Figure {
        metric: "latency_p99.9",
        unit: "ns",
        of: |pass| pass.latencies_ns[2] as f64,
        form: microseconds,
    },
    Figure {
        metric: "cpu_percent_per_1000_per_s",
        unit: "%",
        of: Pass::cpu_percent_per_thousand,
        form: hundredths,
    },
];

impl Results {
    pub(crate) fn add(&mut self, system: System, workload: Workload, pass: Pass) {
        self.passes.entry((system, workload)).or_default().push(pass);
    }

    /// Tables and lines, with what is needed to judge them.
    pub(crate) async fn report(&self, systems: &[System], pass_ms: u64) -> anyhow::Result<Report> {
        let server = nats_servers::version().await;
        let mut report = Report::new(
            "peers",
            json!({
                "pass_ms": pass_ms, "window": WINDOW, "mark_every": MARK_EVERY, "nats_server": server,
                "systems": systems.iter().map(|system| (system.to_string(), system.settings())).collect::<BTreeMap<_, _>>(),
            }),
        );
        report.say(format_args!(
            "From A to B and C: three processes on loopback. A publishes as fast as both follow, at most {WINDOW} messages \
             ahead, so that nothing is lost; CPU is that of all processes, servers included."
        ));
        let cpu = "CPU s per million deliveries";
        let header = [
            "system",
            "128 B msg/s per subscriber",
            cpu,
            "1 KiB msg/s per subscriber",
            cpu,
        ];
        let mut rows = vec![cells(header)];
        for system in systems {
            let mut row = vec![system.title().to_owned()];
            for workload in [Workload::SmallFlood, Workload::LargeFlood] {
                row.extend(self.measure(&mut report, *system, workload, &THROUGHPUT)?);
            }
            rows.push(row);
        }
        report.table(&rows);

        self.compare_servers(&mut report, systems)?;
        report.say(format_args!(
            "{} messages/s of 128 B: latency from just before a message is handed to the system until the subscriber's code \
             has it, of the slower subscriber. Even: a thread of its own publishes every 100 µs. Ticks: ten in a row every \
             millisecond, by a timer of the publisher's runtime.",
            count(RATE as f64)
        ));
        let header = [
            "pace",
            "system",
            "p50",
            "p99",
            "p99.9",
            "CPU % of one core per 1,000 messages/s",
        ];
        let mut rows = vec![cells(header)];
        for workload in [Workload::Even, Workload::Ticks] {
            for system in systems {
                let mut row = vec![workload.word().to_owned(), system.title().to_owned()];
                row.extend(self.measure(&mut report, *system, workload, &LATENCY)?);
                rows.push(row);
            }
        }
        report.table(&rows);

        for system in systems {
            report.say(format_args!("{}: {}.", system.title(), system.settings()));
        }
        if let Some(server) = server.filter(|_| systems.contains(&System::Nats)) {
            report.say(format_args!("The servers of NATS: {server}."));
        }
        Ok(report)
    }

    /// What the nodes need beside what the servers of NATS need for the same clients, with the goals.
    fn compare_servers(&self, report: &mut Report, systems: &[System]) -> anyhow::Result<()> {
        let compared = [System::BellwetherNats, System::Nats];
        if !compared.iter().all(|system| systems.contains(system)) {
            return Ok(());
        }
        report.say(format_args!(
            "The same clients (async-nats) at three nodes and at three servers of NATS; CPU is that of nodes and servers alone."
        ));
        let mut rows = vec![cells([
            "payload",
            "served by",
            "msg/s per subscriber",
            "CPU s per million deliveries",
        ])];
        for workload in [Workload::SmallFlood, Workload::LargeFlood] {
            for system in compared {
                let mut row = vec![format!("{} B", workload.bytes()), system.title().to_owned()];
                row.extend(self.measure(report, system, workload, &SERVED)?);
                rows.push(row);
            }
        }
        report.table(&rows);
        for workload in [Workload::SmallFlood, Workload::LargeFlood] {
            let [ours, theirs] =
                compared.map(|system| self.passes.get(&(system, workload)).map_or(&[][..], Vec::as_slice));
            let ratio = |figure: &Figure| {
                let [ours, theirs] =
                    [ours, theirs].map(|passes| passes.iter().map(figure.of).collect::<Spread>().median());
                ours / theirs
            };
            let [rate, cpu] = [ratio(&SERVED[0]), ratio(&SERVED[1])];
            let met = |is_met| if is_met { "met" } else { "missed" };
            report.say(format_args!(
                "{} B: {rate:.2} × the rate of NATS (goal: at least 1.5, {}), {cpu:.2} × its CPU per delivery (goal: at most \
                 0.5, {}).",
                workload.bytes(),
                met(rate >= 1.5),
                met(cpu <= 0.5)
            ));
        }
        Ok(())
    }

    /// The cells of one system; the same goes into the report as JSON.
    fn measure(
        &self,
        report: &mut Report,
        system: System,
        workload: Workload,
        figures: &[Figure],
    ) -> anyhow::Result<Vec<String>> {
        let passes = self.passes.get(&(system, workload)).map_or(&[][..], Vec::as_slice);
        let cell = |figure: &Figure| {
            let spread: Spread = passes.iter().map(figure.of).collect();
            let measurement = Measurement::new(&system.to_string(), figure.metric, figure.unit, &spread)
                .with("payload_bytes", workload.bytes())
                .with("workload", workload.word());
            report.measured(measurement)?;
            Ok(spread.shown(figure.form))
        };
        figures.iter().map(cell).collect()
    }
}
