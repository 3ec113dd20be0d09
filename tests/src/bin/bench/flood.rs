//! Two lanes on one narrow cable: a flood of logs, and alerts beside it. Each node is a process on a host of its own.

use std::fmt::Write;
use std::time::Duration;

use bellwether::Instance;
use bellwether_tests::participant::{Latency, Load};
use bellwether_tests::{Participant, Scenario};
use tokio::time::sleep;

use crate::PASSES;
use crate::spread::{Spread, count, microseconds};

const LIMIT_MBIT: u32 = 100;
const PASS: Duration = Duration::from_secs(5);
/// Three times what the cable carries.
const LOGS: (u64, usize) = (40_000, 1024);
const ALERTS: (u64, usize) = (1_000, 128);
/// The default of `logging`.
const BACKLOG_MESSAGES: usize = 131_072;

/// A section of Markdown.
pub(crate) async fn measure() -> anyhow::Result<String> {
    let mut section = format!(
        "From A to B over a cable limited to {LIMIT_MBIT} Mbit/s (tbf, 50 ms of buffer): {} alerts/s of {} B, alone and \
         beside {} logs/s of {} B, on two lanes. Lost: told in gaps before the last alert had come.\n\n\
         | instance | beside | messages/s that came | p50 | p99 | lost |\n|---|---|---|---|---|---|\n",
        ALERTS.0, ALERTS.1, LOGS.0, LOGS.1
    );
    let (mut alone, mut beside, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PASSES {
        let Some(scenario) = Scenario::on_hosts(&["a", "b"]) else {
            return Ok("Two lanes on one narrow cable: skipped, it needs root and network namespaces.\n".to_owned());
        };
        let [mut a, mut b] = scenario
            .nodes(["a", "b"], |setup| setup.backlog_messages = BACKLOG_MESSAGES)
            .await;
        scenario.net().limit("a", LIMIT_MBIT);
        let on_alerts = b.subscribe(Instance::Alerts, "load:*").await;
        let on_logs = b.subscribe(Instance::Logging, "load:*").await;

        a.publish(load(Instance::Alerts, ALERTS)).await;
        sleep(PASS).await;
        alone.push(Figures::take(&mut a, &mut b, Instance::Alerts, on_alerts).await);
        a.publish(load(Instance::Logging, LOGS)).await;
        a.publish(load(Instance::Alerts, ALERTS)).await;
        sleep(PASS).await;
        beside.push(Figures::take(&mut a, &mut b, Instance::Alerts, on_alerts).await);
        logs.push(Figures::of(&mut b, on_logs).await);
    }
    for (instance, other, figures) in [
        ("alerts", "nothing", &alone),
        ("alerts", "logs", &beside),
        ("logging", "alerts", &logs),
    ] {
        let rates = Spread::new(
            figures
                .iter()
                .map(|figures| figures.latency.count as f64 / PASS.as_secs_f64()),
            count,
        );
        let p50 = Spread::new(
            figures.iter().map(|figures| figures.latency.p50_us as f64 * 1e3),
            microseconds,
        );
        let p99 = Spread::new(
            figures.iter().map(|figures| figures.latency.p99_us as f64 * 1e3),
            microseconds,
        );
        let lost: u64 = figures.iter().map(|figures| figures.lost).sum();
        writeln!(section, "| {instance} | {other} | {rates} | {p50} | {p99} | {lost} |")?;
    }
    Ok(section)
}

fn load(instance: Instance, (rate, bytes): (u64, usize)) -> Load {
    Load {
        instance,
        topic: "load:all".to_owned(),
        count: u64::MAX,
        rate,
        waits: false,
        bytes,
    }
}

/// Of one instance in one pass.
struct Figures {
    latency: Latency,
    lost: u64,
}

impl Figures {
    /// Once all that was published has come.
    async fn take(a: &mut Participant, b: &mut Participant, instance: Instance, sub: u64) -> Self {
        let published = a.hush(instance).await;
        b.heard_until(sub, "a", published.last_seq).await;
        Self::of(b, sub).await
    }

    /// Of what has come.
    async fn of(b: &mut Participant, sub: u64) -> Self {
        Self {
            lost: b.heard(sub).await.of("a").missing(),
            latency: b.latency(sub).await,
        }
    }
}
