use bellwether::Instance;
use serde_json::json;

use crate::served::{MAX_PAYLOAD_BYTES, Served};

const HEALTH: &str = r#"{"node":"db-1","status":"healthy","shelf":7}"#;

#[tokio::test]
async fn a_typed_message_is_filled_in_published_and_answered_whole() {
    let served = Served::start().await;
    let mut lines = served.client().await.subscribe("pattern=health/*").await;
    let mut client = served.client().await;
    let path = "/v1/messages/health/node_health_updated?correlation_id=c-1&causation_id=c-0";
    let published = client.post(path, "application/x-www-form-urlencoded", HEALTH).await;
    assert_eq!(published.status, 200, "{published:?}");
    let answer = published.json();
    let keys: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "payload", "topic"]);
    assert_eq!(answer["id"], format!("health/a/{}/1", served.node.epoch()));
    assert_eq!(answer["topic"], "cluster:health");
    assert_eq!(answer["payload"]["checks"], json!({}));
    assert_eq!(answer["payload"]["shelf"], 7, "what this version does not know is kept");
    assert!(answer["payload"]["timestamp"].as_str().unwrap().ends_with('Z'));

    let message = lines.next_json().await;
    assert_eq!(message["payload"], answer["payload"]);
    assert_eq!((&message["topic"], &message["id"]), (&answer["topic"], &answer["id"]));
    assert_eq!(message["event"], "node_health_updated");
    assert_eq!(message["content_type"], "application/json");
    assert_eq!(
        (&message["correlation_id"], &message["causation_id"]),
        (&json!("c-1"), &json!("c-0"))
    );
    assert_eq!(
        (&message["originating_node"], &message["reporting_node"]),
        (&json!("db-1"), &json!("a"))
    );
}

#[tokio::test]
async fn a_type_goes_by_its_name_too_and_a_topic_by_its_own() {
    let served = Served::start().await;
    let mut lines = served.client().await.subscribe("pattern=health/*").await;
    let mut client = served.client().await;
    for (query, topic) in [
        ("", "cluster:health"),
        ("?topic=somewhere:else", "somewhere:else"),
        ("?topic=node_health", "cluster:health"),
        ("?topic=node_health&wait=1&confirm=local", "cluster:health"),
    ] {
        let published = client
            .post(&format!("/v1/messages/ex_esdb_health/NodeHealth{query}"), "", HEALTH)
            .await;
        assert_eq!(published.status, 200, "{published:?}");
        assert_eq!(published.json()["topic"], topic);
        assert_eq!(lines.next_json().await["topic"], topic);
    }
}

#[tokio::test]
async fn confirmation_is_answered_beside_the_message() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let all = client
        .post("/v1/messages/health/NodeHealth?confirm=all", "", HEALTH)
        .await;
    assert_eq!(all.status, 200);
    let answer = all.json();
    assert_eq!(
        (&answer["confirmed"], &answer["required"], &answer["peers"]),
        (&json!(0), &json!(0), &json!([]))
    );
    assert_eq!(answer["payload"]["node"], "db-1");
    let none = client
        .post("/v1/messages/health/NodeHealth?confirm=none", "", HEALTH)
        .await;
    assert_eq!(
        (none.status.as_u16(), &none.json()["topic"]),
        (202, &json!("cluster:health"))
    );
    client
        .post("/v1/messages/health/NodeHealth?confirm=2", "", HEALTH)
        .await
        .expect_error(409, "too_few_peers", "nothing was published");
    assert_eq!(served.node.counters(Instance::Health).published.value(), 2);
}

#[tokio::test]
async fn what_is_no_message_of_its_type_is_told_with_its_fields() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let node = "`node` is missing";
    for (path, body, reason, fields, words) in [
        (
            "health/NodeHealth",
            "{}",
            "missing_fields",
            json!(["node", "status"]),
            node,
        ),
        (
            "health/NodeHealth",
            r#"{"node":"","status":"healthy"}"#,
            "invalid_node_fields",
            json!(["node"]),
            "name of a node",
        ),
        (
            "health/NodeHealth",
            r#"{"node":"a","status":"healthy","timestamp":"noon"}"#,
            "invalid_timestamp",
            json!(["timestamp"]),
            "a time such as",
        ),
        (
            "health/NodeHealth",
            r#"{"node":"a","status":"healthy","load_avg":"high"}"#,
            "invalid_fields",
            json!(["load_avg"]),
            "must be a number",
        ),
        (
            "health/NodeHealth",
            r#"{"node":"a","status":"fine"}"#,
            "unknown_words",
            json!(["status"]),
            "one of healthy",
        ),
        (
            "health/NodeHealth",
            "[]",
            "invalid_payload",
            json!([]),
            "a message is a JSON object",
        ),
        (
            "health/node_helth",
            "{}",
            "unknown_type",
            json!([]),
            "node_health_updated",
        ),
        (
            "alerts/NodeHealth",
            "{}",
            "unknown_type",
            json!([]),
            "no message type `NodeHealth`",
        ),
        (
            "events/events",
            "[]",
            "unknown_instance",
            json!([]),
            "no typed messages",
        ),
    ] {
        let answer = client.post(&format!("/v1/messages/{path}"), "", body).await;
        answer.expect_invalid(reason, &fields, words);
    }
    for (path, body, status, reason, words) in [
        ("helth/NodeHealth", HEALTH, 400, "bad_instance", "did you mean `health`"),
        ("health/NodeHealth", "{", 400, "bad_json", "the body is not the JSON"),
        (
            "health/NodeHealth?topic=$bw:x",
            HEALTH,
            403,
            "reserved_topic",
            "belong to the mesh",
        ),
        ("health/NodeHealth?topic=a:*", HEALTH, 400, "bad_topic", "wildcard"),
        (
            "health/NodeHealth?event=x",
            HEALTH,
            400,
            "bad_query",
            "unknown field `event`",
        ),
        (
            "health/NodeHealth?correlation_id=a%0Ab",
            HEALTH,
            400,
            "bad_field",
            "control character",
        ),
        ("health/NodeHealth?wait=31", HEALTH, 400, "bad_query", "up to 30"),
    ] {
        let answer = client.post(&format!("/v1/messages/{path}"), "", body).await;
        answer.expect_error(status, reason, words);
    }
    let large = format!(r#"{{"node":"a","status":"healthy","x":"{}"}}"#, "x".repeat(2_000_000));
    let answer = served
        .client()
        .await
        .post("/v1/messages/health/NodeHealth", "", large)
        .await;
    answer.expect_error(413, "too_large", "at most");
    for info in served.node.instances() {
        assert_eq!(info.published, 0, "{}", info.instance);
    }
}

#[tokio::test]
async fn what_is_filled_in_counts_to_the_size() {
    let served = Served::start_with(
        |config| config.instances[Instance::Health.index()].max_payload_bytes = MAX_PAYLOAD_BYTES,
        |gateway| gateway,
    )
    .await;
    let mut client = served.client().await;
    let least = json!({"node": "a", "status": "healthy", "x": ""}).to_string().len();
    let of = |bytes: usize| json!({"node": "a", "status": "healthy", "x": "x".repeat(bytes - least)}).to_string();
    let fits = client
        .post("/v1/messages/health/NodeHealth", "", of(MAX_PAYLOAD_BYTES - 100))
        .await;
    assert_eq!(fits.status, 200, "{fits:?}");
    let grows = client
        .post("/v1/messages/health/NodeHealth", "", of(MAX_PAYLOAD_BYTES - 1))
        .await;
    grows.expect_error(413, "too_large", "at most 1000");
}

#[tokio::test]
async fn a_message_is_judged_as_its_receivers_do_and_not_published() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let body = r#"{"node":"a","status":"sleepy","timestamp":1723723200000}"#;
    let valid = client.post("/v1/validate/health/NodeHealth", "", body).await;
    assert_eq!(valid.status, 200, "{valid:?}");
    assert_eq!(
        valid.json(),
        json!({"valid": true, "payload":
            {"node": "a", "status": "sleepy", "checks": {}, "timestamp": "2024-08-15T12:00:00.000Z"}})
    );
    for (path, body, reason, fields) in [
        (
            "health/node_health_updated",
            r#"{"node":"a","status":"healthy"}"#,
            "missing_fields",
            json!(["timestamp"]),
        ),
        ("health/nothing", "{}", "unknown_type", json!([])),
        ("events/events", "[]", "unknown_instance", json!([])),
    ] {
        let answer = client.post(&format!("/v1/validate/{path}"), "", body).await;
        answer.expect_invalid(reason, &fields, "");
    }
    client
        .post("/v1/validate/health/NodeHealth?topic=x", "", body)
        .await
        .expect_error(400, "bad_query", "unknown field `topic`");
    assert_eq!(served.node.counters(Instance::Health).published.value(), 0);
}
