//! Inside one broker: publishes and deliveries, without a network.

mod one_thread;
mod scene;
mod two_threads;

use std::time::Duration;

use bellwether_tests::benchmark::{Measurement, Report, Spread, StatusLine, cells, count, nanoseconds};
use serde_json::json;

use self::scene::{Scene, scenes};

/// How long one pass publishes.
const PASS: Duration = Duration::from_millis(700);
/// Messages published before their subscribers read them. The queues hold many more.
const BATCH: usize = 250;

/// What one pass has shown.
struct Figures {
    publishes_per_s: f64,
    /// Of one publish by itself; with two threads, what others cost it included.
    publish_ns: f64,
}

/// Measures each scene, in turns.
pub(crate) fn measure(passes: usize, status: &StatusLine) -> anyhow::Result<Report> {
    let settings = json!({
        "payload_bytes": scene::PAYLOAD_BYTES, "pass_ms": PASS.as_millis() as u64, "batch_messages": BATCH,
        "two_threads_window_messages": two_threads::WINDOW,
    });
    let mut report = Report::new("broker", settings);
    let scenes = scenes();
    let mut figures: Vec<Vec<Figures>> = scenes.iter().map(|_| Vec::new()).collect();
    for pass in 1..=passes {
        for (scene, figures) in scenes.iter().zip(&mut figures) {
            status.say(format_args!("broker: pass {pass} of {passes}: {}", scene.name));
            figures.push(match scene.own_percent {
                None => one_thread::pass(scene)?,
                Some(percent) => two_threads::pass(scene, percent)?,
            });
        }
    }
    tell(&scenes, &figures, &mut report)?;
    Ok(report)
}

fn tell(scenes: &[Scene], figures: &[Vec<Figures>], report: &mut Report) -> anyhow::Result<()> {
    report.say(format_args!(
        "Inside one broker: every message of {} B is signed, queued and read by each subscription that it matches. With two \
         threads, one publishes and reads for some of the subscriptions, the other reads for the rest.",
        scene::PAYLOAD_BYTES
    ));
    let mut rows = vec![cells([
        "subscriptions",
        "threads",
        "publishes/s",
        "deliveries/s",
        "per publish, alone",
        "per publish, read by all",
    ])];
    for (scene, figures) in scenes.iter().zip(figures) {
        let spread = |of: &dyn Fn(&Figures) -> f64| figures.iter().map(of).collect::<Spread>();
        let publishes = spread(&|figures| figures.publishes_per_s);
        let deliveries = spread(&|figures| figures.publishes_per_s * scene.reached as f64);
        let alone = spread(&|figures| figures.publish_ns);
        let read = spread(&|figures| 1e9 / figures.publishes_per_s);
        let threads = scene.own_percent.map_or(1, |_| 2);
        rows.push(vec![
            scene.name.clone(),
            threads.to_string(),
            publishes.shown(count),
            deliveries.shown(count),
            alone.shown(nanoseconds),
            read.shown(nanoseconds),
        ]);
        for (metric, unit, spread) in [
            ("publishes", "1/s", publishes),
            ("deliveries", "1/s", deliveries),
            ("publish_alone", "ns", alone),
            ("publish_and_read", "ns", read),
        ] {
            let measurement = Measurement::new(&scene.name, metric, unit, &spread);
            report.measured(measurement.with("threads", threads))?;
        }
    }
    report.table(&rows);
    Ok(())
}
