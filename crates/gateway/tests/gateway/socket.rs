use bellwether::{Draft, Instance, Topic};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::served::{Served, soon, until};
use crate::socket_client::Socket;

fn publish(served: &Served, topic: &str, payload: &str) {
    let draft = Draft::new(Topic::new(topic).unwrap(), "tag").text(payload);
    served.node.publish(Instance::Events, &draft).unwrap();
}

async fn expect_payloads(socket: &mut Socket, id: &str, payloads: impl IntoIterator<Item = usize>) -> Value {
    let mut last = Value::Null;
    for payload in payloads {
        last = socket.next().await;
        assert_eq!((&last["op"], &last["id"]), (&"deliver".into(), &id.into()), "{last}");
        assert_eq!(last["message"]["payload"], payload.to_string(), "{last}");
    }
    last
}

#[tokio::test]
async fn one_socket_publishes_and_receives() {
    let served = Served::start().await;
    let mut socket = Socket::connect(served.addr).await;
    assert_eq!(socket.protocol.as_deref(), Some("bellwether.v1"));
    assert_eq!(
        socket.hello,
        json!({"op": "hello", "node": "a", "epoch": served.node.epoch(), "max_frame_bytes": socket.hello["max_frame_bytes"],
               "max_subscriptions": 1024})
    );
    socket
        .subscribe(&json!({"op": "subscribe", "id": "s", "patterns": ["events/orders:*", "alerts/*"]}))
        .await;
    let frame = json!({
        "op": "publish", "ref": "7", "instance": "events", "topic": "orders:new", "event": "order", "payload": {"n": 1.50},
        "correlation_id": "c", "headers": {"Trace": "17"}, "reply_to": "events/answers:1",
    });
    socket.say(&frame).await;
    let id = format!("events/a/{}/1", served.node.epoch());
    // The answer and the delivery come in either order.
    let mut told = [socket.next().await, socket.next().await];
    told.sort_by_key(|frame| frame["op"].to_string());
    let [delivered, published] = told;
    assert_eq!(published, json!({"op": "published", "ref": "7", "id": id}));
    let message = &delivered["message"];
    assert_eq!((&delivered["op"], &delivered["id"]), (&"deliver".into(), &"s".into()));
    assert!(delivered["cursor"].is_string(), "{delivered}");
    assert_eq!(message["id"], id);
    assert_eq!(message["event"], "order");
    assert_eq!(message["payload"], json!({"n": 1.5}));
    assert_eq!(message["headers"], json!({"Trace": "17"}));
    assert_eq!(message["reply_to"], "events/answers:1");

    for (given, shown) in [
        (
            json!({"text": "a\nb"}),
            json!({"content_type": "text/plain", "payload": "a\nb"}),
        ),
        (
            json!({"payload_base64": "AP8="}),
            json!({"content_type": "application/octet-stream", "payload_base64": "AP8="}),
        ),
        (
            json!({"payload": null}),
            json!({"content_type": "application/json", "payload": null}),
        ),
        (
            json!({"payload": "<a/>", "content_type": "text/xml"}),
            json!({"content_type": "text/xml", "payload": "<a/>"}),
        ),
    ] {
        let mut frame = json!({"op": "publish", "instance": "alerts", "topic": "t"});
        frame
            .as_object_mut()
            .unwrap()
            .extend(given.as_object().unwrap().clone());
        socket.say(&frame).await;
        let mut told = [socket.next().await, socket.next().await];
        told.sort_by_key(|frame| frame["op"].to_string());
        for (field, value) in shown.as_object().unwrap() {
            assert_eq!(&told[0]["message"][field], value, "{told:?}");
        }
    }
    assert_eq!(
        socket.ask(&json!({"op": "ping", "ref": "8"})).await,
        json!({"op": "pong", "ref": "8"})
    );
    assert_eq!(
        socket.ask(&json!({"op": "unsubscribe", "id": "s"})).await,
        json!({"op": "unsubscribed", "id": "s"})
    );
    until("nobody subscribes", || served.node.subscribers(None, None).is_empty()).await;
}

#[tokio::test]
async fn deliveries_come_as_there_is_credit_for_them() {
    let served = Served::start().await;
    let mut socket = Socket::connect(served.addr).await;
    for (id, credit) in [("slow", 2), ("fast", 100)] {
        let frame = json!({"op": "subscribe", "id": id, "patterns": [format!("events/{id}")], "credit": credit});
        socket.subscribe(&frame).await;
    }
    for number in 0..5 {
        publish(&served, "slow", &number.to_string());
    }
    expect_payloads(&mut socket, "slow", 0..2).await;
    for number in 0..3 {
        publish(&served, "fast", &number.to_string());
    }
    // What waits of one subscription holds up no other.
    expect_payloads(&mut socket, "fast", 0..3).await;
    socket.say(&json!({"op": "credit", "id": "slow", "n": 2})).await;
    expect_payloads(&mut socket, "slow", 2..4).await;
    assert_eq!(socket.ask(&json!({"op": "ping"})).await, json!({"op": "pong"}));
    socket.say(&json!({"op": "credit", "id": "slow", "n": 1})).await;
    expect_payloads(&mut socket, "slow", 4..5).await;
}

#[tokio::test]
async fn what_has_no_credit_waits_in_its_own_queue_and_is_told_as_a_gap() {
    let few = |config: &mut bellwether::Config| {
        config.instances[Instance::Events.index()].queue_messages = 8;
    };
    let served = Served::start_with(few, |gateway| gateway).await;
    let mut socket = Socket::connect(served.addr).await;
    let frame = json!({"op": "subscribe", "id": "s", "patterns": ["events/*"], "credit": 0});
    socket.subscribe(&frame).await;
    for number in 0..100 {
        publish(&served, "t", &number.to_string());
    }
    socket.say(&json!({"op": "credit", "id": "s", "n": 1000})).await;
    let gap = socket.next().await;
    assert_eq!(gap["op"], "gap", "{gap}");
    assert_eq!(gap["gap"]["cause"], "slow_subscriber");
    let lost = usize::try_from(gap["gap"]["count"].as_u64().unwrap()).unwrap();
    assert!(lost >= 92, "{gap}");
    expect_payloads(&mut socket, "s", lost..100).await;
}

#[tokio::test]
async fn a_cursor_goes_on_where_another_socket_stood() {
    let served = Served::start().await;
    let mut socket = Socket::connect(served.addr).await;
    let frame = json!({"op": "subscribe", "id": "s", "patterns": ["events/*"]});
    socket.subscribe(&frame).await;
    for number in 0..4 {
        publish(&served, "t", &number.to_string());
    }
    let second = expect_payloads(&mut socket, "s", 0..2).await;
    drop(socket);
    publish(&served, "t", "4");
    let from = format!("id:{}", second["cursor"].as_str().unwrap());
    let mut socket = Socket::connect(served.addr).await;
    let frame = json!({"op": "subscribe", "id": "again", "patterns": ["events/*"], "from": from});
    socket.subscribe(&frame).await;
    expect_payloads(&mut socket, "again", 2..5).await;
    assert_eq!(socket.next().await["op"], "live");
}

/// Of a queue group one member gets each message, at whichever door it stands; none begins with what was before.
#[tokio::test]
async fn a_queue_group_shares_its_messages_among_sockets_and_streams() {
    let served = Served::start().await;
    let pattern = "events/$queue:workers:jobs:*";
    let mut socket = Socket::connect(served.addr).await;
    let frame = json!({"op": "subscribe", "id": "s", "patterns": [pattern]});
    socket.subscribe(&frame).await;
    let (mut events, place) = served.client().await.events(&format!("pattern={pattern}"), None).await;
    for number in 0..20 {
        publish(&served, "jobs:a", &number.to_string());
    }
    served
        .node
        .publish(
            Instance::Events,
            &Draft::new(Topic::new("jobs:end").unwrap(), "e").text("end"),
        )
        .unwrap();
    let mut got = std::collections::BTreeSet::new();
    while got.len() < 21 {
        tokio::select! {
            frame = socket.next() => assert!(got.insert(frame["message"]["id"].to_string())),
            event = events.next_event() => assert!(got.insert(event.unwrap().data["id"].to_string())),
        }
    }
    // A browser that comes again goes on live.
    let place = place.expect("a place");
    served
        .client()
        .await
        .events(&format!("pattern={pattern}"), Some(&place))
        .await;
    for (frame, reason) in [
        (
            json!({"op": "subscribe", "id": "t", "patterns": [pattern, "events/b"]}),
            "bad_pattern",
        ),
        (
            json!({"op": "subscribe", "id": "t", "patterns": [pattern], "from": "earliest"}),
            "bad_query",
        ),
    ] {
        let told = socket.ask(&frame).await;
        assert_eq!(
            (&told["op"], &told["id"], &told["reason"]),
            (&"error".into(), &"t".into(), &reason.into())
        );
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_and_the_socket_goes_on() {
    let served = Served::start().await;
    let mut socket = Socket::connect_with(served.addr, None).await.unwrap();
    assert_eq!(socket.protocol, None);
    for (frame, about, reason) in [
        (json!({"op": "shout"}), None, "bad_frame"),
        (
            json!({"op": "subscribe", "id": "s", "patterns": ["nowhere/*"]}),
            Some(("id", "s")),
            "bad_instance",
        ),
        (
            json!({"op": "credit", "id": "s", "n": 1}),
            Some(("id", "s")),
            "unknown_id",
        ),
        (
            json!({"op": "publish", "ref": "r", "instance": "events", "topic": "$bw:a"}),
            Some(("ref", "r")),
            "reserved_topic",
        ),
        (
            json!({"op": "publish", "ref": "r", "instance": "events", "topic": "t", "text": "x".repeat(1001)}),
            Some(("ref", "r")),
            "too_large",
        ),
        (
            json!({"op": "publish", "ref": "r", "instance": "events", "topic": "t", "confirm": 3}),
            Some(("ref", "r")),
            "too_few_peers",
        ),
    ] {
        let told = socket.ask(&frame).await;
        assert_eq!(
            (&told["op"], &told["reason"]),
            (&"error".into(), &reason.into()),
            "{told}"
        );
        assert_eq!(
            told.as_object().unwrap().len(),
            3 + usize::from(about.is_some()),
            "{told}"
        );
        if let Some((name, value)) = about {
            assert_eq!(told[name], value, "{told}");
        }
    }
    socket.send(Message::text("{")).await.unwrap();
    assert_eq!(socket.next().await["reason"], "bad_json");
    assert_eq!(socket.ask(&json!({"op": "ping"})).await["op"], "pong");
}

#[tokio::test]
async fn messages_of_one_socket_are_published_in_their_order() {
    let served = Served::start().await;
    let mut receiver = Socket::connect(served.addr).await;
    receiver
        .subscribe(&json!({"op": "subscribe", "id": "s", "patterns": ["events/t"]}))
        .await;
    let mut socket = Socket::connect(served.addr).await;
    for number in 0..500 {
        let confirm = ["none", "local", "all"][number % 3];
        socket
            .say(
                &json!({"op": "publish", "ref": number.to_string(), "instance": "events", "topic": "t",
                         "text": number.to_string(), "confirm": confirm, "wait": number % 2 == 0}),
            )
            .await;
    }
    expect_payloads(&mut receiver, "s", 0..500).await;
    for _ in 0..500 {
        assert_eq!(socket.next().await["op"], "published");
    }
}

#[tokio::test]
async fn each_end_has_its_code() {
    let served = Served::start().await;
    let mut binary = Socket::connect(served.addr).await;
    binary.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(u16::from(binary.closed().await.code), 1003);

    let mut large = Socket::connect(served.addr).await;
    let limit = usize::try_from(large.hello["max_frame_bytes"].as_u64().unwrap()).unwrap();
    // The node may close before it was written whole.
    let _ = large.send(Message::text(" ".repeat(limit + 1))).await;
    assert_eq!(u16::from(large.closed().await.code), 1009);
    let mut fits = Socket::connect(served.addr).await;
    fits.send(Message::text(" ".repeat(limit))).await.unwrap();
    assert_eq!(fits.next().await["reason"], "bad_frame");

    let mut unmasked = Socket::connect(served.addr).await;
    unmasked.tcp().write_all(&[0x81, 1, b'x']).await.unwrap();
    assert_eq!(u16::from(unmasked.closed().await.code), 1002);

    let mut normal = Socket::connect(served.addr).await;
    normal.send(Message::Close(None)).await.unwrap();
    assert!(matches!(normal.receive().await, Some(Ok(Message::Close(None)))));

    let mut stopped = Socket::connect(served.addr).await;
    stopped
        .subscribe(&json!({"op": "subscribe", "id": "s", "patterns": ["events/*"]}))
        .await;
    served.node.shutdown().await;
    let ended = stopped.next().await;
    assert_eq!((&ended["op"], &ended["reason"]), (&"ended".into(), &"stopping".into()));
    served.stop.cancel();
    assert_eq!(u16::from(stopped.closed().await.code), 1001);
    soon(served.serving).await.unwrap().unwrap();
}

/// Time stands still but for what waits for it, so the deadline is there at once.
#[tokio::test]
async fn a_client_that_stops_reading_costs_only_itself() {
    let served = Served::start().await;
    let frame = json!({"op": "subscribe", "id": "s", "patterns": ["events/*"]});
    let mut stuck = Socket::connect(served.addr).await;
    stuck.subscribe(&frame).await;
    let mut well = Socket::connect(served.addr).await;
    well.subscribe(&frame).await;
    let text = "x".repeat(900);
    // More than the system's buffers hold of both.
    for _ in 0..20_000 {
        publish(&served, "t", &text);
        assert_eq!(well.next().await["message"]["payload"], text);
    }
    assert_eq!(served.node.subscribers(None, None).len(), 2);
    tokio::time::pause();
    until("the stuck one is closed", || {
        served.node.subscribers(None, None).len() == 1
    })
    .await;
}

/// A client of this library answers a ping when it reads.
#[tokio::test]
async fn a_silent_client_is_pinged_and_one_that_stays_silent_is_dead() {
    let served = Served::start().await;
    let frame = json!({"op": "subscribe", "id": "s", "patterns": ["events/*"]});
    let mut well = Socket::connect(served.addr).await;
    well.subscribe(&frame).await;
    let mut dead = Socket::connect(served.addr).await;
    dead.subscribe(&frame).await;
    tokio::time::pause();
    // The third is later than one that does not answer may live.
    for _ in 0..3 {
        assert!(matches!(well.receive_patiently().await, Some(Ok(Message::Ping(_)))));
    }
    until("the dead one is closed", || {
        served.node.subscribers(None, None).len() == 1
    })
    .await;
    tokio::time::resume();
    assert_eq!(well.ask(&json!({"op": "ping"})).await["op"], "pong");
    assert_eq!(u16::from(dead.closed().await.code), 1013);
}

#[tokio::test]
async fn what_is_no_socket_is_told_so() {
    let served = Served::start().await;
    let answer = served.client().await.get("/v1/socket").await;
    answer.expect_error(426, "bad_upgrade", "this path is a WebSocket");
    let mut request = tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(format!(
        "ws://{}/v1/socket",
        served.addr
    ))
    .unwrap();
    let headers = request.headers_mut();
    headers.insert("origin", "http://evil.example".parse().unwrap());
    let tcp = tokio::net::TcpStream::connect(served.addr).await.unwrap();
    match soon(tokio_tungstenite::client_async(request, tcp)).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
}
