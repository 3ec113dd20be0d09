//! How messages look.

use bellwether::{ContentType, Draft, Instance, NodeId, Topic};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::served::Served;

fn draft(event: &'static str) -> Draft {
    Draft::new(Topic::new("a").unwrap(), event)
}

#[tokio::test]
async fn the_payload_is_the_messages_own_and_one_key_is_ours() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:a", json!({})).await;
    let told = draft("made")
        .json(r#"{"n": 1, "_bellwether": "forged"}"#)
        .originating_node(NodeId::new("far").unwrap())
        .correlation_id("story");
    let id = served.node.publish(Instance::Events, &told).unwrap();
    let frame = client.next().await;
    let ours = &frame.payload["_bellwether"];
    assert_eq!(frame.payload.as_object().unwrap().len(), 2);
    assert_eq!((&frame.payload["n"], &ours["id"]), (&json!(1), &json!(id.to_string())));
    assert_eq!(
        (&ours["topic"], &ours["correlation_id"]),
        (&json!("events:a"), &json!("story"))
    );
    assert_eq!(
        (&ours["originating_node"], &ours["reporting_node"]),
        (&json!("far"), &json!("a"))
    );
    assert!(ours["timestamp"].as_str().unwrap().ends_with('Z'), "{ours}");
    assert!(!frame.cursor().is_empty());
    let names: Vec<_> = ours.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "id",
        "topic",
        "originating_node",
        "reporting_node",
        "timestamp",
        "correlation_id",
        "cursor",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn what_else_was_said_is_told_and_an_answer_can_be_addressed() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:a", json!({})).await;
    client.join("events:answers:*", json!({})).await;
    let asked = json!({"reply_to": "events:answers:7", "headers": {"Trace": "17", "Via": ["x", "y"]}});
    client.push(None, "events:a", "publish", asked).await;
    let frames = [client.next().await, client.next().await];
    let mut ours = frames.iter().map(|frame| &frame.payload["_bellwether"]);
    let ours = ours.find(|ours| ours.is_object()).unwrap();
    assert_eq!(ours["headers"], json!({"Trace": "17", "Via": ["x", "y"]}));
    let answer = json!({"topic": ours["reply_to"], "event": "answered", "correlation_id": ours["id"]});
    client.push(None, "events:a", "publish", answer).await;
    let frames = [client.next().await, client.next().await];
    let answered = frames.iter().find(|frame| frame.event == "answered").unwrap();
    assert_eq!(answered.topic, "events:answers:*");
    assert_eq!(answered.payload["_bellwether"]["correlation_id"], ours["id"]);
}

#[tokio::test]
async fn json_that_is_no_object_is_wrapped() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:a", json!({})).await;
    for value in [json!([1, 2]), json!("text"), json!(7), Value::Null] {
        served.publish(Instance::Events, "a", "made", value.to_string());
        let frame = client.next().await;
        assert_eq!(frame.payload["payload"], value);
        assert!(frame.payload["_bellwether"]["id"].is_string());
    }
}

#[tokio::test]
async fn what_is_not_json_comes_as_bytes() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let (join_ref, _) = client.join("events:a", json!({})).await;
    assert_eq!(join_ref, "1");
    for (told, data) in [
        (draft("made").payload(ContentType::Bytes, [0, 255]), &[0, 255][..]),
        (draft("made").text("words"), b"words"),
        (draft("made").json("no json"), b"no json"),
        (draft("made").payload(ContentType::Json, [0xff]), &[0xff]),
    ] {
        served.node.publish(Instance::Events, &told).unwrap();
        let expected = [&b"\x00\x01\x08\x041events:amade"[..], data].concat();
        assert_eq!(client.receive().await, Message::binary(expected));
    }
}

#[tokio::test]
async fn nobody_closes_the_channels_of_others_by_an_event() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:a", json!({})).await;
    for event in ["phx_close", "phx_error", "phx_reply", "chan_reply_1"] {
        served.publish(Instance::Events, "a", event, r#"{"status":"ok"}"#);
        let frame = client.next().await;
        assert_eq!(
            (&*frame.event, &frame.payload["_bellwether"]["event"]),
            ("message", &json!(event))
        );
    }
    served
        .node
        .publish(Instance::Events, &draft("phx_close").text("x"))
        .unwrap();
    assert_eq!(
        client.receive().await,
        Message::binary(&b"\x00\x01\x08\x071events:amessagex"[..])
    );
}
