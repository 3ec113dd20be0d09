//! How many alerts this node remembers.

use std::collections::HashMap;
use std::fmt::{self, Write};

use bellwether::AlertView;
use serde::Serialize;
use serde_json::{Value, json};

use super::exposition::Exposition;

const STATES: [&str; 3] = ["open", "acknowledged", "cleared"];
const SEVERITIES: [&str; 4] = ["info", "warning", "error", "critical"];

/// A sample for every state and severity, so that whoever watches one finds it before its first alert.
pub(super) fn write_alerts(alerts: &[AlertView], out: &mut Exposition) -> fmt::Result {
    let mut counts: HashMap<[Value; 2], usize> = HashMap::new();
    for alert in alerts {
        *counts.entry([word(&alert.state), word(&alert.severity)]).or_default() += 1;
    }
    let name = "bellwether_alerts";
    let help = "Alerts of the mesh that this node remembers, by state and severity.";
    out.family(name, "gauge", help)?;
    for state in STATES {
        for severity in SEVERITIES {
            let count = counts.get(&[json!(state), json!(severity)]).unwrap_or(&0);
            writeln!(out, "{name}{{state=\"{state}\",severity=\"{severity}\"}} {count}")?;
        }
    }
    Ok(())
}

/// As JSON has it.
fn word(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}
