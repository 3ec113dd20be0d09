//! The passes of one row of a table.

use bellwether_tests::benchmark::{Measurement, Spread};

use super::row::Row;
use super::three::Pass;

/// One load carried one way, several times.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) row: Row,
    /// As in the table.
    pub(crate) load: &'static str,
    passes: Vec<Pass>,
}

/// What of a pass is looked at, and how it is called in the JSON lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) of: fn(&Pass) -> f64,
}

impl Series {
    pub(crate) fn new(row: Row, load: &'static str) -> Self {
        Self {
            row,
            load,
            passes: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, pass: Pass) {
        self.passes.push(pass);
    }

    pub(crate) fn spread(&self, metric: Metric) -> Spread {
        self.passes.iter().map(metric.of).collect()
    }

    /// Each pass beside the pass of the floor that was measured just before it.
    pub(crate) fn ratio(&self, floor: &Self, metric: Metric) -> Spread {
        let pairs = self.passes.iter().zip(&floor.passes);
        pairs
            .map(|(own, floor)| (metric.of)(own) / (metric.of)(floor))
            .collect()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.passes.iter().map(Pass::lost).sum()
    }

    /// The lines of JSON for a metric: itself, and how it compares with the floor.
    pub(crate) fn measurements(&self, floor: Option<&Self>, metric: Metric) -> Vec<Measurement> {
        let own = Measurement::new(self.row.name, metric.name, metric.unit, &self.spread(metric));
        let ratio = floor.map(|floor| {
            let ratios = self.ratio(floor, metric);
            let of_medians = self.spread(metric).median() / floor.spread(metric).median();
            let name = format!("{}_of_raw", metric.name);
            Measurement::new(self.row.name, name, "ratio", &ratios).with("ratio_of_medians", of_medians)
        });
        let measurements = [Some(own), ratio].into_iter().flatten();
        measurements
            .map(|measurement| measurement.with("load", self.load))
            .collect()
    }
}

/// The floor that a row of the same load is compared with: the first of that load, if it is not the row itself.
pub(crate) fn floor_of<'a>(all: &'a [Series], series: &Series) -> Option<&'a Series> {
    let floor = all.iter().find(|other| other.load == series.load)?;
    (floor.row != series.row).then_some(floor)
}
