//! What the mesh should reach, and whether it did.

use bellwether_tests::benchmark::{Report, cells, hundredths, per_cent};

use super::latency::{COST, Latency, P50, P99, P999};
use super::row::{FOREIGN, MESH, NARROW_MESH, Row};
use super::series::{Metric, Series, floor_of};
use super::throughput::{CPU, RATE, Throughput};

/// A figure and its bound.
struct Goal {
    row: Row,
    load: &'static str,
    metric: Metric,
    words: &'static str,
    bound: Bound,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    /// The median of the ratios to the floor, pass by pass.
    OfRawAtLeast(f64),
    OfRawAtMost(f64),
    /// The median itself.
    AtMost(f64),
}

impl Bound {
    /// What is held against the bound.
    fn figure(self, series: &Series, floor: &Series, metric: Metric) -> f64 {
        match self {
            Self::OfRawAtLeast(_) | Self::OfRawAtMost(_) => series.ratio(floor, metric).median(),
            Self::AtMost(_) => series.spread(metric).median(),
        }
    }

    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::OfRawAtLeast(least) => figure >= least,
            Self::OfRawAtMost(most) | Self::AtMost(most) => figure <= most,
        }
    }

    fn words(self) -> String {
        match self {
            Self::OfRawAtLeast(least) => format!("≥ {} of raw", per_cent(least)),
            Self::OfRawAtMost(most) => format!("≤ {} of raw", per_cent(most)),
            Self::AtMost(most) => format!("≤ {}", hundredths(most)),
        }
    }

    fn shown(self, figure: f64) -> String {
        match self {
            Self::OfRawAtLeast(_) | Self::OfRawAtMost(_) => per_cent(figure),
            Self::AtMost(_) => hundredths(figure),
        }
    }
}

/// The table of goals. The narrow path has none of its own for 1 KiB: the goal there is for larger packets.
pub(crate) fn tell(throughput: &Throughput, latency: &Latency, report: &mut Report) -> anyhow::Result<()> {
    report.say("Goals; ratios are medians of the ratios pass by pass.");
    let mut rows = vec![cells(["goal", "row", "bound", "measured", ""])];
    let of_throughput = throughput_goals().into_iter().map(|goal| (goal, &throughput.series));
    let of_latency = latency_goals().into_iter().map(|goal| (goal, &latency.series));
    for (goal, all) in of_throughput.chain(of_latency) {
        let series = all
            .iter()
            .find(|series| series.row == goal.row && series.load == goal.load);
        let Some((series, floor)) = series.and_then(|series| Some((series, floor_of(all, series)?))) else {
            continue;
        };
        let figure = goal.bound.figure(series, floor, goal.metric);
        let verdict = if goal.bound.is_met(figure) {
            "met"
        } else {
            "**not met**"
        };
        rows.push(vec![
            format!("{}, {}", goal.words, goal.load),
            goal.row.name.to_owned(),
            goal.bound.words(),
            goal.bound.shown(figure),
            verdict.to_owned(),
        ]);
    }
    report.table(&rows);
    Ok(())
}

fn throughput_goals() -> Vec<Goal> {
    let of = |row, load, least, most| {
        let rate = Goal {
            row,
            load,
            metric: RATE,
            words: "messages/s",
            bound: Bound::OfRawAtLeast(least),
        };
        let cpu = Goal {
            row,
            load,
            metric: CPU,
            words: "CPU s per million deliveries",
            bound: Bound::AtMost(most),
        };
        [rate, cpu]
    };
    [
        of(MESH, "128 B", 0.6, 0.7),
        of(NARROW_MESH, "128 B", 0.6, 0.7),
        of(MESH, "1 KiB", 1.2, 2.5),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn latency_goals() -> Vec<Goal> {
    let of = |row, load| {
        [
            (P50, "p50", 1.15),
            (P99, "p99", 1.5),
            (P999, "p99.9", 1.5),
            (COST, "CPU", 1.25),
        ]
        .map(|(metric, words, most)| Goal {
            row,
            load,
            metric,
            words,
            bound: Bound::OfRawAtMost(most),
        })
    };
    [
        of(MESH, "even"),
        of(MESH, "ticks"),
        of(FOREIGN, "even"),
        of(FOREIGN, "ticks"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_met_up_to_itself() {
        assert!(Bound::OfRawAtLeast(0.6).is_met(0.6) && !Bound::OfRawAtLeast(0.6).is_met(0.59));
        assert!(Bound::AtMost(0.7).is_met(0.7) && !Bound::AtMost(0.7).is_met(0.71));
        assert!(!Bound::OfRawAtMost(1.5).is_met(f64::NAN));
        assert_eq!(Bound::OfRawAtMost(1.15).words(), "≤ 115 % of raw");
    }
}
