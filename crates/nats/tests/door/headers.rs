//! Headers: the client's own, ours, and those of other doors.

use bellwether::{Delivery, Draft, Headers, Instance, NodeId, Pattern, Topic};

use crate::lab::{Door, soon};

#[tokio::test]
async fn a_client_is_told_where_a_message_comes_from_if_it_understands_headers() {
    let door = Door::alone().await;
    let (mut full, mut plain) = (door.client().await, door.plain_client().await);
    for wire in [&mut full, &mut plain] {
        wire.say("SUB alerts.> 1\r\n").await;
        wire.sync().await;
    }
    let mut headers = Headers::default();
    headers.push("Trace", "17").unwrap();
    headers.push("bellwether-reporting-node", "forged").unwrap();
    let draft = Draft::new(Topic::new("system:down").unwrap(), "critical_alert")
        .json("{}")
        .originating_node(NodeId::new("far").unwrap())
        .correlation_id("c1")
        .reply_to("events/$nats:r:1")
        .headers(headers);
    let id = door.node.publish(Instance::Alerts, &draft).unwrap();
    let message = full.message().await;
    assert_eq!(
        (&*message.line, &*message.payload),
        ("HMSG alerts.system.down 1 r.1", "{}")
    );
    for (name, value) in [
        ("Bellwether-Message-Id", id.to_string().as_str()),
        ("Bellwether-Originating-Node", "far"),
        ("Bellwether-Reporting-Node", "a"),
        ("Bellwether-Event", "critical_alert"),
        ("Bellwether-Correlation-Id", "c1"),
        ("Content-Type", "application/json"),
        ("Trace", "17"),
    ] {
        assert_eq!(message.header(name), Some(value), "{}", message.headers);
    }
    assert!(message.header("Bellwether-Timestamp").unwrap().ends_with('Z'));
    assert!(!message.headers.contains("forged"));
    plain.expect_message("MSG alerts.system.down 1 r.1", "{}").await;
}

#[tokio::test]
async fn what_a_client_says_in_headers_travels_and_what_only_we_may_say_does_not() {
    let door = Door::alone().await;
    let mut wire = door.client().await;
    let (mut heard, _) = door
        .node
        .subscribe(Instance::Events, [Pattern::new("a").unwrap()])
        .await
        .unwrap();
    wire.say("SUB events.a 1\r\n").await;
    wire.sync().await;
    let block = "NATS/1.0 100 Busy\r\nX: 1\r\nx:  two words \r\nX: 3\r\nBellwether-Event: order_created\r\n\
                 Content-Type: text/csv\r\nBellwether-Reporting-Node: forged\r\nBellwether-Message-Id: forged\r\n\r\n";
    wire.say(&format!(
        "HPUB events.a {} {}\r\n{block}hello\r\n",
        block.len(),
        block.len() + 5
    ))
    .await;
    let message = wire.message().await;
    assert_eq!(message.payload, "hello");
    assert!(
        message.headers.starts_with("NATS/1.0 100 Busy\r\n"),
        "{}",
        message.headers
    );
    assert!(
        message
            .headers
            .ends_with("Content-Type: text/csv\r\nX: 1\r\nx: two words\r\nX: 3\r\n\r\n"),
        "{}",
        message.headers
    );
    assert_eq!(message.header("Bellwether-Event"), Some("order_created"));
    assert_eq!(message.header("Bellwether-Reporting-Node"), Some("a"));
    assert!(!message.headers.contains("forged"));
    let Some(Delivery::Message(envelope)) = soon("the message", heard.next()).await else {
        panic!("no message");
    };
    assert_eq!(envelope.head().content_type().name(), "text/csv");
    assert_eq!(envelope.head().event, "order_created");
    assert_eq!(envelope.payload(), b"hello");
}

#[tokio::test]
async fn without_headers_a_message_is_bytes_of_the_usual_event() {
    let door = Door::alone().await;
    let mut wire = door.client().await;
    let (mut heard, _) = door
        .node
        .subscribe(Instance::Events, [Pattern::new("$nats:*").unwrap()])
        .await
        .unwrap();
    wire.say("PUB o.k r 2\r\n{}\r\nPUB o.k 1\r\nx\r\n").await;
    let mut next = async || match soon("a message", heard.next()).await {
        Some(Delivery::Message(envelope)) => envelope,
        other => panic!("{other:?}"),
    };
    let envelope = next().await;
    let head = envelope.head();
    assert_eq!(
        (head.topic, head.event, head.reply_to()),
        ("$nats:o:k", "message", Some("events/$nats:r"))
    );
    assert_eq!(head.content_type().name(), "application/octet-stream");
    assert_eq!(next().await.head().reply_to(), None);
}

#[tokio::test]
async fn headers_must_be_announced() {
    let door = Door::alone().await;
    let mut wire = door.plain_client().await;
    wire.say("HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n").await;
    wire.expect_end("-ERR 'Message Headers Not Supported'").await;
    let mut wire = door.client().await;
    wire.say("HPUB a 12 12\r\nNATS/2.0\r\n\r\n\r\n").await;
    wire.expect("-ERR 'Invalid Message Header'").await;
    wire.sync().await;
}
