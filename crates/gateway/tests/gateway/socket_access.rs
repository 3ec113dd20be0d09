//! Who may do what over the WebSocket and in batches: every way to publish and to receive, with every outcome.

use bellwether::{Draft, Instance, Topic};
use bellwether_access::{Access, Grant, Policy, Revoked, TokenId};
use serde_json::{Value, json};

use crate::access::{OUTCOMES, grant, keys, permissions, served, token};
use crate::served::Served;
use crate::socket_client::Socket;

/// What is granted for `events`, filled in.
fn outcome(allow: &[&str], deny: &[&str]) -> Grant {
    let fill = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| text.replace("{}", "events")).collect() };
    let (allow, deny) = (fill(allow), fill(deny));
    let all = |texts: &[String]| permissions(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    Grant {
        allow_publish: all(&allow),
        deny_publish: all(&deny),
        allow_subscribe: permissions(&["*"]),
        look: true,
        administer: true,
        ..Grant::default()
    }
}

async fn socket(served: &Served, may: Grant) -> Socket {
    Socket::connect_as(served.addr, &token(may)).await
}

fn published(served: &Served) -> u64 {
    served.node.instances()[Instance::Events.index()].published
}

fn publish(served: &Served, topic: &str) -> u64 {
    let draft = Draft::new(Topic::new(topic).unwrap(), "tag").text(topic);
    served.node.publish(Instance::Events, &draft).unwrap().seq
}

#[tokio::test]
async fn a_socket_publishes_what_its_client_may() {
    let served = served(Policy::closed()).await;
    assert!(
        Socket::connect_with(served.addr, Some("bellwether.v1")).await.is_err(),
        "nobody has no socket"
    );
    for (allow, deny, is_enough) in OUTCOMES {
        let mut socket = socket(&served, outcome(allow, deny)).await;
        let before = published(&served);
        let frame = json!({"op": "publish", "ref": "1", "instance": "events", "topic": "orders:new", "text": "x"});
        let answer = socket.ask(&frame).await;
        let what = format!("{allow:?} without {deny:?}: {answer}");
        assert_eq!(published(&served) - before, u64::from(is_enough), "{what}");
        match is_enough {
            true => assert_eq!(answer["op"], "published", "{what}"),
            false => assert_eq!(
                (&answer["op"], &answer["reason"]),
                (&"error".into(), &"denied".into()),
                "{what}"
            ),
        }
        // The socket goes on either way.
        assert_eq!(
            socket.ask(&json!({"op": "ping", "ref": "2"})).await["op"],
            "pong",
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_batch_publishes_those_of_its_messages_that_its_client_may() {
    let served = served(Policy::closed()).await;
    let mut client = served.client().await;
    let line = r#"{"instance":"events","topic":"orders:new","text":"x"}"#;
    let event = r#"{"specversion":"1.0","id":"1","source":"/x","type":"tag","subject":"orders:new","bellwetherinstance":"events","data":1}"#;
    for (content_type, body) in [
        ("application/x-ndjson", line.to_owned()),
        ("application/cloudevents+json", event.to_owned()),
        ("application/cloudevents-batch+json", format!("[{event}]")),
    ] {
        for (allow, deny, is_enough) in OUTCOMES {
            let before = published(&served);
            let bearer = format!("Bearer {}", token(outcome(allow, deny)));
            let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
            let answer = client.send("POST", "/v1/publish", &headers, body.clone()).await;
            let what = format!("{content_type} with {allow:?} without {deny:?}: {answer:?}");
            assert_eq!(published(&served) - before, u64::from(is_enough), "{what}");
            assert_eq!(answer.body.contains("denied"), !is_enough, "{what}");
        }
    }
}

/// Ways to receive `orders:new`; `cursor` is filled in.
fn receiving(cursor: &str) -> Vec<Value> {
    let patterns = [
        json!(["events/orders:new"]),
        json!(["events/orders:+"]),
        json!(["events/orders:*"]),
        json!(["events/$queue:workers:orders:*"]),
        json!(["alerts/*", "events/orders:new"]),
    ];
    let plain = patterns.map(|patterns| json!({"op": "subscribe", "id": "s", "patterns": patterns}));
    let from = [
        "earliest",
        "last:1",
        "time:2026-01-01T00:00:00Z",
        &format!("id:{cursor}"),
    ]
    .map(|from| json!({"op": "subscribe", "id": "s", "patterns": ["events/orders:*"], "from": from}));
    plain.into_iter().chain(from).collect()
}

#[tokio::test]
async fn every_way_to_receive_over_a_socket_asks_whether_it_may() {
    let served = served(Policy::closed()).await;
    let seq = publish(&served, "orders:new");
    let cursor = format!("events/a/{}/{seq}", served.node.epoch());
    for frame in receiving(&cursor) {
        for (allow, deny, is_enough) in [
            (&["alerts:*"][..], &[][..], false),
            (&["alerts:*", "events:bills:*"], &[], false),
            (&["alerts:*", "events:orders:*"], &["events:orders:*"], false),
            (&["alerts:*", "events:orders:*"], &["events:*"], false),
            (&["alerts:*", "events:orders:*", "health:*"], &[], true),
            (&["*"], &["events:orders:secret"], true),
        ] {
            let may = Grant {
                allow_publish: permissions(&["*"]),
                deny_publish: Vec::new(),
                ..grant(allow, deny)
            };
            let mut socket = socket(&served, may).await;
            let answer = socket.ask(&frame).await;
            let what = format!("{frame} with {allow:?} without {deny:?}: {answer}");
            match is_enough {
                true => assert_eq!(answer["op"], "subscribed", "{what}"),
                false => assert_eq!(
                    (&answer["op"], &answer["reason"]),
                    (&"error".into(), &"denied".into()),
                    "{what}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn of_a_wide_pattern_a_socket_delivers_what_is_permitted() {
    let served = served(Policy::closed()).await;
    let may = grant(&["events:*"], &["events:secret:*", "events:orders:denied"]);
    let mut socket = socket(&served, may).await;
    socket
        .subscribe(&json!({"op": "subscribe", "id": "s", "patterns": ["events/*"]}))
        .await;
    for topic in ["secret:new", "orders:denied", "orders:new"] {
        publish(&served, topic);
    }
    assert_eq!(socket.next().await["message"]["topic"], "orders:new");
}

#[tokio::test]
async fn a_revoked_token_closes_its_sockets() {
    let access = Access::new(Policy::closed(), Some(keys()));
    let served = Served::start_as(access.clone(), |_| {}, |gateway| gateway).await;
    let mut socket = socket(&served, grant(&["events:*"], &[])).await;
    socket
        .subscribe(&json!({"op": "subscribe", "id": "s", "patterns": ["events/*"]}))
        .await;
    access.set_revoked(Revoked::parse(&TokenId::new([1; 8]).to_string()).0);
    let frame = socket.closed().await;
    assert_eq!(u16::from(frame.code), 1008);
    assert!(frame.reason.contains("revoked"), "{}", frame.reason);
}
