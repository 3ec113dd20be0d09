//! async-nats, the Rust client of NATS.

#![expect(clippy::unwrap_used, reason = "a client that cannot do its part fails its test")]

use std::collections::BTreeSet;
use std::time::Duration;

use ::async_nats::{Client, ConnectOptions, Event, HeaderMap, Message, RequestErrorKind, Subscriber};
use bellwether_tests::deadline::{eventually, soon};
use bellwether_tests::{Lab, Process};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::nats_nodes::{three, url};

async fn connect(node: &Process) -> Client {
    soon("a client connects", ::async_nats::connect(url(node)))
        .await
        .unwrap()
}

async fn subscribe(client: &Client, subject: &str) -> Subscriber {
    let subscriber = client.subscribe(subject.to_owned()).await.unwrap();
    soon("the node answers", client.flush()).await.unwrap();
    // Flushed means written; the answer to a request means that every node knows.
    settled(client).await;
    subscriber
}

/// What the client has said so far was carried out: a request that nobody hears is answered behind it.
async fn settled(client: &Client) {
    let asked = soon("the node answers", client.request("nobody.hears", "".into())).await;
    assert_eq!(asked.unwrap_err().kind(), RequestErrorKind::NoResponders);
}

async fn next(subscriber: &mut Subscriber) -> Message {
    soon("a message", subscriber.next())
        .await
        .expect("the subscription goes on")
}

#[tokio::test]
async fn messages_go_to_exact_and_wildcard_subscriptions_at_all_nodes_in_order() {
    let lab = Lab::default();
    let [a, b, c] = three(&lab).await;
    let (publisher, near, far) = (connect(&a).await, connect(&a).await, connect(&b).await);
    let third = connect(&c).await;
    let mut subscribers = [
        subscribe(&near, "orders.eu.new").await,
        subscribe(&far, "orders.*.new").await,
        subscribe(&third, "orders.>").await,
        subscribe(&third, "*.eu.new").await,
    ];
    for number in 0..2000 {
        publisher
            .publish("orders.eu.new", number.to_string().into())
            .await
            .unwrap();
    }
    for subscriber in &mut subscribers {
        for number in 0..2000 {
            let message = next(subscriber).await;
            assert_eq!(
                (&*message.subject, &*message.payload),
                ("orders.eu.new", number.to_string().as_bytes())
            );
        }
    }
}

#[tokio::test]
async fn one_member_of_a_queue_group_gets_each_message() {
    let lab = Lab::default();
    let [a, b, c] = three(&lab).await;
    let (tell, mut told) = mpsc::channel(1024);
    for node in [&a, &b, &c] {
        let client = connect(node).await;
        let mut member = client.queue_subscribe("jobs.*", "workers".to_owned()).await.unwrap();
        settled(&client).await;
        let tell = tell.clone();
        tokio::spawn(async move {
            let _client = client;
            while let Some(message) = member.next().await {
                let _ = tell.send(message.payload).await;
            }
        });
    }
    let publisher = connect(&b).await;
    for number in 0..300 {
        publisher.publish("jobs.x", number.to_string().into()).await.unwrap();
    }
    let mut got = BTreeSet::new();
    for _ in 0..300 {
        let payload = soon("each job is given to somebody", told.recv()).await.unwrap();
        assert!(got.insert(payload.clone()), "{payload:?} came twice");
    }
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn requests_are_answered_from_other_nodes_and_at_once_where_nobody_listens() {
    let lab = Lab::default();
    let [a, b, _c] = three(&lab).await;
    let server = connect(&b).await;
    let mut requests = subscribe(&server, "help").await;
    let serving = tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let reply = request.reply.expect("a request has a reply subject");
            server.publish(reply, request.payload).await.unwrap();
        }
    });
    let client = connect(&a).await;
    for number in 0..100_u32 {
        let asked = client.request("help", number.to_string().into());
        let answer = soon("an answer", asked).await.unwrap();
        assert_eq!(&*answer.payload, number.to_string().as_bytes());
    }
    serving.abort();
    let (nobody, _) = eventually("nobody listens any more", async || {
        // One of the requests may still have been heard.
        let asked = timeout(Duration::from_millis(300), client.request("help", "".into())).await;
        asked.ok()?.err()
    })
    .await;
    assert_eq!(nobody.kind(), RequestErrorKind::NoResponders);
}

#[tokio::test]
async fn headers_travel_and_say_where_a_message_comes_from() {
    let lab = Lab::default();
    let [a, b, _c] = three(&lab).await;
    let (publisher, client) = (connect(&a).await, connect(&b).await);
    let mut subscriber = subscribe(&client, "metrics.>").await;
    let mut headers = HeaderMap::new();
    headers.append("Trace", "1");
    headers.append("Trace", "2");
    headers.insert("Bellwether-Event", "cpu_sampled");
    publisher
        .publish_with_headers("metrics.cpu.0%2E5", headers, "x".into())
        .await
        .unwrap();
    let message = next(&mut subscriber).await;
    assert_eq!(&*message.subject, "metrics.cpu.0%2E5");
    let headers = message.headers.unwrap();
    let traces: Vec<_> = headers.get_all("Trace").map(|value| value.as_str()).collect();
    assert_eq!(traces, ["1", "2"]);
    for (name, value) in [("Bellwether-Event", "cpu_sampled"), ("Bellwether-Reporting-Node", "a")] {
        assert_eq!(headers.get(name).map(|value| value.as_str()), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_subscription_may_end_after_a_number_of_messages() {
    let lab = Lab::default();
    let [a, b, _c] = three(&lab).await;
    let (publisher, client) = (connect(&a).await, connect(&b).await);
    let mut subscriber = client.subscribe("few").await.unwrap();
    subscriber.unsubscribe_after(3).await.unwrap();
    settled(&client).await;
    for number in 0..9 {
        publisher.publish("few", number.to_string().into()).await.unwrap();
    }
    for number in 0..3 {
        assert_eq!(&*next(&mut subscriber).await.payload, number.to_string().as_bytes());
    }
    assert!(soon("the end", subscriber.next()).await.is_none());
}

#[tokio::test]
async fn a_client_may_not_want_to_hear_itself() {
    let lab = Lab::default();
    let [a, b, _c] = three(&lab).await;
    let deaf = soon("a client connects", ConnectOptions::new().no_echo().connect(url(&a)))
        .await
        .unwrap();
    let other = connect(&b).await;
    let mut own = deaf.subscribe("talk").await.unwrap();
    let mut others = subscribe(&other, "talk").await;
    deaf.publish("talk", "mine".into()).await.unwrap();
    assert_eq!(&*next(&mut others).await.payload, b"mine");
    other.publish("talk", "yours".into()).await.unwrap();
    assert_eq!(&*next(&mut own).await.payload, b"yours");
}

#[tokio::test]
async fn a_payload_of_the_limit_arrives_whole_and_a_larger_one_is_refused() {
    let lab = Lab::default();
    let [a, b, _c] = three(&lab).await;
    let (publisher, client) = (connect(&a).await, connect(&b).await);
    let mut subscriber = subscribe(&client, "large").await;
    let limit = publisher.server_info().max_payload;
    assert_eq!(limit, 1 << 20);
    let payload: bytes::Bytes = (0..limit).map(|at| (at % 251) as u8).collect();
    publisher.publish("large", payload.clone()).await.unwrap();
    assert!(next(&mut subscriber).await.payload == payload);
    assert!(publisher.publish("large", vec![0; limit + 1].into()).await.is_err());
}

#[tokio::test]
async fn a_client_whose_node_is_killed_goes_on_at_another_it_was_told_of() {
    let lab = Lab::default();
    let [mut a, b, _c] = three(&lab).await;
    // This library learns of others when it connects, and not later.
    eventually("the node knows of others", async || {
        let client = connect(&a).await;
        (client.server_info().connect_urls.len() > 1).then_some(())
    })
    .await;
    let (tell, mut told) = mpsc::channel(64);
    let options = ConnectOptions::new().event_callback(move |event| {
        let tell = tell.clone();
        async move {
            let _ = tell.send(event).await;
        }
    });
    let client = soon("a client connects", options.connect(url(&a))).await.unwrap();
    let mut subscriber = subscribe(&client, "news.*").await;
    while told.try_recv().is_ok() {}
    a.kill().await;
    while soon("it is connected again", told.recv()).await != Some(Event::Connected) {}
    settled(&client).await;
    let publisher = connect(&b).await;
    publisher.publish("news.now", "still here".into()).await.unwrap();
    assert_eq!(&*next(&mut subscriber).await.payload, b"still here");
}

#[tokio::test]
async fn a_node_that_stops_says_so_first() {
    let lab = Lab::default();
    let [mut a, _b, _c] = three(&lab).await;
    let (tell, mut told) = mpsc::channel(64);
    let options = ConnectOptions::new().event_callback(move |event| {
        let tell = tell.clone();
        async move {
            let _ = tell.send(event).await;
        }
    });
    let client = soon("a client connects", options.connect(url(&a))).await.unwrap();
    settled(&client).await;
    assert_eq!(a.terminate().await, 0);
    let mut events = Vec::new();
    while !events.contains(&Event::LameDuckMode) {
        events.push(soon("it is told", told.recv()).await.unwrap());
    }
}
