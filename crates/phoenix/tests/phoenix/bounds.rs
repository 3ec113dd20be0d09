//! What a client may not do, and what it costs others.

use bellwether::Instance;
use serde_json::json;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, refusal};
use crate::served::{MAX_PAYLOAD_BYTES, Served, until};

#[tokio::test]
async fn what_is_no_frame_closes_the_socket_and_says_why() {
    let served = Served::start().await;
    for (message, code, words) in [
        (Message::text("PING"), 1002, "a text frame is a JSON array"),
        (Message::text(r#"["1","1","events:a"]"#), 1002, "invalid length"),
        (Message::binary(&b"\x01\x00\x00\x00\x00"[..]), 1002, "not with 1"),
        (
            Message::text("x".repeat(MAX_PAYLOAD_BYTES + 20_000)),
            1009,
            "is the most",
        ),
        (
            Message::text("x".repeat(MAX_PAYLOAD_BYTES + 200_000)),
            1002,
            "too large",
        ),
    ] {
        let mut client = served.client().await;
        client.send(message).await;
        let (closed, reason) = client.closed().await;
        assert_eq!(closed, code, "{reason}");
        assert!(reason.contains(words), "{reason}");
    }
}

#[tokio::test]
async fn a_socket_is_a_connection_until_it_is_closed() {
    let served = Served::start_for(4, |_| {}).await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = served.client().await;
        client.expect_nothing().await;
        clients.push(client);
    }
    let path = "/socket/websocket?vsn=2.0.0";
    let err = Client::open(served.addr, path, &[]).await.map(drop).unwrap_err();
    assert_eq!(refusal(err).1, "too_many_connections");
    drop(clients.pop());
    while Client::open(served.addr, path, &[]).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_payload_of_exactly_the_limit_passes() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:a", json!({})).await;
    let payload = json!({"x": "x".repeat(MAX_PAYLOAD_BYTES - r#"{"x":""}"#.len())});
    client.push(None, "events:a", "made", payload).await;
    let frames = [client.next().await, client.next().await];
    let made = frames.iter().find(|frame| frame.event == "made").unwrap();
    assert_eq!(made.payload["x"].as_str().unwrap().len(), MAX_PAYLOAD_BYTES - 8);
}

#[tokio::test]
async fn a_socket_has_at_most_a_hundred_channels() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for n in 0..100 {
        client.join(&format!("events:t{n}"), json!({})).await;
    }
    let (_, status, response) = client.try_join("events:more", json!({})).await;
    assert_eq!(
        (&*status, &response["reason"]),
        ("error", &json!("too many channels joined"))
    );
    for n in [0, 99] {
        served.publish(Instance::Events, &format!("t{n}"), "made", "{}");
        assert_eq!(client.next().await.topic, format!("events:t{n}"));
    }
    drop(client);
    until("its subscriptions are gone", || {
        served.node.subscribers(Some(Instance::Events), None).is_empty()
    })
    .await;
}

/// Goal: a client that takes nothing costs only itself. Method: one with small buffers stops reading while more is published
/// than its queue holds; another gets everything; once it reads again, it is told exactly what it has lost.
#[tokio::test]
async fn a_client_that_is_stuck_loses_and_is_told_and_others_lose_nothing() {
    const MESSAGES: u64 = 3000;
    let served = Served::start_with(|config| {
        config.instances[Instance::Events.index()].queue_messages = 500;
    })
    .await;
    let stream = TcpStream::connect(served.addr).await.unwrap();
    SockRef::from(&stream).set_recv_buffer_size(64 * 1024).unwrap();
    let opened = Client::open_on(stream, served.addr, "/socket/websocket?vsn=2.0.0", &[]).await;
    let mut stuck = opened.unwrap().0;
    stuck.join("events:a:*", json!({})).await;
    let mut other = served.client().await;
    other.join("events:a:+", json!({})).await;
    let filler = "x".repeat(8000);
    for n in 0..MESSAGES {
        served.publish(
            Instance::Events,
            "a:b",
            "made",
            json!({"n": n, "x": filler}).to_string(),
        );
        assert_eq!(other.next().await.payload["n"], n);
    }
    let mut next = 1;
    let mut lost = 0;
    while next <= MESSAGES {
        let frame = stuck.next().await;
        match &*frame.event {
            "made" => {
                assert_eq!(frame.payload["n"], next - 1);
                next += 1;
            }
            "gap" => {
                assert_eq!(
                    (&frame.payload["cause"], &frame.payload["exact"]),
                    (&json!("slow_subscriber"), &json!(true))
                );
                assert_eq!(frame.payload["first"], next);
                let last = frame.payload["last"].as_u64().unwrap();
                lost += last + 1 - next;
                next = last + 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(lost > 0, "it was never stuck");
    stuck.expect_nothing().await;
}
