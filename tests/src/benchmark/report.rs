//! What one benchmark says: Markdown for people, then JSON lines for scripts.

use std::fmt;

use serde_json::{Value, json};

use super::machine::Machine;
use super::measurement::Measurement;

/// Shows as Markdown, the JSON lines in a fenced block.
#[derive(Debug)]
pub struct Report {
    bench: &'static str,
    text: String,
    lines: Vec<String>,
}

impl Report {
    /// Of the benchmark of this name. `settings` hold for all its measurements.
    pub fn new(bench: &'static str, settings: Value) -> Self {
        let Machine {
            cores,
            model,
            kernel,
            compiler,
            commit,
        } = Machine::this();
        let machine = json!({ "cores": cores, "cpu": model, "kernel": kernel });
        let line = json!({
            "bench": bench, "machine": machine, "commit": commit, "compiler": compiler,
            "release": !cfg!(debug_assertions), "settings": settings,
        });
        Self {
            bench,
            text: String::new(),
            lines: vec![line.to_string()],
        }
    }

    /// A paragraph.
    pub fn say(&mut self, paragraph: impl fmt::Display) {
        self.text += &format!("{paragraph}\n\n");
    }

    /// A table: its header first. Every row has as many cells.
    pub fn table(&mut self, rows: &[Vec<String>]) {
        for (index, row) in rows.iter().enumerate() {
            self.text += &format!("| {} |\n", row.join(" | "));
            if index == 0 {
                self.text += &format!("|{}\n", "---|".repeat(row.len()));
            }
        }
        self.text += "\n";
    }

    /// A line of JSON.
    ///
    /// # Errors
    ///
    /// When it cannot be written as JSON.
    pub fn measured(&mut self, measurement: Measurement) -> anyhow::Result<()> {
        self.lines.push(measurement.line(self.bench)?);
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}```json\n{}\n```\n", self.text, self.lines.join("\n"))
    }
}

/// The cells of one row.
pub fn cells<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::Spread;

    #[test]
    fn a_report_is_a_table_and_then_lines_of_json() {
        let mut report = Report::new("broker", json!({ "payload_bytes": 128 }));
        report.say("One thread.");
        report.table(&[cells(["row", "rate"]), cells(["x", "1"])]);
        let measurement = Measurement::new("x", "rate", "1/s", &Spread::from_iter([1.0]));
        report.measured(measurement).expect("plain values become JSON");

        let text = report.to_string();
        assert!(text.starts_with("One thread.\n\n| row | rate |\n|---|---|\n| x | 1 |\n\n```json\n{"));
        let lines = text.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let settings = |line: &Value| (line["bench"].clone(), line["settings"]["payload_bytes"].clone());
        assert_eq!(lines.first().map(settings), Some((json!("broker"), json!(128))));
        assert_eq!(lines.get(1).map(|line| &line["median"]), Some(&json!(1.0)));
        assert_eq!(lines.len(), 2);
    }
}
