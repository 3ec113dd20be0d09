//! How sockets end.

use bellwether::{Instance, Overflow};
use serde_json::json;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;
use crate::served::{Served, until};

#[tokio::test]
async fn a_service_that_stops_closes_with_1012_behind_what_was_said() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:a", json!({})).await;
    let mut bare = served.client().await;
    bare.expect_nothing().await;
    served.stop.cancel();
    assert_eq!(client.closed().await.0, 1012);
    assert_eq!(bare.closed().await.0, 1012);
    drop((client, bare));
    until("the gateway has ended", || served.serving.is_finished()).await;
}

#[tokio::test]
async fn a_node_that_stops_hands_everything_out_first() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:a", json!({})).await;
    client.join("audit:a", json!({})).await;
    for n in 0..100 {
        served.publish(Instance::Events, "a", "made", json!({"n": n}).to_string());
        served.publish(Instance::Audit, "a", "made", json!({"n": n}).to_string());
    }
    let node = served.node.clone();
    let stopping = tokio::spawn(async move { node.shutdown().await });
    let mut next = [0, 0];
    while next != [100, 100] {
        let frame = client.next().await;
        if frame.event != "made" {
            continue;
        }
        let next = &mut next[usize::from(frame.topic == "audit:a")];
        assert_eq!(frame.payload["n"], *next);
        *next += 1;
    }
    loop {
        match client.receive().await {
            Message::Close(close) => {
                assert_eq!(u16::from(close.unwrap().code), 1012);
                break;
            }
            Message::Text(text) => assert!(text.contains("epoch_ended"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_client_that_goes_leaves_nothing() {
    let served = Served::start().await;
    for close in [true, false] {
        let mut client = served.client().await;
        client.join("events:a", json!({})).await;
        assert_eq!(served.node.subscribers(Some(Instance::Events), None).len(), 1);
        if close {
            client.send(Message::Close(None)).await;
            assert_eq!(client.receive().await, Message::Close(None));
        }
        drop(client);
        until("its subscription is gone", || {
            served.node.subscribers(Some(Instance::Events), None).is_empty()
        })
        .await;
    }
}

/// A subscription that is ended for reading too slowly fails its channel, and what had no room comes when it joins again.
#[tokio::test]
async fn a_channel_that_was_disconnected_fails_and_can_be_resumed() {
    const MESSAGES: u64 = 2000;
    let served = Served::start_with(|config| {
        let events = &mut config.instances[Instance::Events.index()];
        events.queue_messages = 200;
        events.overflow = Overflow::Disconnect;
    })
    .await;
    let stream = TcpStream::connect(served.addr).await.unwrap();
    SockRef::from(&stream).set_recv_buffer_size(64 * 1024).unwrap();
    let opened = Client::open_on(stream, served.addr, "/socket/websocket?vsn=2.0.0", &[]).await;
    let mut client = opened.unwrap().0;
    let (mut join_ref, response) = client.join("events:a", json!({})).await;
    let mut cursor = response["cursor"].as_str().unwrap().to_owned();
    let filler = "x".repeat(8000);
    for n in 0..MESSAGES {
        served.publish(Instance::Events, "a", "made", json!({"n": n, "x": filler}).to_string());
    }
    let mut next = 0;
    let mut failures = 0;
    while next < MESSAGES {
        let frame = client.next().await;
        match &*frame.event {
            "made" => {
                assert_eq!(frame.payload["n"], next);
                next += 1;
                frame.cursor().clone_into(&mut cursor);
            }
            "gap" => {
                assert_eq!(frame.payload["cause"], "disconnected", "{frame:?}");
                frame.cursor().clone_into(&mut cursor);
            }
            "phx_error" => {
                assert_eq!(
                    (frame.join_ref.as_ref(), frame.reference.as_ref()),
                    (Some(&join_ref), Some(&join_ref))
                );
                failures += 1;
                join_ref = client
                    .push(None, "events:a", "phx_join", json!({"since": cursor}))
                    .await;
            }
            "phx_reply" | "live" => {}
            other => panic!("{other}"),
        }
    }
    assert!(failures > 0, "it was never disconnected");
}
