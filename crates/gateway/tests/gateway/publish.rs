use bellwether::{Instance, Pattern};
use http_body_util::BodyExt;
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
            "alerts/t?wait=yes",
            "bad_query",
            "`wait` must be true, false or a whole number",
        ),
        ("alerts/t?wait=", "bad_query", "seconds up to 30"),
        ("alerts/t?wait=31", "bad_query", "seconds up to 30"),
        ("alerts/t?wait=1.5", "bad_query", "a whole number"),
        (
            "alerts/t?confirm=some",
            "bad_query",
            "`confirm` is wrong: write none, local, all or a number",
        ),
        ("alerts/t?confirm=-1", "bad_query", "a number of peers"),
        ("alerts/t?confirm=all&confirm_within=0", "bad_query", "1 to 60"),
        ("alerts/t?confirm=all&confirm_within=61", "bad_query", "1 to 60"),
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
async fn a_publisher_says_who_must_hold_its_message() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let epoch = served.node.epoch();
    for (query, status, body) in [
        ("confirm=none", 202, json!({ "id": format!("alerts/a/{epoch}/1") })),
        (
            "confirm=local&wait=true",
            200,
            json!({ "id": format!("alerts/a/{epoch}/2") }),
        ),
        (
            "confirm=all&confirm_within=1&wait=false",
            200,
            json!({ "id": format!("alerts/a/{epoch}/3"), "confirmed": 0, "required": 0, "peers": [] }),
        ),
        (
            "confirm=0&wait=5",
            200,
            json!({ "id": format!("alerts/a/{epoch}/4"), "confirmed": 0, "required": 0, "peers": [] }),
        ),
    ] {
        let answer = client
            .post(&format!("/v1/publish/alerts/t?{query}"), "text/plain", "x")
            .await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, body), "{query}");
    }
    let answer = client.post("/v1/publish/alerts/t?confirm=2", "text/plain", "x").await;
    answer.expect_error(409, "too_few_peers", "2 peers are to confirm, but 0 want");
    assert_eq!(served.node.counters(Instance::Alerts).published.value(), 4);
}

#[tokio::test]
async fn a_publisher_that_waits_is_told_that_there_was_no_room() {
    let served = Served::start_with(
        |config| config.instances[Instance::Alerts.index()].queue_messages = 64,
        |gateway| gateway,
    )
    .await;
    let (mut slow, _) = served
        .node
        .subscribe(Instance::Alerts, [Pattern::new("*").unwrap()])
        .await
        .unwrap();
    let mut client = served.client().await;
    let mut published = 0;
    let refused = loop {
        let response = client.begin("POST", "/v1/publish/alerts/t?wait=0", &[], "x").await;
        if response.status() != 200 {
            break response;
        }
        response.into_body().collect().await.unwrap();
        published += 1;
        assert!(published < 64, "a quarter is kept for those that do not wait");
    };
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    drop(refused);

    let mut client = served.client().await;
    let answer = client.post("/v1/publish/alerts/t?wait=0", "text/plain", "x").await;
    answer.expect_error(503, "no_room", "nothing was published");
    assert_eq!(served.node.counters(Instance::Alerts).published.value(), published);
    // Whoever waits longer gets the place of what is read meanwhile.
    let waiting = client.post("/v1/publish/alerts/t?wait=true", "text/plain", "last");
    let reading = async {
        for _ in 0..=published {
            soon(slow.next()).await.unwrap();
        }
    };
    let (answer, ()) = tokio::join!(waiting, reading);
    assert_eq!(answer.status, 200, "{answer:?}");
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

#[tokio::test]
async fn a_wait_for_room_looks_where_the_message_goes_whatever_the_topic_is_called() {
    let served = Served::start_with(
        |config| config.instances[Instance::Health.index()].queue_messages = 64,
        |gateway| gateway,
    )
    .await;
    let pattern = Pattern::new("cluster:health").unwrap();
    let (_slow, _) = served.node.subscribe(Instance::Health, [pattern]).await.unwrap();
    let mut client = served.client().await;
    for path in [
        "/v1/publish/health/node_health?wait=0",
        "/v1/messages/health/NodeHealth?topic=node_health&wait=0",
    ] {
        let mut last = 200;
        for _ in 0..64 {
            let answer = client.post(path, "", r#"{"node":"a","status":"healthy"}"#).await;
            last = answer.status.as_u16();
        }
        assert_eq!(last, 503, "{path}: a quarter is kept for those that do not wait");
    }
}

#[tokio::test]
async fn a_question_that_nobody_hears_is_refused() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let path = "/v1/publish/events/t?reply_to=events/answers:1";
    let answer = client.send("POST", path, &[], "unheard").await;
    answer.expect_error(409, "no_responders", "nothing was published");
    let mut lines = served.client().await.subscribe("pattern=events/t&from=earliest").await;
    assert_eq!(client.send("POST", path, &[], "heard").await.status, 200);
    let first = loop {
        let line = lines.next_json().await;
        if line["payload_base64"].is_string() {
            break line;
        }
    };
    assert_eq!(first["id"], format!("events/a/{}/1", served.node.epoch()));
}

#[tokio::test]
async fn a_message_has_headers_and_an_address_for_the_answer() {
    let served = Served::start().await;
    let mut lines = served.client().await.subscribe("pattern=events/*").await;
    let mut client = served.client().await;
    let headers = [
        ("Bellwether-Header-Trace-Id", "17"),
        ("bellwether-header-tag", "a"),
        ("bellwether-header-tag", "b: c"),
        ("x-other", "is not one"),
    ];
    let path = "/v1/publish/events/t?reply_to=events/$nats:_INBOX:x:1";
    assert_eq!(client.send("POST", path, &headers, "x").await.status, 200);
    let message = lines.next_json().await;
    assert_eq!(message["headers"], json!({"trace-id": "17", "tag": ["a", "b: c"]}));
    assert_eq!(message["reply_to"], "events/$nats:_INBOX:x:1");
    // Whoever is asked so can answer.
    assert_eq!(
        client
            .post("/v1/publish/events/$nats:_INBOX:x:1", "text/plain", "y")
            .await
            .status,
        200
    );
    assert_eq!(lines.next_json().await["topic"], "$nats:_INBOX:x:1");
    let answer = client.post("/v1/publish/alerts/$nats:a", "text/plain", "y").await;
    answer.expect_error(403, "reserved_topic", "begin with `$`");
    let long = "x".repeat(4097);
    let answer = client
        .send("POST", "/v1/publish/events/t", &[("bellwether-header-a", &long)], "x")
        .await;
    answer.expect_error(400, "bad_field", "at most 4096");
    for (address, reason) in [
        ("t", "bad_field"),
        ("nowhere/t", "bad_instance"),
        ("events/a::b", "bad_field"),
    ] {
        let path = format!("/v1/publish/events/t?reply_to={address}");
        assert_eq!(client.send("POST", &path, &[], "x").await.json()["reason"], reason);
    }
}
