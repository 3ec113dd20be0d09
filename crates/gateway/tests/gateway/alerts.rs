use std::time::Duration;

use bellwether::Instance;
use serde_json::{Value, json};

use crate::client::Client;
use crate::served::{Served, until};

/// A node that knows alerts of these types and severities.
async fn knowing(alerts: &[(&str, &str)]) -> Served {
    let served = Served::start().await;
    served.node.integration().enable();
    for (alert_type, severity) in alerts {
        served
            .node
            .integration()
            .broadcast_alert(alert_type, severity, &format!("{alert_type} is so"), json!({}))
            .unwrap();
    }
    until("the node knows its alerts", || {
        served.node.alerts().all().len() == alerts.len()
    })
    .await;
    served
}

async fn listed(client: &mut Client, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/v1/alerts{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

fn keys(alerts: &[Value]) -> Vec<&str> {
    alerts.iter().map(|alert| alert["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn alerts_are_listed_by_their_state_the_worst_first() {
    let served = knowing(&[
        ("slow", "warning"),
        ("down", "critical"),
        ("late", "info"),
        ("seen_little", "info"),
        ("seen", "critical"),
        ("over", "critical"),
    ])
    .await;
    let alerts = served.node.alerts();
    for alert in alerts.all() {
        if alert.key.starts_with("seen") {
            alerts.acknowledge(&alert.alert_id, "ops", None, None).unwrap();
        }
    }
    // Of two that are as bad the later one comes first: the clock counts milliseconds.
    tokio::time::sleep(Duration::from_millis(5)).await;
    served
        .node
        .integration()
        .broadcast_alert("fine_again", "info", "m", json!({"clears": "over:a"}))
        .unwrap();
    until("it is over", || alerts.all().len() == 7).await;
    let mut client = served.client().await;
    let open = ["down:a", "slow:a", "fine_again:a", "late:a"];
    for (query, expected) in [
        ("", open.to_vec()),
        ("?state=open", open.to_vec()),
        ("?state=acknowledged", vec!["seen:a", "seen_little:a"]),
        ("?state=cleared", vec!["over:a"]),
        (
            "?state=all",
            [&open[..], &["seen:a", "seen_little:a", "over:a"]].concat(),
        ),
    ] {
        assert_eq!(keys(&listed(&mut client, query).await), expected, "{query}");
    }
    let worst = &listed(&mut client, "").await[0];
    assert_eq!(
        (&worst["severity"], &worst["title"], &worst["state"], &worst["level"]),
        (
            &json!("critical"),
            &json!("down is so"),
            &json!("open"),
            &json!("level1")
        )
    );
    for query in ["?state=closed", "?stat=open"] {
        let answer = client.get(&format!("/v1/alerts{query}")).await;
        answer.expect_error(400, "bad_query", "expected");
    }
}

#[tokio::test]
async fn one_alert_is_found_by_its_id_whatever_that_is() {
    let served = knowing(&[("down", "critical")]).await;
    let mut client = served.client().await;
    let foreign = json!({"severity": "error", "category": "system", "title": "t", "description": "d", "source": "s",
        "alert_id": "ours/7 ä"});
    let published = client
        .post("/v1/messages/alerts/SystemAlert", "", foreign.to_string())
        .await;
    assert_eq!(published.status, 200, "{published:?}");
    until("the node knows it", || served.node.alerts().all().len() == 2).await;
    let own = listed(&mut client, "").await[0]["alert_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (path, id) in [(own.as_str(), own.as_str()), ("ours%2F7%20%C3%A4", "ours/7 ä")] {
        let answer = client.get(&format!("/v1/alerts/{path}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["alert_id"]), (200, &json!(id)));
    }
    let acknowledged = client
        .post("/v1/alerts/ours%2F7%20%C3%A4/acknowledge", "", r#"{"by":"ops"}"#)
        .await;
    assert_eq!(acknowledged.json()["alert_id"], "ours/7 ä");
    let unknown = client.get("/v1/alerts/nothing").await;
    unknown.expect_error(404, "unknown_alert", "`nothing`; GET /v1/alerts?state=all");
    let long = client.get(&format!("/v1/alerts/{}", "x".repeat(9000))).await;
    long.expect_error(404, "unknown_alert", "…");
    assert!(long.body.len() < 400);
}

#[tokio::test]
async fn an_acknowledgement_is_published_and_answered_with_the_alert() {
    let served = knowing(&[("down", "critical")]).await;
    let mut lines = served.client().await.subscribe("pattern=alerts/*").await;
    let mut client = served.client().await;
    let id = served.node.alerts().open()[0].alert_id.clone();
    let body = r#"{"by":"ops","note":"looking","resolution":null}"#;
    let answer = client
        .post(
            &format!("/v1/alerts/{id}/acknowledge"),
            "application/x-www-form-urlencoded",
            body,
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let alert = answer.json();
    assert_eq!(
        (
            &alert["state"],
            &alert["acknowledged_by"],
            &alert["ack_note"],
            &alert["resolution"]
        ),
        (&json!("acknowledged"), &json!("ops"), &json!("looking"), &Value::Null)
    );
    let message = lines.next_json().await;
    assert_eq!(message["event"], "alert_acknowledged");
    assert_eq!(
        (
            &message["payload"]["alert_id"],
            &message["payload"]["ack_by"],
            &message["payload"]["ack_note"]
        ),
        (&json!(id), &json!("ops"), &json!("looking"))
    );
    let solved = client
        .post(
            &format!("/v1/alerts/{id}/acknowledge"),
            "",
            r#"{"by":"ops","resolution":"replaced"}"#,
        )
        .await;
    assert_eq!(solved.json()["resolution"], "replaced");
}

#[tokio::test]
async fn an_alert_of_another_node_may_be_acknowledged_before_it_is_known() {
    let served = knowing(&[]).await;
    let mut lines = served.client().await.subscribe("pattern=alerts/*").await;
    let mut client = served.client().await;
    let answer = client
        .post("/v1/alerts/later/acknowledge", "", r#"{"by":"ops","note":"mine"}"#)
        .await;
    assert_eq!(answer.status, 202);
    assert_eq!(
        answer.json(),
        json!({"alert_id": "later", "acknowledged_by": "ops", "ack_note": "mine", "resolution": null, "known": false})
    );
    assert_eq!(lines.next_json().await["payload"]["alert_id"], "later");
    assert_eq!(served.node.alerts().all().len(), 0);
}

#[tokio::test]
async fn an_acknowledgement_that_is_none_is_told_with_its_fields() {
    let served = knowing(&[("down", "critical")]).await;
    let mut client = served.client().await;
    let id = served.node.alerts().open()[0].alert_id.clone();
    let before = served.node.counters(Instance::Alerts).published.value();
    let path = format!("/v1/alerts/{id}/acknowledge");
    for (body, reason, fields, words) in [
        ("{}", "missing_fields", json!(["by"]), "`by` is missing"),
        (r#"{"by":null}"#, "missing_fields", json!(["by"]), "`by` is missing"),
        (r#"{"by":" "}"#, "invalid_fields", json!(["by"]), "it is empty"),
        (r#"{"by":7}"#, "invalid_fields", json!(["by"]), "`by` must be text"),
        (
            r#"{"by":"ops","note":[],"resolution":1}"#,
            "invalid_fields",
            json!(["note", "resolution"]),
            "`note` must be text",
        ),
        (
            r#"{"by":"ops","ack_note":"x"}"#,
            "invalid_payload",
            json!([]),
            "no field `ack_note`; it has by, note and resolution",
        ),
        ("[]", "invalid_payload", json!([]), "JSON object"),
    ] {
        let answer = client.post(&path, "", body).await;
        answer.expect_invalid(reason, &fields, words);
    }
    let answer = client
        .post(
            &format!("/v1/alerts/{}/acknowledge", "x".repeat(129)),
            "",
            r#"{"by":"ops"}"#,
        )
        .await;
    answer.expect_invalid("invalid_fields", &json!(["alert_id"]), "at most 128 bytes, not 129");
    client
        .post(&path, "", "{")
        .await
        .expect_error(400, "bad_json", "the body is not the JSON");
    client
        .post(&format!("{path}?by=ops"), "", "{}")
        .await
        .expect_error(400, "bad_query", "unknown field `by`");
    client
        .get(&path)
        .await
        .expect_error(405, "wrong_method", "does not take GET");
    let large = format!(r#"{{"by":"ops","note":"{}"}}"#, "x".repeat(2_000_000));
    let answer = served.client().await.post(&path, "", large).await;
    answer.expect_error(413, "too_large", "at most");
    assert_eq!(served.node.counters(Instance::Alerts).published.value(), before);
    assert_eq!(served.node.alerts().open().len(), 1);
}
