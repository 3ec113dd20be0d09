//! From A to B and C: three processes on this host, everything signed and verified, beside raw QUIC streams.
//!
//! The rows of a table are measured in turns, the first pass of each and then the second of each, so that a machine with
//! other things to do disturbs all alike. Each row starts its own three processes for each pass: while one is measured,
//! nothing of the others runs.

mod goals;
mod latency;
mod row;
mod series;
mod three;
mod throughput;

use bellwether_tests::benchmark::{Report, StatusLine};
use serde_json::json;

use self::latency::Latency;
use self::throughput::Throughput;

pub(crate) use self::row::MESH;
pub(crate) use self::three::Three;

/// Measures, and judges by the goals.
pub(crate) async fn measure(passes: usize, status: &StatusLine) -> anyhow::Result<Report> {
    let settings = json!({
        "processes": 3, "subscribers": 2, "path": "loopback", "window_messages": crate::process::WINDOW,
        "flood_ms": throughput::PASS_MS, "pace_ms": latency::PASS_MS, "pace_per_s": latency::RATE,
    });
    let mut report = Report::new("mesh", settings);
    let throughput = Throughput::measure(passes, status).await?;
    throughput.tell(&mut report)?;
    let latency = Latency::measure(passes, status).await?;
    latency.tell(&mut report)?;
    goals::tell(&throughput, &latency, &mut report)?;
    Ok(report)
}
