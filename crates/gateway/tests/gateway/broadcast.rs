use bellwether::Instance;
use serde_json::{Value, json};

use crate::served::Served;

const HEALTH: &str = r#"{"component":"store","status":"healthy"}"#;

async fn enabled() -> Served {
    let served = Served::start().await;
    served.node.integration().enable();
    served
}

#[tokio::test]
async fn a_call_publishes_the_message_that_it_stands_for() {
    let served = enabled().await;
    let mut lines = served
        .client()
        .await
        .subscribe("pattern=health/*&pattern=metrics/*")
        .await;
    let mut client = served.client().await;
    let answer = client.post("/v1/broadcast/health_update", "", HEALTH).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({"id": format!("health/a/{}/1", served.node.epoch())})
    );
    let message = lines.next_json().await;
    assert_eq!(
        (&message["topic"], &message["event"]),
        (&json!("component_health"), &json!("component_health_updated"))
    );
    assert_eq!(message["payload"]["node"], "a");

    let body = r#"{"component":"emitter","metrics":{"events_emitted":10},"topic":"rates","node":"db-1"}"#;
    assert_eq!(client.post("/v1/broadcast/metrics", "", body).await.status, 200);
    let message = lines.next_json().await;
    assert_eq!(
        (&message["topic"], &message["payload"]["node"]),
        (&json!("rates"), &json!("db-1"))
    );
    assert_eq!(message["originating_node"], "db-1");
}

#[tokio::test]
async fn a_call_that_is_none_is_refused() {
    let served = enabled().await;
    let mut client = served.client().await;
    let unknown = client.post("/v1/broadcast/health", "", HEALTH).await;
    unknown.expect_error(
        404,
        "unknown_helper",
        "`health`; there are system_lifecycle, system_config, store_health",
    );
    for (helper, body, reason, fields, words) in [
        (
            "health_update",
            r#"{"component":"c","status":"fine"}"#,
            "unknown_words",
            json!(["status"]),
            "healthy",
        ),
        (
            "health_update",
            r#"{"component":"c"}"#,
            "invalid_payload",
            json!([]),
            "missing field `status`",
        ),
        (
            "health_update",
            r#"{"component":"c","status":"healthy","detail":{}}"#,
            "invalid_payload",
            json!([]),
            "`detail`",
        ),
        ("metrics", "[]", "invalid_payload", json!([]), "JSON object"),
    ] {
        let answer = client.post(&format!("/v1/broadcast/{helper}"), "", body).await;
        answer.expect_invalid(reason, &fields, words);
    }
    for (helper, body, status, reason) in [
        ("health_update", "{", 400, "bad_json"),
        (
            "health_update",
            r#"{"component":"c","status":"healthy","topic":"$bw"}"#,
            403,
            "reserved_topic",
        ),
        (
            "store_health",
            r#"{"store":"cluster","component":"c","status":"healthy"}"#,
            400,
            "bad_topic",
        ),
    ] {
        let answer = client.post(&format!("/v1/broadcast/{helper}"), "", body).await;
        answer.expect_error(status, reason, "");
    }
    assert_eq!(served.node.counters(Instance::Health).published.value(), 0);
}

#[tokio::test]
async fn a_topic_made_from_an_argument_is_never_the_meshs_own() {
    let served = enabled().await;
    let mut client = served.client().await;
    let alert = r#"{"alert_type":"$bw","severity":"info","message":"m"}"#;
    client
        .post("/v1/broadcast/alert", "", alert)
        .await
        .expect_error(403, "reserved_topic", "belong to the mesh");
    assert_eq!(served.node.counters(Instance::Alerts).published.value(), 0);
}

#[tokio::test]
async fn switched_off_nothing_is_done() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let answer = client.post("/v1/broadcast/health_update", "", HEALTH).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({"disabled": true}))
    );
    let batch = client
        .post("/v1/broadcast", "", format!(r#"[{{"health_update":{HEALTH}}},5]"#))
        .await;
    assert_eq!(
        batch.json(),
        json!({"success": 0, "errors": 0, "disabled": true, "failures": []})
    );
    client
        .post("/v1/broadcast/nothing", "", HEALTH)
        .await
        .expect_error(404, "unknown_helper", "there is no helper");
    assert_eq!(served.node.counters(Instance::Health).published.value(), 0);
}

#[tokio::test]
async fn one_that_fails_does_not_stop_the_rest_of_a_batch() {
    let served = enabled().await;
    let mut client = served.client().await;
    let batch = json!([
        {"health_update": {"component": "a", "status": "healthy"}},
        {"nothing": {}},
        {"health_update": {"component": "b", "status": "fine"}},
        5,
        {"alert": {"alert_type": "node_failure", "severity": "critical", "message": "m", "topic": "here"}},
        {"alert": {"alert_type": "$bw", "severity": "critical", "message": "m"}},
    ]);
    let answer = client
        .post("/v1/broadcast", "application/json", batch.to_string())
        .await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!((&answer["success"], &answer["errors"]), (&json!(2), &json!(4)));
    assert!(answer.get("disabled").is_none());
    let failures: Vec<(u64, &str)> = answer["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| (failure["index"].as_u64().unwrap(), failure["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        failures,
        [
            (1, "unknown_event_type"),
            (2, "unknown_words"),
            (3, "unknown_event_type"),
            (5, "reserved_topic")
        ]
    );
    assert!(
        answer["failures"][1]["error"]
            .as_str()
            .unwrap()
            .contains("not \"fine\""),
        "{answer}"
    );
    assert_eq!(served.node.counters(Instance::Health).published.value(), 1);
    assert_eq!(served.node.counters(Instance::Alerts).published.value(), 1);
}

#[tokio::test]
async fn a_batch_is_a_list_of_at_most_ten_thousand() {
    let served = enabled().await;
    let mut client = served.client().await;
    let calls = |count: usize| {
        format!(
            "[{}]",
            vec![r#"{"health_update":{"component":"c","status":"healthy"}}"#; count].join(",")
        )
    };
    let most = client.post("/v1/broadcast", "", calls(10_000)).await.json();
    assert_eq!(most, json!({"success": 10_000, "errors": 0, "failures": []}));
    client.post("/v1/broadcast", "", calls(10_001)).await.expect_error(
        413,
        "too_many_calls",
        "there are 10001 calls; a batch has at most 10000",
    );
    client
        .post("/v1/broadcast", "", HEALTH)
        .await
        .expect_error(400, "bad_field", "a list of calls");
    client
        .post("/v1/broadcast", "", "[{]")
        .await
        .expect_error(400, "bad_json", "not the JSON");
    assert_eq!(served.node.counters(Instance::Health).published.value(), 10_000);
}

#[tokio::test]
async fn the_integration_is_switched_and_tells_how_it_stands() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let standing = |enabled: bool, published: u64, failed: u64| {
        json!({"enabled": enabled, "health_broadcast_interval": 30_000, "metrics_broadcast_interval": 60_000,
            "published": published, "failed": failed})
    };
    assert_eq!(client.get("/v1/integration").await.json(), standing(false, 0, 0));
    let on = client.send("PUT", "/v1/integration", &[], r#"{"enabled":true}"#).await;
    assert_eq!((on.status.as_u16(), on.json()), (200, standing(true, 0, 0)));
    assert!(served.node.integration().enabled());
    client.post("/v1/broadcast/health_update", "", HEALTH).await;
    let wrong = r#"{"component":"c","status":"fine"}"#;
    client.post("/v1/broadcast/health_update", "", wrong).await;
    let metrics = client.get("/metrics").await.body;
    for sample in [
        "bellwether_broadcasts_published_total 1\n",
        "bellwether_broadcasts_failed_total 1\n",
        "bellwether_integration_enabled 1\n",
    ] {
        assert!(metrics.contains(sample), "{sample}");
    }
    for (body, reason) in [
        ("", "bad_json"),
        ("{}", "bad_field"),
        (r#"{"enabled":"no"}"#, "bad_field"),
        (r#"{"enabled":false,"for":5}"#, "bad_field"),
    ] {
        let answer = client.send("PUT", "/v1/integration", &[], body).await;
        answer.expect_error(400, reason, "");
    }
    let off: Value = client
        .send("PUT", "/v1/integration", &[], r#"{"enabled":false}"#)
        .await
        .json();
    assert_eq!(off, standing(false, 1, 1));
    client
        .post("/v1/integration", "", "{}")
        .await
        .expect_error(405, "wrong_method", "does not take POST");
}

#[tokio::test]
async fn the_self_check_holds_and_publishes_nothing() {
    let served = Served::start().await;
    let check = served.client().await.get("/v1/integration/compatibility").await.json();
    assert!(check.as_object().unwrap().values().all(|held| held == true), "{check}");
    assert_eq!(check.as_object().unwrap().len(), 4);
}
