use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::served::{MAX_PAYLOAD_BYTES, Served, soon};

#[tokio::test]
async fn a_message_arrives_with_every_field_and_no_other() {
    let served = Served::start().await;
    let mut lines = served.client().await.subscribe("pattern=alerts/system_alerts:*").await;
    let published = served
        .client()
        .await
        .post(
            "/v1/publish/alerts/system_alerts:critical?event=critical_alert&originating_node=db-1\
             &correlation_id=order-7&causation_id=c%201&schema_version=3",
            "application/json",
            r#"{"message":"disk full","ratio":1.50}"#,
        )
        .await;
    assert_eq!(published.status, 200, "{published:?}");
    let epoch = served.node.epoch();
    assert_eq!(published.json(), json!({ "id": format!("alerts/a/{epoch}/1") }));

    let line = lines.next().await.unwrap();
    assert!(
        line.contains(r#""payload":{"message":"disk full","ratio":1.50}"#),
        "untouched: {line}"
    );
    let mut message: serde_json::Value = serde_json::from_str(&line).unwrap();
    let timestamp = message.as_object_mut().unwrap().remove("timestamp").unwrap();
    assert!(timestamp.as_str().unwrap().ends_with('Z'), "{timestamp}");
    assert_eq!(
        message,
        json!({
            "id": format!("alerts/a/{epoch}/1"),
            "instance": "alerts",
            "topic": "system_alerts:critical",
            "event": "critical_alert",
            "originating_node": "db-1",
            "reporting_node": "a",
            "correlation_id": "order-7",
            "causation_id": "c 1",
            "schema_version": 3,
            "content_type": "application/json",
            "signed": false,
            "payload": { "message": "disk full", "ratio": 1.5 },
        })
    );
}

#[tokio::test]
async fn payloads_are_shown_by_their_content_type_and_absent_fields_have_defaults() {
    let served = Served::start().await;
    let mut lines = served.client().await.subscribe("pattern=events/*").await;
    let mut client = served.client().await;
    client.send("POST", "/v1/publish/events/t", &[], vec![0, 255]).await;
    client.post("/v1/publish/events/t", "text/plain", "a\n\"b\"").await;
    client
        .post("/v1/publish/ex_esdb_events/%C3%BC:x%20y/z", "image/png", "")
        .await;

    let bytes = lines.next_json().await;
    assert_eq!(bytes["content_type"], "application/octet-stream");
    assert_eq!(bytes["payload_base64"], "AP8=");
    assert_eq!(bytes["event"], "message");
    assert_eq!(bytes["originating_node"], "a");
    assert_eq!(bytes["schema_version"], 1);
    assert!(bytes["correlation_id"].is_null() && bytes["causation_id"].is_null());
    assert_eq!(lines.next_json().await["payload"], "a\n\"b\"");
    let image = lines.next_json().await;
    assert_eq!(image["topic"], "ü:x y/z");
    assert_eq!(
        (&image["content_type"], &image["payload_base64"]),
        (&json!("image/png"), &json!(""))
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_in_words_and_nothing_is_published() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (path, reason, words) in [
        (
            "alrts/t",
            "bad_instance",
            "unknown instance `alrts`: did you mean `alerts`?",
        ),
        ("alerts/a::b", "bad_topic", "the topic is wrong: level 2 is empty"),
        ("alerts/a:*", "bad_topic", "level 2 is the wildcard `*`"),
        ("alerts/a%0Ab", "bad_topic", "control character"),
        ("alerts/%FF", "bad_topic", "UTF-8"),
        ("alerts/t?evnt=x", "bad_query", "unknown field `evnt`"),
        ("alerts/t?event=", "bad_field", "`event` is empty"),
        ("alerts/t?event=a%0Ab", "bad_field", "`event` holds a control character"),
        ("alerts/t?schema_version=0", "bad_query", "nonzero"),
        ("alerts/t?schema_version=x", "bad_query", "schema_version"),
        (
            "alerts/t?originating_node=A",
            "bad_field",
            "`originating_node` is wrong: label 1",
        ),
    ] {
        let answer = client.post(&format!("/v1/publish/{path}"), "text/plain", "x").await;
        answer.expect_error(400, reason, words);
    }
    let long = format!("/v1/publish/alerts/t?correlation_id={}", "x".repeat(257));
    client
        .post(&long, "text/plain", "x")
        .await
        .expect_error(400, "bad_field", "`correlation_id` has 257 bytes");
    let topic = format!("/v1/publish/alerts/{}", "x".repeat(241));
    client
        .post(&topic, "text/plain", "x")
        .await
        .expect_error(400, "bad_topic", "at most 240");
    client
        .post("/v1/publish/alerts/t", &"x".repeat(129), "x")
        .await
        .expect_error(400, "bad_field", "`content_type` has 129 bytes");
    client
        .post("/v1/publish/diagnostics/$bw:snapshot:a", "text/plain", "x")
        .await
        .expect_error(403, "reserved_topic", "begin with `$`");
    assert!(served.node.instances().iter().all(|info| info.published == 0));
}

#[tokio::test]
async fn a_body_that_calls_itself_json_is_checked_and_the_place_is_named() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (body, words) in [
        ("{\"a\":\n 1,}", "line 2 column 4"),
        ("", "EOF"),
        ("{} {}", "trailing"),
        ("\u{feff}1", "line 1"),
    ] {
        let answer = client
            .post("/v1/publish/alerts/t", "application/json; charset=utf-8", body)
            .await;
        answer.expect_error(400, "bad_json", words);
    }
    let answer = client
        .post("/v1/publish/alerts/t", "application/json", vec![b'"', 0xff, b'"'])
        .await;
    answer.expect_error(400, "bad_json", "not JSON");
    assert!(served.node.instances().iter().all(|info| info.published == 0));
}

#[tokio::test]
async fn a_payload_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let full = client
        .post("/v1/publish/events/t", "text/plain", "x".repeat(MAX_PAYLOAD_BYTES))
        .await;
    assert_eq!(full.status, 200, "{full:?}");
    let more = client
        .post("/v1/publish/events/t", "text/plain", "x".repeat(MAX_PAYLOAD_BYTES + 1))
        .await;
    more.expect_error(
        413,
        "too_large",
        "the payload has 1001 bytes; this instance takes at most 1000",
    );
}

#[tokio::test]
async fn a_payload_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let served = Served::start().await;
    let answer = raw(
        &served,
        "POST /v1/publish/events/t HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5000000\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(
        answer.contains("the payload has 5000000 bytes; this instance takes at most 1000"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_payload_in_chunks_is_refused_once_it_is_too_large() {
    let served = Served::start().await;
    let head = "POST /v1/publish/events/t HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    // Never ended: the answer must not wait for it.
    let answer = raw(&served, &format!("{head}{chunk}{chunk}{chunk}")).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("bytes; this instance takes at most 1000"), "{answer}");

    let answer = raw(&served, &format!("{head}{chunk}{chunk}0\r\nconnection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(served.node.instances()[0].published, 1);
}

#[tokio::test]
async fn a_broken_body_is_not_published() {
    let served = Served::start().await;
    let head = "POST /v1/publish/events/t HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = raw(&served, &format!("{head}zz\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("bad_body"), "{answer}");
    assert_eq!(served.node.instances()[0].published, 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let served = Served::start().await;
    let mut stream = TcpStream::connect(served.addr).await.unwrap();
    let request = "POST /v1/publish/events/t HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\n\r\nab";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("slow_body"), "{answer}");
}

#[tokio::test]
async fn a_node_that_stops_says_so() {
    let served = Served::start().await;
    served.node.shutdown().await;
    let answer = served
        .client()
        .await
        .post("/v1/publish/events/t", "text/plain", "x")
        .await;
    answer.expect_error(503, "stopping", "the node is stopping");
}

/// What comes back for these bytes until an answer's body is whole, or the connection is closed.
async fn raw(served: &Served, request: &str) -> String {
    let mut stream = TcpStream::connect(served.addr).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") && !answer.ends_with(b"}\n") {
        if soon(stream.read_buf(&mut answer)).await.unwrap() == 0 {
            break;
        }
    }
    String::from_utf8(answer).unwrap()
}
