//! What nodes tell of themselves and of each other.

use std::time::Duration;

use bellwether::catalogue::families::metrics::PerformanceMetric;
use bellwether::{
    AlertState, Delivery, Envelope, GaugeKind, Instance, Node, Subscription, ThresholdKind, ThresholdRule,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::lab::*;

/// Reports so often that a test need not wait, and about nothing that it does not look for.
async fn telling(lab: &Lab, name: &str, seeds: &[&Node]) -> Node {
    let builder = lab.builder(name).integration(|integration| {
        integration.enabled = true;
        integration.health_interval = Duration::from_millis(200);
        integration.metrics_interval = Duration::from_millis(200);
    });
    let builder = seeds.iter().fold(builder, |builder, seed| builder.seed(address(seed)));
    builder.start().await.unwrap()
}

/// The next message for which `wanted` gives something.
async fn next_that<T>(subscription: &mut Subscription, mut wanted: impl FnMut(&Envelope, &Value) -> Option<T>) -> T {
    let wait = async {
        loop {
            match subscription.next().await {
                Some(Delivery::Message(envelope)) => {
                    let payload: Value = serde_json::from_slice(envelope.payload()).unwrap();
                    if let Some(found) = wanted(&envelope, &payload) {
                        return found;
                    }
                }
                Some(_) => {}
                None => panic!("the subscription has ended"),
            }
        }
    };
    timeout(DEADLINE, wait).await.expect("what was waited for")
}

#[tokio::test]
async fn a_node_tells_others_that_it_starts_how_it_is_and_that_it_stops() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let (mut system, _) = a.subscribe(Instance::System, [pattern("*")]).await.unwrap();
    let (mut health, _) = a.subscribe(Instance::Health, [pattern("*")]).await.unwrap();
    let (mut metrics, _) = a.subscribe(Instance::Metrics, [pattern("performance")]).await.unwrap();
    let b = telling(&lab, "b", &[&a]).await;
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let said = next_that(&mut system, |envelope, payload| {
            assert_eq!(envelope.reporting_node(), "b");
            Some(match payload["event"].as_str() {
                Some(event) => event.to_owned(),
                None => payload["changes"]["mode"].as_str().unwrap().to_owned(),
            })
        });
        heard.push(said.await);
    }
    assert_eq!(heard, ["starting", "started", "cluster"]);
    let checks = next_that(&mut health, |envelope, payload| {
        (envelope.head().event == "node_health_updated" && payload["node"] == "b").then(|| payload["checks"].clone())
    });
    let checks = checks.await;
    for name in ["cpu", "memory", "disk"] {
        assert!(checks[name].is_string(), "{checks}");
    }
    let counted = next_that(&mut metrics, |_, payload| {
        (payload["operation"] == "health_published").then(|| payload["count"].as_u64().unwrap())
    });
    assert!(counted.await > 0);
    let round_trip = next_that(&mut metrics, |_, payload| {
        (payload["operation"] == "round_trip:a").then(|| payload["latency_ms"].as_f64().unwrap())
    });
    assert!(round_trip.await > 0.0);
    b.shutdown().await;
    for event in ["stopping", "stopped"] {
        let said = next_that(&mut system, |_, payload| payload["event"].as_str().map(str::to_owned));
        assert_eq!(said.await, event);
    }
}

#[tokio::test]
async fn nodes_that_join_and_leave_are_told_once_per_observer_and_raise_no_alert() {
    let lab = Lab::new();
    let a = telling(&lab, "a", &[]).await;
    let b = telling(&lab, "b", &[&a]).await;
    let pair = [a, b];
    all_see_all(&pair).await;
    let [a, b] = pair;
    let (mut lifecycle, _) = a.subscribe(Instance::Lifecycle, [pattern("*")]).await.unwrap();
    let (mut alerts, _) = a
        .subscribe(Instance::Alerts, [pattern("node_failure"), pattern("node_recovered")])
        .await
        .unwrap();
    // The reporters of both have seen both by now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let c = telling(&lab, "c", &[&a]).await;
    eventually("all know of the newcomer", || {
        a.members().len() == 3 && b.members().len() == 3
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    c.shutdown().await;
    // Whatever would be said twice is said by then.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut said = Vec::new();
    while let Some(delivery) = lifecycle.try_next() {
        let Delivery::Message(envelope) = delivery else {
            continue;
        };
        let payload: Value = serde_json::from_slice(envelope.payload()).unwrap();
        let event = payload["event"].as_str().unwrap().to_owned();
        if envelope.originating_node() == "c" {
            said.push(format!("{} says {event}", envelope.reporting_node()));
        }
    }
    said.sort_unstable();
    assert_eq!(
        said,
        [
            "a says joined",
            "a says left",
            "a says node_added",
            "a says node_removed",
            "b says node_added",
            "b says node_removed",
        ]
    );
    while let Some(delivery) = alerts.try_next() {
        assert!(
            !matches!(delivery, Delivery::Message(_)),
            "a node that leaves is no alarm: {delivery:?}"
        );
    }
    b.shutdown().await;
}

#[tokio::test]
async fn an_alert_lives_alike_on_every_node() {
    let lab = Lab::new();
    let a = telling(&lab, "a", &[]).await;
    let b = telling(&lab, "b", &[&a]).await;
    let pair = [a, b];
    all_see_all(&pair).await;
    let [a, b] = pair;
    for _ in 0..2 {
        a.integration()
            .broadcast_alert(
                "store_failure",
                "critical",
                "Store worker failed",
                json!({"store_id": "main"}),
            )
            .unwrap();
    }
    let on = |node: &Node| {
        let alerts = node.alerts().all();
        alerts.into_iter().find(|alert| alert.key == "store_failure:a")
    };
    eventually("both nodes know it, raised twice", || {
        [&a, &b]
            .into_iter()
            .all(|node| on(node).is_some_and(|alert| alert.count == 2))
    })
    .await;
    let alert = on(&b).unwrap();
    assert_eq!((alert.state, alert.requires_ack), (AlertState::Open, true));
    b.alerts()
        .acknowledge(&alert.alert_id, "ops", Some("looking"), None)
        .unwrap();
    assert_eq!(b.alerts().one(&alert.alert_id).unwrap().state, AlertState::Acknowledged);
    eventually("the other node hears of it", || {
        on(&a).is_some_and(|alert| alert.acknowledged_by.as_deref() == Some("ops"))
    })
    .await;
    let c = telling(&lab, "c", &[&a]).await;
    eventually("a newcomer knows what is still kept", || {
        on(&c).is_some_and(|alert| alert.state == AlertState::Acknowledged)
    })
    .await;
    a.integration()
        .broadcast_alert(
            "store_recovered",
            "info",
            "Store is back",
            json!({"clears": "store_failure:a"}),
        )
        .unwrap();
    eventually("it is over everywhere", || {
        [&a, &b, &c]
            .into_iter()
            .all(|node| on(node).is_some_and(|alert| alert.state == AlertState::Cleared))
    })
    .await;
}

#[tokio::test]
async fn a_figure_that_crosses_its_threshold_is_an_alert_once_and_is_kept_for_collectors() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let b = lab.start("b", &[&a]).await;
    let pair = [a, b];
    all_see_all(&pair).await;
    let [a, b] = pair;
    a.integration().enable();
    let rule = ThresholdRule {
        id: "deep queue".into(),
        metric_name: "queue_depth".into(),
        component: None,
        kind: ThresholdKind::Max,
        warning: Some(100.0),
        critical: Some(900.0),
        sustained: 1,
        hysteresis: 0.05,
        enabled: true,
    };
    a.add_threshold(rule.clone()).unwrap();
    assert_eq!(a.thresholds(), [rule]);
    let (mut there, _) = b.subscribe(Instance::Metrics, [pattern("*")]).await.unwrap();
    for value in [99, 101, 102, 901] {
        let metric = PerformanceMetric::new("queue_depth", value, "messages").component("api");
        a.publish_typed(&metric, None).unwrap();
    }
    let mut alerts = Vec::new();
    while alerts.len() < 2 {
        alerts.push(
            next_that(&mut there, |envelope, payload| {
                (envelope.head().event == "metric_alert")
                    .then(|| (payload["current_value"].as_f64(), payload["severity"].clone()))
            })
            .await,
        );
    }
    assert_eq!(
        alerts,
        [(Some(101.0), json!("warning")), (Some(901.0), json!("critical"))]
    );
    let gauges = a.gauges();
    let found = gauges.iter().find(|gauge| gauge.name == "queue_depth").unwrap();
    assert_eq!(
        (found.kind, found.component.as_str(), found.value),
        (GaugeKind::Performance, "api", 901.0)
    );
    assert!(
        b.gauges().is_empty(),
        "figures are offered by the node that they come from"
    );
    assert!(a.remove_threshold("deep queue") && !a.remove_threshold("deep queue"));
}

#[tokio::test]
async fn an_alert_that_nobody_acknowledges_goes_up_once_per_step_and_not_after_it_was() {
    let lab = Lab::new();
    let start = async |name: &str, seed: Option<&Node>| {
        let builder = lab.builder(name).integration(|integration| {
            integration.enabled = true;
            integration.report_members = false;
            integration.alerting.escalate_after = Duration::from_secs(1);
        });
        let builder = seed
            .into_iter()
            .fold(builder, |builder, seed| builder.seed(address(seed)));
        builder.start().await.unwrap()
    };
    let a = start("a", None).await;
    let b = start("b", Some(&a)).await;
    let pair = [a, b];
    all_see_all(&pair).await;
    let [a, b] = pair;
    let (mut there, _) = b.subscribe(Instance::Alerts, [pattern("escalations")]).await.unwrap();
    let raise = |kind: &str| {
        let sent = a
            .integration()
            .broadcast_alert(kind, "error", "it is broken", json!({}));
        assert!(matches!(sent, Ok(bellwether::Sent::Published(_))));
    };
    raise("first_failure");
    raise("second_failure");
    let id = async |kind: &str| {
        let key = format!("{kind}:a");
        eventually("it is known", || b.alerts().all().iter().any(|alert| alert.key == key)).await;
        let alerts = b.alerts().all();
        alerts.into_iter().find(|alert| alert.key == key).unwrap().alert_id
    };
    let (first, second) = (id("first_failure").await, id("second_failure").await);
    b.alerts().acknowledge(&second, "ops", None, None).unwrap();
    for (from, to) in [("level1", "level2"), ("level2", "level3")] {
        let step = next_that(&mut there, |envelope, payload| {
            assert_eq!(envelope.reporting_node(), "a", "the node that raised it takes it up");
            assert_eq!(payload["alert_id"], first.as_str());
            Some((payload["from_level"].clone(), payload["to_level"].clone()))
        });
        assert_eq!(step.await, (json!(from), json!(to)));
    }
    eventually("both nodes know how far it is", || {
        let level = |node: &Node| serde_json::to_value(node.alerts().one(&first).unwrap().level).unwrap();
        level(&a) == "level3" && level(&b) == "level3"
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(there.try_next().is_none(), "there is nobody further to call");
}

#[tokio::test]
async fn a_consumer_that_loses_messages_is_an_alert_and_so_is_its_recovery() {
    let lab = Lab::new();
    let a = lab
        .builder("a")
        .instance(Instance::Events, |events| events.queue_messages = 16)
        .integration(|integration| integration.enabled = true)
        .start()
        .await
        .unwrap();
    let (mut alerts, _) = a
        .subscribe(Instance::Alerts, [pattern("bus_consumer_lagging")])
        .await
        .unwrap();
    let (mut lagging, _) = a.subscribe(Instance::Events, [pattern("t")]).await.unwrap();
    // The rules count from their first look on.
    tokio::time::sleep(Duration::from_secs(6)).await;
    for _ in 0..100 {
        a.publish(Instance::Events, &draft("t", "x")).unwrap();
    }
    let told = next_that(&mut alerts, |_, payload| {
        Some((payload["severity"].clone(), payload["context"]["instance"].clone()))
    });
    assert_eq!(told.await, (json!("warning"), json!("events")));
    while lagging.try_next().is_some() {}
    let over = next_that(&mut alerts, |_, payload| {
        Some((payload["severity"].clone(), payload["context"]["clears"].clone()))
    });
    assert_eq!(over.await, (json!("info"), json!("bus_consumer_lagging:a:events")));
}
