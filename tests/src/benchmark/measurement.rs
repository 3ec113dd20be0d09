//! One line of JSON: what one measurement gave.

use serde::Serialize;
use serde_json::{Map, Value};

use super::spread::Spread;

/// The field names are what scripts read.
#[derive(Debug, Serialize)]
pub struct Measurement {
    bench: &'static str,
    row: String,
    metric: String,
    unit: &'static str,
    median: f64,
    lowest: f64,
    highest: f64,
    passes: usize,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

impl Measurement {
    /// Of `metric` in `unit`, for one row of a table.
    pub fn new(row: &str, metric: impl Into<String>, unit: &'static str, spread: &Spread) -> Self {
        Self {
            bench: "",
            row: row.to_owned(),
            metric: metric.into(),
            unit,
            median: spread.median(),
            lowest: spread.lowest(),
            highest: spread.highest(),
            passes: spread.passes(),
            settings: Map::new(),
        }
    }

    /// Measured with this.
    pub fn with(mut self, setting: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(setting.to_owned(), value.into());
        self
    }

    pub(super) fn line(mut self, bench: &'static str) -> serde_json::Result<String> {
        self.bench = bench;
        serde_json::to_string(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_is_one_line() {
        let spread = Spread::from_iter([1.0, 3.0, 2.5]);
        let measurement = Measurement::new("raw", "rate", "1/s", &spread).with("payload_bytes", 128);
        let line = measurement.line("mesh").expect("plain values become JSON");
        assert_eq!(
            line,
            r#"{"bench":"mesh","row":"raw","metric":"rate","unit":"1/s","median":2.5,"lowest":1.0,"highest":3.0,"passes":3,"payload_bytes":128}"#
        );
    }
}
