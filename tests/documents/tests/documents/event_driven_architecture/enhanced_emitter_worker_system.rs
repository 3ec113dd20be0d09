//! "Enhanced EmitterWorker System": the lines and banners, as the program prints what it hears. Off a terminal there are
//! no colours; those are tested where they are made, in the program's theme.

use bellwether::catalogue::Message;
use bellwether::catalogue::families::lifecycle::ProcessLifecycle;
use bellwether::catalogue::families::raw::{HealthSummary, MetricsSummary, StoreMetrics, SubscriptionHealth};
use bellwether::emitters::{EmitterPool, EmitterSettings, StoreSubscription};
use bellwether::{Instance, Node, NodeId};
use bellwether_tests::deadline::soon;
use bellwether_tests::program::{Finished, bellwether, spawn};
use bellwether_tests::{Lab, Process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::lab::topic;

/// A process that serves a terminal, and a node that publishes.
struct Terminal {
    _lab: Lab,
    process: Process,
    node: Node,
}

impl Terminal {
    async fn new() -> Self {
        let lab = Lab::default();
        let process = lab
            .node("b")
            .variable("BELLWETHER_INTEGRATION_ENABLED", "false")
            .start()
            .await;
        let node = Node::builder(NodeId::new("a").unwrap())
            .secrets([bellwether_tests::SECRET])
            .unwrap()
            .data_dir(lab.folder().join("a"))
            .seed(process.mesh().to_string())
            .integration(|integration| integration.report_members = false)
            .start()
            .await
            .unwrap();
        crate::lab::eventually("both have met", || {
            node.members()
                .iter()
                .filter(|member| member.inbound && member.outbound)
                .count()
                == 2
        })
        .await;
        Self {
            _lab: lab,
            process,
            node,
        }
    }

    /// A terminal on which so many messages are shown, once it is subscribed.
    async fn shows(&self, wanted: &[&str], count: usize) -> Child {
        let mut command = bellwether();
        command.args(["--node", &self.process.url(), "sub"]).args(wanted);
        command.args(["--theme", "classic", "--format", "text", "--count", &count.to_string()]);
        let mut shown = spawn(&mut command);
        let mut told = BufReader::new(shown.stderr.take().unwrap()).lines();
        let line = soon("the subscription is live", told.next_line()).await.unwrap();
        assert_eq!(line.as_deref(), Some("subscribed, live on 2 of 2 nodes"));
        shown
    }

    fn publish<M: Message>(&self, message: &M, on: &str) {
        self.node.publish_typed(message, Some(topic(on))).unwrap();
    }
}

/// The lines, without who says them.
async fn lines(shown: Child) -> Vec<String> {
    let finished = Finished::from_child(shown).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let text = |line: &str| line.split_once(" [EMITTER] ").map_or(line, |(_, text)| text).to_owned();
    finished.stdout.lines().map(text).collect()
}

fn happened(event_type: &str, metadata: Value) -> SubscriptionHealth {
    SubscriptionHealth::new("my_store", "subscription_name", event_type).metadata(metadata)
}

mod comprehensive_event_logging {
    use super::*;

    #[tokio::test]
    async fn health_event_monitoring() {
        let terminal = Terminal::new().await;
        let wanted = ["health", "store_health:my_store", "health", "health_summary:my_store"];
        let shown = terminal.shows(&wanted, 3).await;
        let success = happened("registration_success", json!({"attempts": 1}));
        terminal.publish(&success, "store_health:my_store");
        let failed = happened("registration_failed", json!({"error": "timeout"}));
        terminal.publish(&failed, "store_health:my_store");
        let summary = HealthSummary::new("my_store", 7_u64).healthy(5_u64).failed(2_u64);
        terminal.publish(&summary, "health_summary:my_store");
        assert_eq!(
            lines(shown).await,
            [
                "🩺 SUBSCRIBED to health events for store: my_store",
                "📡 HEALTH EVENT: subscription_name -> registration_success (attempts=1)",
                "🏥 HEALTH IMPACT: subscription_name is HEALTHY (registration_success)",
                "📡 HEALTH EVENT: subscription_name -> registration_failed (error=timeout)",
                "🏥 HEALTH IMPACT: subscription_name is UNHEALTHY (registration_failed)",
                "📈 HEALTH SUMMARY: Store my_store - 5/7 healthy subscriptions",
            ]
        );
    }

    #[tokio::test]
    async fn metrics_event_monitoring() {
        let terminal = Terminal::new().await;
        let wanted = ["system", "store_metrics:my_store", "system", "metrics_summary:my_store"];
        let shown = terminal.shows(&wanted, 2).await;
        let time = "2025-07-27T11:30:00Z".parse().unwrap();
        let figure = StoreMetrics::new("my_store", "events_per_second", 1250).timestamp(time);
        terminal.publish(&figure, "store_metrics:my_store");
        let sum = MetricsSummary::new("my_store")
            .events_per_second(1250)
            .total_events(50_000_u64)
            .active_subscriptions(12_u64);
        terminal.publish(&sum, "metrics_summary:my_store");
        assert_eq!(
            lines(shown).await,
            [
                "📈 SUBSCRIBED to metrics events for store: my_store",
                "📈 METRICS EVENT: my_store -> events_per_second=1250 @2025-07-27T11:30:00.000Z",
                "📉 METRICS SUMMARY: Store my_store - 1250 eps, 50000 total, 12 active subs",
            ]
        );
    }

    #[tokio::test]
    async fn lifecycle_events() {
        let terminal = Terminal::new().await;
        let shown = terminal.shows(&["lifecycle", "process_lifecycle:*"], 2).await;
        let started =
            ProcessLifecycle::new("#PID<0.511.0>", "emitter_worker", "emitter_worker_started").metadata(json!({
                "topic": "my_store:stream_name", "store": "my_store", "scheduler_id": 2, "subscriber": "#PID<0.312.0>",
            }));
        terminal.publish(&started, "process_lifecycle");
        let ended = ProcessLifecycle::new("#PID<0.511.0>", "emitter_worker", "emitter_worker_terminated")
            .reason(":shutdown")
            .metadata(json!({"store": "my_store", "selector": "stream_name", "subscriber": "#PID<0.312.0>"}));
        terminal.publish(&ended, "process_lifecycle");
        let shown = lines(shown).await;
        let said = shown
            .iter()
            .map(|line| line.trim_matches(|c: char| !c.is_alphanumeric() && c != '>' && c != ':'));
        let said: Vec<String> = said
            .filter(|line| !line.is_empty())
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            said,
            [
                "EMITTER WORKER ACTIVATION ★ [#PID<0.511.0>",
                "Topic: my_store:stream_name",
                "Store: my_store",
                "Scheduler: 2",
                "PID: #PID<0.511.0>",
                "Subscriber: #PID<0.312.0>",
                "EMITTER WORKER TERMINATION 💀 [#PID<0.511.0>",
                "Reason: :shutdown",
                "Store: my_store",
                "Selector: stream_name",
                "Subscriber: #PID<0.312.0>",
                "PID: #PID<0.511.0>",
            ],
            "{shown:#?}"
        );
    }

    /// The same banners, for an emitter that runs.
    #[tokio::test]
    async fn lifecycle_events_of_a_running_emitter() {
        let terminal = Terminal::new().await;
        terminal.node.integration().enable();
        let shown = terminal.shows(&["lifecycle", "process_lifecycle:*"], 4).await;
        let settings = EmitterSettings::new("my_store", StoreSubscription::ByStream, "stream_name", "$stream_name");
        let emitter = EmitterPool::start(&terminal.node, settings).unwrap();
        crate::lab::eventually("its worker has said that it starts", || {
            terminal.node.counters(Instance::Lifecycle).published.value() == 2
        })
        .await;
        emitter.stop("shutdown").await;
        let shown = lines(shown).await;
        let titles: Vec<&String> = shown.iter().filter(|line| line.contains("EMITTER ")).collect();
        let expected = [
            "🚀 EMITTER POOL STARTUP 🚀",
            "★ EMITTER WORKER ACTIVATION ★",
            "💀 EMITTER WORKER TERMINATION 💀",
            "🚨 EMITTER POOL SHUTDOWN 🚨",
        ];
        assert_eq!(titles.len(), expected.len(), "{shown:#?}");
        assert!(
            titles.iter().zip(expected).all(|(line, title)| line.contains(title)),
            "{shown:#?}"
        );
        for field in ["my_store:$stream_name", "my_store", "shutdown", "$stream_name"] {
            assert!(shown.iter().any(|line| line.contains(field)), "{field}: {shown:#?}");
        }
    }
}
