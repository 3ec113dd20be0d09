use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::served::{Served, soon};

const NDJSON: &str = "application/x-ndjson";

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_line_is_answered_in_its_place() {
    let served = Served::start().await;
    let mut received = served
        .client()
        .await
        .subscribe("pattern=events/*&pattern=alerts/*")
        .await;
    let body = [
        r#"{"instance":"events","topic":"a","payload":{"n":1.0},"event":"e","headers":{"K":["1","2"]},"ref":"first"}"#,
        "",
        r#"{"instance":"events","topic":"a","text":"é"}"#,
        "{",
        r#"{"instance":"events","topic":"a","payload_base64":"AP8=","content_type":"image/png"}"#,
        r#"{"instance":"nowhere","topic":"a","ref":"r"}"#,
        r#"{"op":"publish","instance":"alerts","topic":"b","confirm":"all"}"#,
        r#"{"instance":"events","topic":"a","confirm":1}"#,
    ];
    let mut client = served.client().await;
    let answer = client.post("/v1/publish", NDJSON, body.join("\n")).await;
    assert_eq!((answer.status.as_u16(), answer.content_type.as_str()), (200, NDJSON));
    let epoch = served.node.epoch();
    let mut told = lines(&answer.body);
    for line in &mut told {
        if let Some(words) = line.as_object_mut().unwrap().remove("error") {
            assert!(words.as_str().unwrap().len() > 10);
        }
    }
    assert_eq!(
        told,
        [
            json!({"id": format!("events/a/{epoch}/1"), "ref": "first"}),
            json!({"id": format!("events/a/{epoch}/2")}),
            json!({"line": 4, "reason": "bad_json"}),
            json!({"id": format!("events/a/{epoch}/3")}),
            json!({"line": 6, "reason": "bad_instance", "ref": "r"}),
            json!({"id": format!("alerts/a/{epoch}/1"), "confirmed": 0, "required": 0, "peers": []}),
            json!({"line": 8, "reason": "too_few_peers"}),
            json!({"done": {"published": 4, "failed": 3}}),
        ]
    );
    let mut payloads = Vec::new();
    while payloads.len() < 4 {
        let message = received.next_json().await;
        payloads.push(json!([
            message["topic"],
            message["payload"],
            message["payload_base64"],
            message["headers"]
        ]));
    }
    // Instances are delivered each in its own order.
    payloads.sort_by_key(|message| message[0].to_string());
    assert_eq!(
        payloads,
        [
            json!(["a", {"n": 1.0}, null, {"K": ["1", "2"]}]),
            json!(["a", "é", null, null]),
            json!(["a", null, "AP8=", null]),
            json!(["b", null, "", null]),
        ]
    );
}

#[tokio::test]
async fn what_is_said_of_all_holds_for_each_line_that_does_not_say_otherwise() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let body =
        "{\"instance\":\"events\",\"topic\":\"a\"}\n{\"instance\":\"events\",\"topic\":\"a\",\"confirm\":\"local\"}";
    let answer = client.post("/v1/publish?confirm=1&wait=true", NDJSON, body).await;
    let told = lines(&answer.body);
    assert_eq!(told[0]["reason"], "too_few_peers");
    assert!(told[1]["id"].is_string());
    assert_eq!(told[2], json!({"done": {"published": 1, "failed": 1}}));
    let answer = client.post("/v1/publish?confirm=most", NDJSON, body).await;
    answer.expect_error(400, "bad_query", "`confirm` is wrong");
    let answer = client.post("/v1/publish", "text/plain", body).await;
    answer.expect_error(400, "bad_content_type", "application/x-ndjson");
    let answer = client.post("/v1/publish/events/t", NDJSON, body).await;
    answer.expect_error(400, "bad_content_type", "send many to /v1/publish");
}

#[tokio::test]
async fn a_line_that_is_too_long_fails_alone() {
    let served = Served::start().await;
    let long = format!(
        "{{\"instance\":\"events\",\"topic\":\"a\",\"text\":\"{}\"}}",
        "x".repeat(2_000_000)
    );
    let body = format!(
        "{long}\n{{\"instance\":\"events\",\"topic\":\"a\"}}\n{{\"instance\":\"events\",\"topic\":\"a\",\"text\":\"{}\"}}",
        "y".repeat(1001)
    );
    let answer = served.client().await.post("/v1/publish", NDJSON, body).await;
    let told = lines(&answer.body);
    assert_eq!((&told[0]["line"], &told[0]["reason"]), (&1.into(), &"too_large".into()));
    assert!(told[1]["id"].is_string(), "{told:?}");
    assert_eq!((&told[2]["line"], &told[2]["reason"]), (&3.into(), &"too_large".into()));
    assert_eq!(told[3], json!({"done": {"published": 1, "failed": 2}}));
}

/// The answer to a line is there before the next line is written, and a batch that breaks off says nothing of an end.
#[tokio::test]
async fn both_ways_stream() {
    let served = Served::start().await;
    let mut stream = TcpStream::connect(served.addr).await.unwrap();
    let head = format!(
        "POST /v1/publish HTTP/1.1\r\nhost: {}\r\ncontent-type: {NDJSON}\r\ntransfer-encoding: chunked\r\n\r\n",
        served.addr
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    for number in 1..=3 {
        let line = "{\"instance\":\"events\",\"topic\":\"a\"}\n";
        let chunk = format!("{:x}\r\n{line}\r\n", line.len());
        stream.write_all(chunk.as_bytes()).await.unwrap();
        while text.matches("{\"id\":").count() < number {
            let mut buffer = [0; 4096];
            let read = soon(stream.read(&mut buffer)).await.unwrap();
            assert!(read > 0, "{text}");
            text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
    }
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    stream.write_all(b"what is no chunk\r\n").await.unwrap();
    let mut rest = String::new();
    let _ = soon(stream.read_to_string(&mut rest)).await;
    assert!(!rest.contains("done"), "{rest}");
}

/// Far more than any buffer between holds: who does not read its answers is not read.
#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_not_read() {
    let served = Served::start().await;
    let mut stream = TcpStream::connect(served.addr).await.unwrap();
    let head = format!(
        "POST /v1/publish HTTP/1.1\r\nhost: {}\r\ncontent-type: {NDJSON}\r\ncontent-length: 1000000000\r\n\r\n",
        served.addr
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let lines = "{\"instance\":\"events\",\"topic\":\"a\"}\n".repeat(1000);
    let flooding = async {
        for _ in 0..28_000 {
            stream.write_all(lines.as_bytes()).await.unwrap();
        }
    };
    let stuck = tokio::time::timeout(std::time::Duration::from_secs(3), flooding).await;
    assert!(stuck.is_err(), "the node reads on and keeps the answers");
    let answer = served.client().await.get("/healthz").await;
    assert_eq!(answer.body, "ok");
    let mut client = served.client().await;
    let answer = client.send("POST", "/v1/publish/events/t", &[], "x").await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
