use serde_json::json;

use crate::served::Served;

const RULE: &str = r#"{"metric_name":"queue_depth","kind":"max","warning":100}"#;

#[tokio::test]
async fn a_rule_is_added_replaced_listed_and_removed() {
    let served = Served::start().await;
    let mut client = served.client().await;
    assert_eq!(client.get("/v1/thresholds").await.json(), json!([]));
    let whole = json!({"id": "deep queue", "metric_name": "queue_depth", "kind": "max", "warning": 100.0,
        "sustained": 1, "hysteresis": 0.05, "enabled": true});
    let path = "/v1/thresholds/deep%20queue";
    let put = client.send("PUT", path, &[], RULE).await;
    assert_eq!((put.status.as_u16(), put.json()), (200, whole.clone()));
    assert_eq!(client.get("/v1/thresholds").await.json(), json!([whole]));
    // What was listed may be put back as it is, and replaces the other.
    let mut changed = whole;
    changed["critical"] = 900.0.into();
    changed["component"] = "api".into();
    let put = client.send("PUT", path, &[], changed.to_string()).await;
    assert_eq!(put.json(), changed);
    assert_eq!(client.get("/v1/thresholds").await.json(), json!([changed]));
    assert_eq!(served.node.thresholds()[0].critical, Some(900.0));

    let removed = client.send("DELETE", path, &[], "").await;
    assert_eq!(
        (removed.status.as_u16(), removed.json()),
        (200, json!({"id": "deep queue", "removed": true}))
    );
    let again = client.send("DELETE", path, &[], "").await;
    again.expect_error(404, "unknown_threshold", "`deep queue`; GET /v1/thresholds");
    assert!(served.node.thresholds().is_empty());
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused_in_its_words() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (body, reason, fields, words) in [
        (
            r#"{"metric_name":"m","kind":"max"}"#,
            "invalid_fields",
            json!([]),
            "`r` has no limit: give `warning`, `critical` or both",
        ),
        (
            r#"{"metric_name":"m","kind":"min","warning":1,"critical":2}"#,
            "invalid_fields",
            json!([]),
            "critical (2) must be below warning (1)",
        ),
        (
            r#"{"metric_name":"m","kind":"max","warning":1,"sustained":0}"#,
            "invalid_fields",
            json!([]),
            "from 1 to 3600",
        ),
        (
            r#"{"metric_name":"","kind":"max","warning":1}"#,
            "invalid_fields",
            json!([]),
            "needs metric_name",
        ),
        (
            r#"{"id":"s","metric_name":"m","kind":"max","warning":1}"#,
            "invalid_fields",
            json!(["id"]),
            "not that of the path",
        ),
        (
            r#"{"kind":"max","warning":1}"#,
            "invalid_payload",
            json!([]),
            "missing field `metric_name`",
        ),
        (
            r#"{"metric_name":"m","kind":"most","warning":1}"#,
            "invalid_payload",
            json!([]),
            "expected `min` or `max`",
        ),
        (
            r#"{"metric_name":"m","kind":"max","warning":1,"warn":2}"#,
            "invalid_payload",
            json!([]),
            "unknown field `warn`",
        ),
        ("[]", "invalid_payload", json!([]), "a JSON object such as"),
    ] {
        let answer = client.send("PUT", "/v1/thresholds/r", &[], body).await;
        answer.expect_invalid(reason, &fields, words);
    }
    for (method, path, body, status, reason) in [
        ("PUT", "/v1/thresholds/r", "{", 400, "bad_json"),
        ("PUT", "/v1/thresholds/r?sustained=2", RULE, 400, "bad_query"),
        ("PUT", "/v1/thresholds", RULE, 405, "wrong_method"),
        ("POST", "/v1/thresholds/r", RULE, 405, "wrong_method"),
        ("GET", "/v1/thresholds/r", "", 405, "wrong_method"),
    ] {
        client
            .send(method, path, &[], body)
            .await
            .expect_error(status, reason, "");
    }
    let large = format!(r#"{{"metric_name":"{}"}}"#, "x".repeat(5000));
    let answer = client.send("PUT", "/v1/thresholds/r", &[], large).await;
    answer.expect_error(413, "too_large", "at most 4096");
    assert!(served.node.thresholds().is_empty());
}

#[tokio::test]
async fn there_are_only_so_many_rules() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let mut added = 0;
    let full = loop {
        let path = format!("/v1/thresholds/r{added}");
        let answer = client.send("PUT", &path, &[], RULE).await;
        if answer.status != 200 {
            break answer;
        }
        added += 1;
    };
    full.expect_error(409, "too_many_thresholds", "remove one first");
    assert_eq!((added, served.node.thresholds().len()), (256, 256));
    let known = client.send("PUT", "/v1/thresholds/r0", &[], RULE).await;
    assert_eq!(known.status, 200);
}
