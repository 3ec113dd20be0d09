//! Sessions with a name: their health is told, and heeded.

use std::time::Duration;

use bellwether::subscription_health::{Emission, HealthEvent, HealthState};
use bellwether::{Config, Draft, Instance, Topic};
use tokio::time::{Instant, timeout};

use crate::client::Lines;
use crate::served::{Served, until};

/// In which nothing comes that is held back.
const SILENCE: Duration = Duration::from_millis(300);

async fn watching() -> Served {
    let configure = |config: &mut Config| {
        config.integration.enabled = true;
        config.integration.report_health = false;
        config.integration.health_monitoring.check_interval = Duration::from_secs(60);
    };
    Served::start_with(configure, |gateway| gateway).await
}

fn publish(served: &Served, numbers: std::ops::Range<u32>) {
    for n in numbers {
        let draft = Draft::new(Topic::new("t").unwrap(), "e").text(n.to_string());
        served.node.publish(Instance::Events, &draft).unwrap();
    }
}

async fn receive(lines: &mut Lines, numbers: std::ops::Range<u32>) {
    for n in numbers {
        assert_eq!(lines.next_json().await["payload"], n.to_string());
    }
}

fn state(served: &Served, store: &str) -> Option<HealthState> {
    let record = served.node.subscription_health().record(store, "billing");
    record.map(|record| record.current_status)
}

async fn tell(served: &Served, event: HealthEvent, emission: Emission) {
    let health = served.node.subscription_health();
    health
        .report("main", "billing", event, || serde_json::json!({}))
        .unwrap();
    until("the event is heeded", || health.emission("main", "billing") == emission).await;
}

#[tokio::test]
async fn deliveries_to_a_failed_session_wait_and_go_on_in_order_while_others_see_nothing_of_it() {
    let served = watching().await;
    let query = "pattern=events/t&session=billing&store=main";
    let mut named = served.client().await.subscribe(query).await;
    let mut other = served
        .client()
        .await
        .subscribe("pattern=events/t&session=shipping&store=main")
        .await;
    until("it is known and well", || {
        state(&served, "main") == Some(HealthState::Healthy)
    })
    .await;
    publish(&served, 0..3);
    receive(&mut named, 0..3).await;

    tell(&served, HealthEvent::ProxyCrashed, Emission::Paused).await;
    publish(&served, 3..8);
    assert!(
        timeout(SILENCE, named.next_patiently()).await.is_err(),
        "nothing goes to one that is failed"
    );
    receive(&mut other, 0..8).await;
    tell(&served, HealthEvent::RegistrationSuccess, Emission::On).await;
    receive(&mut named, 3..8).await;
}

#[tokio::test]
async fn deliveries_to_a_degraded_session_are_spread_out() {
    let served = watching().await;
    let mut named = served
        .client()
        .await
        .subscribe("pattern=events/t&session=billing&store=main")
        .await;
    until("it is known", || state(&served, "main").is_some()).await;
    tell(&served, HealthEvent::EventDeliveryFailed, Emission::Throttled).await;
    publish(&served, 0..5);
    let began = Instant::now();
    receive(&mut named, 0..5).await;
    // Ten a second: four waits between five.
    assert!(began.elapsed() >= Duration::from_millis(390), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_session_that_ends_is_told_and_one_without_a_name_is_not_known() {
    let served = watching().await;
    let unnamed = served.client().await.subscribe("pattern=events/t").await;
    let named = served
        .client()
        .await
        .subscribe("pattern=events/t&session=billing")
        .await;
    until("it is known", || {
        state(&served, "gateway") == Some(HealthState::Healthy)
    })
    .await;
    assert_eq!(served.node.subscription_health().names("gateway").len(), 1);
    drop(named);
    until("its end is told", || {
        state(&served, "gateway") == Some(HealthState::Failed)
    })
    .await;
    drop(unnamed);
}

#[tokio::test]
async fn switched_off_a_session_with_a_name_is_one_like_any_other() {
    let served = Served::start().await;
    let mut named = served
        .client()
        .await
        .subscribe("pattern=events/t&session=billing&store=main")
        .await;
    publish(&served, 0..100);
    receive(&mut named, 0..100).await;
    assert_eq!(state(&served, "main"), None);
}

#[tokio::test]
async fn a_name_that_is_no_level_of_a_topic_is_refused() {
    let served = Served::start().await;
    for (query, words) in [
        ("session=a:b", "`session` must be one level"),
        ("session=", "`session` must be one level"),
        ("session=*", "`session` must be one level"),
        ("session=a&store=$bw", "`store` must be one level"),
        ("store=main", "give `session`, too"),
    ] {
        let answer = served
            .client()
            .await
            .get(&format!("/v1/subscribe?pattern=events/t&{query}"))
            .await;
        answer.expect_error(400, "bad_query", words);
    }
}

#[tokio::test]
async fn health_is_shown_per_store_and_subscription_and_may_be_told_over_http() {
    let served = watching().await;
    let mut client = served.client().await;
    assert_eq!(
        client.get("/v1/subscription_health").await.json(),
        serde_json::json!([])
    );
    client
        .get("/v1/subscription_health/main")
        .await
        .expect_error(404, "unknown_subscription", "that store");
    let path = "/v1/subscription_health/main/billing";
    client
        .get(path)
        .await
        .expect_error(404, "unknown_subscription", "that subscription");
    let told = client
        .post(
            &format!("{path}/proxy_crashed"),
            "application/json",
            r#"{"error":"boom"}"#,
        )
        .await;
    assert!(told.json()["id"].is_string());
    until("it is heeded", || state(&served, "main") == Some(HealthState::Failed)).await;
    let shown = client.get(path).await.json();
    assert_eq!(
        (&shown["current_status"], &shown["emission"]),
        (&"failed".into(), &"paused".into())
    );
    let store = client.get("/v1/subscription_health/main").await.json();
    assert_eq!(store["subscriptions"][0], shown);
    assert_eq!(
        (&store["changes"][0]["to"], &store["changes"][0]["reason"]),
        (&"failed".into(), &"boom".into())
    );
    let summary = client.get("/v1/subscription_health").await.json();
    assert_eq!(
        (&summary[0]["store_id"], &summary[0]["failed"]),
        (&"main".into(), &1.into())
    );
    let wrong = client.post(&format!("{path}/a:b"), "application/json", "").await;
    wrong.expect_error(400, "bad_field", "the event must be one level");
    let wrong = client
        .post(&format!("{path}/proxy_started"), "application/json", "[]")
        .await;
    wrong.expect_error(400, "bad_json", "the body is the metadata");
}

#[tokio::test]
async fn circuit_breakers_are_shown_and_closed() {
    let served = watching().await;
    let mut client = served.client().await;
    assert_eq!(client.get("/v1/circuit_breakers").await.json(), serde_json::json!([]));
    let breaker = served
        .node
        .circuit_breaker("pager", bellwether::BreakerOptions::default());
    (0..5).for_each(|_| breaker.failure());
    let shown = client.get("/v1/circuit_breakers").await.json();
    assert_eq!(
        (&shown[0]["service"], &shown[0]["state"]),
        (&"pager".into(), &"open".into())
    );
    assert_eq!(shown[0]["statistics"]["failed"], 5);
    let closed = client
        .post("/v1/circuit_breakers/pager/reset", "application/json", "")
        .await;
    assert_eq!(closed.json()["state"], "closed");
    let unknown = client
        .post("/v1/circuit_breakers/fax/reset", "application/json", "")
        .await;
    unknown.expect_error(404, "unknown_subscription", "no circuit breaker");
}
