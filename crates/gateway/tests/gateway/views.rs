use std::collections::HashMap;

use bellwether::{Draft, Instance, Overflow, Pattern, Topic};

use crate::served::{Served, until};

#[tokio::test]
async fn members_and_instances_are_arrays() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let members = client.get("/v1/members").await.json();
    assert_eq!(members.as_array().unwrap().len(), 1);
    assert_eq!(
        (&members[0]["node"], &members[0]["state"]),
        (&"a".into(), &"self".into())
    );
    let instances = client.get("/v1/instances").await.json();
    let names: Vec<_> = instances
        .as_array()
        .unwrap()
        .iter()
        .map(|info| info["instance"].as_str().unwrap())
        .collect();
    assert_eq!(names, Instance::ALL.map(Instance::name));
    assert_eq!(instances[0]["max_payload_bytes"], 1000);
    assert_eq!(instances[0]["overflow"], "drop_oldest");
}

#[tokio::test]
async fn subscribers_can_be_narrowed_to_an_instance_and_a_topic() {
    let served = Served::start().await;
    let _alerts = served.client().await.subscribe("pattern=alerts/a:*").await;
    let _audit = served.client().await.subscribe("pattern=audit/*").await;
    let mut client = served.client().await;
    for (query, instances) in [
        ("", vec!["alerts", "audit"]),
        ("?instance=audit", vec!["audit"]),
        ("?topic=a:b", vec!["alerts", "audit"]),
        ("?topic=b", vec!["audit"]),
        ("?instance=alerts&topic=b", vec![]),
    ] {
        let subscribers = client.get(&format!("/v1/subscribers{query}")).await.json();
        let found: Vec<_> = subscribers
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["instance"].as_str().unwrap())
            .collect();
        assert_eq!(found, instances, "{query}");
    }
    let errors = [
        ("?instance=x", "bad_instance", "unknown instance `x`"),
        ("?topic=a:*", "bad_topic", "the wildcard `*`"),
        ("?topik=a", "bad_query", "unknown field `topik`"),
    ];
    for (query, reason, words) in errors {
        client
            .get(&format!("/v1/subscribers{query}"))
            .await
            .expect_error(400, reason, words);
    }
}

#[tokio::test]
async fn health_and_readiness_answer() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let health = client.get("/healthz").await;
    assert_eq!((health.status.as_u16(), health.body.as_str()), (200, "ok"));
    let ready = client.get("/readyz").await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json(), serde_json::json!({"ready": true, "waiting_for": ""}));
    let verbose = client.get("/readyz?verbose").await.json();
    let checks = verbose["checks"].as_array().unwrap().iter();
    let checks: Vec<_> = checks
        .map(|check| (check["name"].as_str().unwrap(), check["ok"].as_bool().unwrap()))
        .collect();
    let expected = ["joined", "linked", "confirmed", "members"].map(|name| (name, true));
    assert_eq!(checks, expected, "{verbose}");
}

#[tokio::test]
async fn the_busiest_topics_come_first() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (topic, messages) in [("a", 1), ("b", 3), ("c", 2)] {
        for _ in 0..messages {
            client
                .post(&format!("/v1/publish/events/{topic}"), "text/plain", "x")
                .await;
        }
    }
    client.post("/v1/publish/alerts/d", "text/plain", "x").await;
    let mut topics = async |query: &str| -> Vec<String> {
        let rows = client.get(&format!("/v1/topics{query}")).await.json();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| format!("{}/{} {}", row["instance"], row["topic"], row["messages"]).replace('"', ""))
            .collect()
    };
    assert_eq!(topics("?limit=2").await, ["events/b 3", "events/c 2"]);
    assert_eq!(topics("?instance=alerts").await, ["alerts/d 1"]);
    assert_eq!(topics("").await.len(), 4);
    let wrong = client.get("/v1/topics?limit=1001").await;
    wrong.expect_error(400, "bad_query", "at most 1000");
}

#[tokio::test]
async fn the_first_page_names_every_path_and_others_are_unknown() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let index = client.get("/").await;
    assert_eq!(index.content_type, "text/plain; charset=utf-8");
    for path in [
        "/v1/publish/",
        "/v1/messages/",
        "/v1/validate/",
        "/v1/broadcast/",
        "POST /v1/broadcast ",
        "GET  /v1/integration",
        "PUT  /v1/integration",
        "GET  /v1/alerts?state=",
        "/v1/alerts/{alert_id}\n",
        "POST /v1/alerts/{alert_id}/acknowledge",
        "GET  /v1/thresholds",
        "PUT  /v1/thresholds/{id}",
        "DELETE /v1/thresholds/{id}",
        "/v1/catalogue",
        "/v1/subscribe",
        "/v1/members",
        "/v1/instances",
        "/v1/subscribers",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        assert!(index.body.contains(path), "{path}");
    }
    for path in [
        "/v1",
        "/v1/members/",
        "/v1/publish/alerts",
        "/v1/publish/alerts/",
        "/favicon.ico",
    ] {
        client
            .get(path)
            .await
            .expect_error(404, "unknown_path", &format!("nothing is at {path}"));
    }
    client
        .get("/v1/publish/alerts/t")
        .await
        .expect_error(405, "wrong_method", "does not take GET");
    client
        .post("/v1/subscribe", "", "")
        .await
        .expect_error(405, "wrong_method", "does not take POST");
    client
        .send("OPTIONS", "/v1/members", &[], "")
        .await
        .expect_error(405, "wrong_method", "OPTIONS");
}

#[tokio::test]
async fn metrics_are_well_formed_and_count_right() {
    let served = Served::start().await;
    let mut lines = served.client().await.subscribe("pattern=alerts/*").await;
    let _other = served.client().await.subscribe("pattern=audit/*").await;
    let mut client = served.client().await;
    for _ in 0..3 {
        assert_eq!(client.post("/v1/publish/alerts/t", "text/plain", "x").await.status, 200);
        lines.next_json().await;
    }
    client.post("/v1/publish/metrics/t", "text/plain", "x").await;
    let answer = client.get("/metrics").await;
    assert!(
        answer.content_type.starts_with("text/plain; version=0.0.4"),
        "{}",
        answer.content_type
    );
    let samples = parse(&answer.body);
    for (sample, value) in [
        ("bellwether_messages_published_total{instance=\"alerts\"}", 3.0),
        ("bellwether_messages_published_total{instance=\"metrics\"}", 1.0),
        ("bellwether_messages_published_total{instance=\"audit\"}", 0.0),
        ("bellwether_messages_delivered_total{instance=\"alerts\"}", 3.0),
        ("bellwether_messages_delivered_total{instance=\"metrics\"}", 0.0),
        ("bellwether_messages_forwarded_total{instance=\"alerts\"}", 0.0),
        ("bellwether_messages_received_total{instance=\"alerts\"}", 0.0),
        (
            "bellwether_messages_dropped_total{instance=\"alerts\",reason=\"slow_subscriber\"}",
            0.0,
        ),
        (
            "bellwether_messages_dropped_total{instance=\"logging\",reason=\"refused\"}",
            0.0,
        ),
        ("bellwether_backlog_messages{instance=\"alerts\"}", 3.0),
        ("bellwether_subscriptions{instance=\"alerts\"}", 1.0),
        ("bellwether_subscriptions{instance=\"audit\"}", 1.0),
        ("bellwether_subscriptions{instance=\"events\"}", 0.0),
        ("bellwether_members{state=\"self\"}", 1.0),
        ("bellwether_members{state=\"down\"}", 0.0),
        ("bellwether_strangers_total", 0.0),
        ("bellwether_foreign_datagrams_total", 0.0),
        ("bellwether_broadcasts_published_total", 0.0),
        ("bellwether_broadcasts_failed_total", 0.0),
        ("bellwether_integration_enabled", 0.0),
        ("bellwether_queue_messages{instance=\"alerts\"}", 0.0),
        ("bellwether_deepest_queue_messages{instance=\"alerts\"}", 0.0),
        ("bellwether_fullest_queue_ratio{instance=\"alerts\"}", 0.0),
        ("bellwether_subscriptions_disconnected_total{instance=\"alerts\"}", 0.0),
        ("bellwether_alerts{state=\"open\",severity=\"critical\"}", 0.0),
        ("bellwether_gauges_refused_total", 0.0),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample}");
    }
    assert!(samples["bellwether_backlog_bytes{instance=\"alerts\"}"] > 3.0);
    let latency = |part: &str| samples[&format!("bellwether_delivery_latency_seconds_{part}")];
    assert_eq!(latency("count{instance=\"alerts\"}"), 3.0);
    assert_eq!(latency("bucket{instance=\"alerts\",le=\"+Inf\"}"), 3.0);
    assert_eq!(latency("bucket{instance=\"alerts\",le=\"60.0\"}"), 3.0);
    assert_eq!(latency("count{instance=\"audit\"}"), 0.0);
    assert!(samples["process_resident_memory_bytes"] > 1e6 && samples["process_start_time_seconds"] > 1.7e9);
    let (totals, dropped, sizes, histograms) = (5 * 10, 10 * 5, 8 * 10, 10 * 17);
    let (members, gossip, strangers, integration, alerts, gauges) = (2 + 4, 3, 2, 3, 3 * 4, 1);
    let process = 6;
    assert_eq!(
        samples.len(),
        totals + dropped + sizes + histograms + members + gossip + strangers + integration + alerts + gauges + process
    );
    let accept = [("accept", "application/openmetrics-text; version=1.0.0")];
    let open = client.send("GET", "/metrics", &accept, "").await;
    assert!(
        open.content_type.starts_with("application/openmetrics-text"),
        "{}",
        open.content_type
    );
    assert!(open.body.contains("# TYPE bellwether_messages_published counter\n"));
    assert!(open.body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn figures_and_alerts_are_offered_to_collectors() {
    let served = Served::start().await;
    served.node.integration().enable();
    let mut client = served.client().await;
    for (message, body) in [
        (
            "PerformanceMetric",
            r#"{"metric_name":"queue \"a\"\n\\","value":3,"unit":"x","component":"api"}"#,
        ),
        (
            "LatencyMetric",
            r#"{"operation":"append","latency_ms":1.5,"percentile":"p99","sample_count":9,"node":"db-1"}"#,
        ),
        (
            "ThroughputMetric",
            r#"{"operation":"append","count":10,"duration_ms":2000}"#,
        ),
        (
            "ResourceUsage",
            r#"{"resource_type":"disk","usage_percent":70.5,"total_available":9,"current_used":5,"node":"db-1"}"#,
        ),
    ] {
        let answer = client.post(&format!("/v1/messages/metrics/{message}"), "", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let alerts = served.node.alerts();
    for (alert_type, severity) in [("one", "critical"), ("two", "critical"), ("three", "info")] {
        let alert = served
            .node
            .integration()
            .broadcast_alert(alert_type, severity, "m", serde_json::json!({}));
        alert.unwrap();
    }
    until("the node knows its alerts", || alerts.all().len() == 3).await;
    alerts
        .acknowledge(&alerts.open()[0].alert_id, "ops", None, None)
        .unwrap();
    let samples = parse(&client.get("/metrics").await.body);
    for (sample, value) in [
        (
            r#"bellwether_performance_metric{metric="queue \"a\"\n\\",component="api",node="a"}"#,
            3.0,
        ),
        (
            r#"bellwether_latency_milliseconds{operation="append",percentile="p99",node="db-1"}"#,
            1.5,
        ),
        (r#"bellwether_throughput_per_second{operation="append",node="a"}"#, 5.0),
        (
            r#"bellwether_resource_usage_percent{resource="disk",node="db-1"}"#,
            70.5,
        ),
        (r#"bellwether_alerts{state="open",severity="critical"}"#, 1.0),
        (r#"bellwether_alerts{state="acknowledged",severity="critical"}"#, 1.0),
        (r#"bellwether_alerts{state="open",severity="info"}"#, 1.0),
        (r#"bellwether_alerts{state="cleared",severity="info"}"#, 0.0),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample}: {samples:?}");
    }
}

#[tokio::test]
async fn queues_are_measured_and_subscriptions_that_were_ended_are_counted() {
    let served = Served::start_with(
        |config| {
            let events = &mut config.instances[Instance::Events.index()];
            events.queue_messages = 4;
            events.overflow = Overflow::Disconnect;
        },
        |gateway| gateway,
    )
    .await;
    let pattern = || [Pattern::new("*").unwrap()];
    let (mut first, _) = served.node.subscribe(Instance::Events, pattern()).await.unwrap();
    let publish = |count: usize| {
        for _ in 0..count {
            let draft = Draft::new(Topic::new("t").unwrap(), "e");
            served.node.publish(Instance::Events, &draft).unwrap();
        }
    };
    publish(1);
    let (_second, _) = served.node.subscribe(Instance::Events, pattern()).await.unwrap();
    publish(2);
    let mut client = served.client().await;
    let samples = parse(&client.get("/metrics").await.body);
    assert_eq!(samples["bellwether_queue_messages{instance=\"events\"}"], 5.0);
    assert_eq!(samples["bellwether_deepest_queue_messages{instance=\"events\"}"], 3.0);
    assert_eq!(samples["bellwether_queue_messages{instance=\"alerts\"}"], 0.0);
    assert_eq!(
        samples["bellwether_subscriptions_disconnected_total{instance=\"events\"}"],
        0.0
    );

    publish(10);
    while first.next().await.is_some() {}
    let samples = parse(&client.get("/metrics").await.body);
    assert_eq!(
        samples["bellwether_subscriptions_disconnected_total{instance=\"events\"}"],
        1.0
    );
    assert_eq!(
        samples["bellwether_subscriptions_disconnected_total{instance=\"alerts\"}"],
        0.0
    );
}

/// Checks the form: each family has HELP, then TYPE, then its samples, and appears once.
fn parse(text: &str) -> HashMap<String, f64> {
    let mut samples = HashMap::new();
    let mut families = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(help) = lines.next() {
        let (name, words) = help.strip_prefix("# HELP ").unwrap().split_once(' ').unwrap();
        assert!(!words.is_empty() && !families.contains(&name), "{name}");
        families.push(name);
        let kind = lines.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).unwrap();
        let ends: &[&str] = match kind {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        if kind != "histogram" {
            assert_eq!(kind, if name.ends_with("_total") { "counter" } else { "gauge" });
        }
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let end = sample.split('{').next().unwrap().strip_prefix(name);
            assert!(end.is_some_and(|end| ends.contains(&end)), "{sample} in {name}");
            assert!(
                samples.insert(sample.to_owned(), value.parse().unwrap()).is_none(),
                "{sample} twice"
            );
        }
    }
    samples
}

#[tokio::test]
async fn the_whole_mesh_is_what_its_nodes_say_of_themselves() {
    let served = Served::start().await;
    let stuck = served
        .node
        .subscribe(Instance::Alerts, [Pattern::new("a:*").unwrap()])
        .await;
    let draft = Draft::new(Topic::new("a:b").unwrap(), "tag").text("x");
    served.node.publish(Instance::Alerts, &draft).unwrap();
    // What is no node's own is passed over, though it stands in the right place.
    let forged = Draft::new(Topic::new("$bw:snapshot:b").unwrap(), "node_snapshot").json(r#"{"node":"b"}"#);
    let mut events = served.client().await.open_path("/v1/mesh?format=sse").await;
    served.node.publish(Instance::Diagnostics, &forged).unwrap();
    for _ in 0..2 {
        let event = events.next_event().await.unwrap();
        assert_eq!((&*event.name, &event.data["node"]), ("snapshot", &"a".into()));
    }
    let view = served.client().await.get("/v1/mesh").await.json();
    let snapshots = view["snapshots"].as_array().unwrap();
    assert_eq!((snapshots.len(), &view["missing"]), (1, &serde_json::json!([])));
    let one = &snapshots[0];
    assert_eq!(
        (&one["node"], &one["ready"], &one["members"][0]["state"]),
        (&"a".into(), &true.into(), &"self".into())
    );
    let alerts = one["instances"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["instance"] == "alerts")
        .unwrap();
    assert_eq!(alerts["published"], 1);
    assert_eq!(
        alerts["worst"],
        serde_json::json!({"patterns": ["a:*"], "queue_messages": 1})
    );
    assert!(one["process"]["resident_bytes"].as_u64().unwrap() > 0);
    drop(stuck);
    let wrong = served.client().await.get("/v1/mesh?format=xml").await;
    wrong.expect_error(400, "bad_query", "json or sse");
}

#[tokio::test]
async fn nobody_looks_nobody_tells() {
    let served = Served::start().await;
    let told = || served.node.instances()[Instance::Diagnostics.index()].published;
    served.client().await.get("/v1/mesh").await;
    let before = told();
    assert!(before > 0);
    until("the view is gone", || served.node.subscribers(None, None).is_empty()).await;
    let after = told();
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert_eq!(told(), after);
}
