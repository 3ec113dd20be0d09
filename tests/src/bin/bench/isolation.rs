//! Two lanes on one narrow cable: a flood of logs, and alerts beside it. Each node is a process on a host of its own.

use std::time::Duration;

use bellwether::Instance;
use bellwether_tests::benchmark::{Measurement, Report, Spread, StatusLine, cells, count, microseconds};
use bellwether_tests::participant::{Latency, Load};
use bellwether_tests::{Participant, Scenario};
use serde_json::json;
use tokio::time::sleep;

const LIMIT_MBIT: u32 = 100;
const PASS: Duration = Duration::from_secs(5);
/// Three times what the cable carries.
const LOGS: (u64, usize) = (40_000, 1024);
const ALERTS: (u64, usize) = (1_000, 128);
/// The default of `logging`.
const BACKLOG_MESSAGES: usize = 131_072;

/// Measures, where it may: it needs hosts of its own.
pub(crate) async fn measure(passes: usize, status: &StatusLine) -> anyhow::Result<Report> {
    let settings = json!({
        "limit_mbit": LIMIT_MBIT, "seconds": PASS.as_secs(), "alerts_per_s": ALERTS.0, "alert_bytes": ALERTS.1,
        "logs_per_s": LOGS.0, "log_bytes": LOGS.1,
    });
    let mut report = Report::new("isolation", settings);
    let (mut alone, mut beside, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    for pass in 1..=passes {
        status.say(format_args!("isolation: pass {pass} of {passes}"));
        let Some(scenario) = Scenario::on_hosts(&["a", "b"]) else {
            report.say("Two lanes on one narrow cable: skipped, it needs root and network namespaces.");
            return Ok(report);
        };
        let figures = one_pass(&scenario).await;
        alone.push(figures.alone);
        beside.push(figures.beside);
        logs.push(figures.logs);
    }
    report.say(format_args!(
        "From A to B over a cable limited to {LIMIT_MBIT} Mbit/s (tbf, 50 ms of buffer): {} alerts/s of {} B, alone and \
         beside {} logs/s of {} B, on two lanes. Lost: told in gaps before the last alert had come.",
        ALERTS.0, ALERTS.1, LOGS.0, LOGS.1
    ));
    let series = [
        ("alerts", "nothing", &alone),
        ("alerts", "logs", &beside),
        ("logging", "alerts", &logs),
    ];
    tell(&series, &mut report)?;
    Ok(report)
}

/// What each pass has shown, by instance and what was beside it.
type Series<'a> = (&'static str, &'static str, &'a Vec<Figures>);

fn tell(series: &[Series<'_>], report: &mut Report) -> anyhow::Result<()> {
    let mut rows = vec![cells([
        "instance",
        "beside",
        "messages/s that came",
        "p50",
        "p99",
        "lost",
    ])];
    for (instance, other, figures) in series {
        let spread = |of: fn(&Figures) -> f64| figures.iter().map(of).collect::<Spread>();
        let rates = spread(|figures| figures.latency.count as f64 / PASS.as_secs_f64());
        let p50 = spread(|figures| figures.latency.p50_us as f64 * 1e3);
        let p99 = spread(|figures| figures.latency.p99_us as f64 * 1e3);
        let lost = spread(|figures| figures.lost as f64);
        rows.push(vec![
            (*instance).to_owned(),
            (*other).to_owned(),
            rates.shown(count),
            p50.shown(microseconds),
            p99.shown(microseconds),
            figures.iter().map(|figures| figures.lost).sum::<u64>().to_string(),
        ]);
        for (metric, unit, spread) in [
            ("messages", "1/s", rates),
            ("latency_p50", "ns", p50),
            ("latency_p99", "ns", p99),
            ("lost", "messages", lost),
        ] {
            report.measured(Measurement::new(instance, metric, unit, &spread).with("beside", *other))?;
        }
    }
    report.table(&rows);
    Ok(())
}

/// Alerts alone, alerts beside logs, and these logs.
struct OnePass {
    alone: Figures,
    beside: Figures,
    logs: Figures,
}

async fn one_pass(scenario: &Scenario) -> OnePass {
    let [mut a, mut b] = scenario
        .nodes(["a", "b"], |setup| setup.backlog_messages = BACKLOG_MESSAGES)
        .await;
    scenario.net().limit("a", LIMIT_MBIT);
    let on_alerts = b.subscribe(Instance::Alerts, "load:*").await;
    let on_logs = b.subscribe(Instance::Logging, "load:*").await;

    a.publish(load(Instance::Alerts, ALERTS)).await;
    sleep(PASS).await;
    let alone = Figures::take(&mut a, &mut b, Instance::Alerts, on_alerts).await;
    a.publish(load(Instance::Logging, LOGS)).await;
    a.publish(load(Instance::Alerts, ALERTS)).await;
    sleep(PASS).await;
    OnePass {
        alone,
        beside: Figures::take(&mut a, &mut b, Instance::Alerts, on_alerts).await,
        logs: Figures::of(&mut b, on_logs).await,
    }
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
