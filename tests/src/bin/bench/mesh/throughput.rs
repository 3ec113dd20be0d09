//! As fast as both subscribers follow.

use bellwether_tests::benchmark::{Report, StatusLine, cells, count, hundredths, per_cent};

use super::row::{MESH, NARROW_MESH, RAW, Row};
use super::series::{Metric, Series, floor_of};
use super::three::{Pass, Three};

/// How long one pass publishes.
pub(crate) const PASS_MS: u64 = 2_000;
/// Published before, so that routes, buffers and congestion windows have grown and the size of packets is found.
const WARM_UP_MS: u64 = 1_000;
const ROWS: [Row; 3] = [RAW, MESH, NARROW_MESH];
/// Bytes of a payload, and how they are written.
const PAYLOADS: [(usize, &str); 2] = [(128, "128 B"), (1024, "1 KiB")];

pub(crate) const RATE: Metric = Metric {
    name: "messages_per_subscriber",
    unit: "1/s",
    of: Pass::rate,
};
pub(crate) const CPU: Metric = Metric {
    name: "cpu_per_million_deliveries",
    unit: "s",
    of: Pass::cpu_s_per_million,
};

/// Of each row and payload, the floor first.
#[derive(Debug)]
pub(crate) struct Throughput {
    pub(crate) series: Vec<Series>,
}

impl Throughput {
    pub(crate) async fn measure(passes: usize, status: &StatusLine) -> anyhow::Result<Self> {
        let of_payload = |(_, load)| ROWS.map(|row| Series::new(row, load));
        let mut series: Vec<Series> = PAYLOADS.into_iter().flat_map(of_payload).collect();
        for pass in 1..=passes {
            for (place, row) in ROWS.into_iter().enumerate() {
                let mut three = Three::start(row).await?;
                for ((bytes, load), of_payload) in PAYLOADS.into_iter().zip(series.chunks_mut(ROWS.len())) {
                    status.say(format_args!("mesh: pass {pass} of {passes}: {}, {load}", row.name));
                    three.pass(&format!("flood {bytes} {WARM_UP_MS}")).await?;
                    let pass = three.pass(&format!("flood {bytes} {PASS_MS}")).await?;
                    of_payload[place].push(pass);
                }
            }
        }
        Ok(Self { series })
    }

    /// The table and its lines.
    pub(crate) fn tell(&self, report: &mut Report) -> anyhow::Result<()> {
        report.say("From A to B and C, three processes; A publishes as fast as both follow.");
        let mut rows = vec![cells([
            "payload",
            "carried by",
            "messages/s per subscriber",
            "of raw",
            "CPU s (all three) per million deliveries",
            "of raw",
            "lost",
        ])];
        for series in &self.series {
            let floor = floor_of(&self.series, series);
            let ratio = |metric| floor.map_or("1".to_owned(), |floor| series.ratio(floor, metric).shown(per_cent));
            rows.push(vec![
                series.load.to_owned(),
                series.row.name.to_owned(),
                series.spread(RATE).shown(count),
                ratio(RATE),
                series.spread(CPU).shown(hundredths),
                ratio(CPU),
                series.lost().to_string(),
            ]);
            for metric in [RATE, CPU] {
                for measurement in series.measurements(floor, metric) {
                    report.measured(measurement)?;
                }
            }
        }
        report.table(&rows);
        Ok(())
    }
}
