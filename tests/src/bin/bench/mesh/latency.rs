//! At a rate far below the limit: how late messages are, and what they cost.

use bellwether_tests::benchmark::{Report, StatusLine, cells, count, hundredths, microseconds, per_cent};

use super::row::{FOREIGN, MESH, RAW, Row};
use super::series::{Metric, Series, floor_of};
use super::three::{Pass, Three};

/// How long one pass publishes.
pub(crate) const PASS_MS: u64 = 3_000;
/// Messages a second.
pub(crate) const RATE: u64 = 10_000;
/// As fast as possible, and then at the pace.
const WARM_UPS_MS: [u64; 2] = [500, 500];
const BYTES: usize = 128;
const ROWS: [Row; 3] = [RAW, MESH, FOREIGN];
/// The command of a pace, which is also its name.
const PACES: [&str; 2] = ["even", "ticks"];

pub(crate) const P50: Metric = Metric {
    name: "latency_p50",
    unit: "ns",
    of: Pass::p50_ns,
};
pub(crate) const P99: Metric = Metric {
    name: "latency_p99",
    unit: "ns",
    of: Pass::p99_ns,
};
pub(crate) const P999: Metric = Metric {
    name: "latency_p99.9",
    unit: "ns",
    of: Pass::p999_ns,
};
pub(crate) const COST: Metric = Metric {
    name: "cpu_per_thousand_messages_per_s",
    unit: "% of one core",
    of: Pass::cpu_percent_per_thousand,
};

/// Of each row and pace, the floor first.
#[derive(Debug)]
pub(crate) struct Latency {
    pub(crate) series: Vec<Series>,
}

impl Latency {
    pub(crate) async fn measure(passes: usize, status: &StatusLine) -> anyhow::Result<Self> {
        let of_pace = |pace| ROWS.map(|row| Series::new(row, pace));
        let mut series: Vec<Series> = PACES.into_iter().flat_map(of_pace).collect();
        for pass in 1..=passes {
            for (place, row) in ROWS.into_iter().enumerate() {
                let mut three = Three::start(row).await?;
                three.pass(&format!("flood {BYTES} {}", WARM_UPS_MS[0])).await?;
                for (pace, of_pace) in PACES.into_iter().zip(series.chunks_mut(ROWS.len())) {
                    status.say(format_args!(
                        "mesh: pass {pass} of {passes}: {}, latency, {pace}",
                        row.name
                    ));
                    three.pass(&format!("{pace} {BYTES} {} {RATE}", WARM_UPS_MS[1])).await?;
                    let pass = three.pass(&format!("{pace} {BYTES} {PASS_MS} {RATE}")).await?;
                    of_pace[place].push(pass);
                }
            }
        }
        Ok(Self { series })
    }

    /// The table and its lines.
    pub(crate) fn tell(&self, report: &mut Report) -> anyhow::Result<()> {
        report.say(format_args!(
            "The same at {} messages/s of {BYTES} B; latency from just before a message is published to when it is read, \
             of the slower subscriber. Even: a thread of its own publishes every 100 µs. Ticks: ten in a row every \
             millisecond, on the runtime of the node. In brackets, of raw.",
            count(RATE as f64)
        ));
        let mut rows = vec![cells([
            "pace",
            "carried by",
            "p50",
            "p99",
            "p99.9",
            "CPU (all three, % of one core) per 1,000 messages/s",
            "lost",
        ])];
        for series in &self.series {
            let floor = floor_of(&self.series, series);
            let cell = |metric, form: fn(f64) -> String| match floor {
                Some(floor) => format!(
                    "{} [{}]",
                    series.spread(metric).shown(form),
                    per_cent(series.ratio(floor, metric).median())
                ),
                None => series.spread(metric).shown(form),
            };
            rows.push(vec![
                series.load.to_owned(),
                series.row.name.to_owned(),
                cell(P50, microseconds),
                cell(P99, microseconds),
                cell(P999, microseconds),
                cell(COST, hundredths),
                series.lost().to_string(),
            ]);
            for metric in [P50, P99, P999, COST] {
                for measurement in series.measurements(floor, metric) {
                    report.measured(measurement.with("messages_per_s", RATE))?;
                }
            }
        }
        report.table(&rows);
        Ok(())
    }
}
