//! Clients at different nodes of one mesh.

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use crate::lab::{Door, soon};

#[tokio::test]
async fn what_is_published_at_one_node_comes_to_clients_at_all() {
    let [a, b, c] = Door::three().await;
    let mut clients = [a.client().await, b.client().await, c.client().await];
    for wire in &mut clients {
        wire.say("SUB orders.*.new 1\r\n").await;
        // The answer says that every node knows of it.
        wire.sync().await;
    }
    let mut publisher = b.client().await;
    for number in 0..100 {
        let text = format!("{number:03}");
        publisher.say(&format!("PUB orders.eu.new 3\r\n{text}\r\n")).await;
    }
    for wire in &mut clients {
        for number in 0..100 {
            let message = wire.message().await;
            assert_eq!(
                (&message.line, &message.payload),
                (&"MSG orders.eu.new 1".to_owned(), &format!("{number:03}"))
            );
            assert_eq!(message.headers, "");
        }
    }
    // What says more than a payload, or lies in an instance, is told with where it comes from.
    publisher
        .say("SUB metrics.> 9\r\nHPUB orders.eu.new 18 18\r\nNATS/1.0\r\nX: 1\r\n\r\n\r\nPUB metrics.a 0\r\n\r\n")
        .await;
    for wire in &mut clients {
        let message = wire.message().await;
        assert_eq!(message.line, "HMSG orders.eu.new 1");
        assert_eq!(message.header("Bellwether-Reporting-Node"), Some("b"));
    }
    let message = publisher.message().await;
    assert_eq!(message.line, "HMSG metrics.a 9");
    assert_eq!(message.header("Bellwether-Originating-Node"), Some("b"));
}

#[tokio::test]
async fn an_answer_from_another_node_never_comes_before_the_interest_in_it() {
    let [a, b, _c] = Door::three().await;
    let mut responder = b.client().await;
    responder.say("SUB svc 1\r\n").await;
    responder.sync().await;
    for round in 0..20 {
        // A new client each time, so that its inbox is new to every node; all in one breath.
        let mut wire = a.client().await;
        wire.say(&format!(
            "SUB _INBOX.{round}.* 1\r\nPUB svc _INBOX.{round}.1 2\r\nhi\r\n"
        ))
        .await;
        let request = responder.message().await;
        assert_eq!(request.line, format!("MSG svc 1 _INBOX.{round}.1"));
        responder.say(&format!("PUB _INBOX.{round}.1 3\r\nyes\r\n")).await;
        wire.expect_message(&format!("MSG _INBOX.{round}.1 1"), "yes").await;
    }
}

#[tokio::test]
async fn nobody_is_said_only_when_nobody_in_the_mesh_listens() {
    let [a, b, _c] = Door::three().await;
    let mut wire = a.client().await;
    wire.say("SUB _INBOX.* 1\r\nPUB svc _INBOX.1 0\r\n\r\n").await;
    assert!(wire.message().await.headers.starts_with("NATS/1.0 503\r\n"));
    let mut responder = b.client().await;
    responder.say("SUB svc workers 1\r\n").await;
    responder.sync().await;
    wire.say("PUB svc _INBOX.2 0\r\n\r\n").await;
    responder.expect_message("MSG svc 1 _INBOX.2", "").await;
    responder.say("PUB _INBOX.2 2\r\nok\r\n").await;
    wire.expect_message("MSG _INBOX.2 1", "ok").await;
}

#[tokio::test]
async fn one_member_of_a_group_gets_each_message_wherever_the_members_are() {
    let [a, b, c] = Door::three().await;
    let (tell, mut told) = mpsc::channel(1024);
    let mut members = Vec::new();
    for door in [&b, &c] {
        let mut wire = door.client().await;
        wire.say("SUB jobs.> workers 1\r\nSUB bye 2\r\n").await;
        wire.sync().await;
        let tell = tell.clone();
        members.push(tokio::spawn(async move {
            loop {
                let message = wire.message().await;
                if message.line == "MSG bye 2" {
                    return;
                }
                tell.send(message).await.unwrap();
            }
        }));
    }
    let mut watcher = c.client().await;
    watcher.say("SUB jobs.> 1\r\n").await;
    watcher.sync().await;
    let mut publisher = a.client().await;
    for number in 0..60 {
        publisher.say(&format!("PUB jobs.x 2\r\n{number:02}\r\n")).await;
    }
    let mut got = BTreeSet::new();
    for _ in 0..60 {
        let message = soon("each job is given to somebody", told.recv()).await.unwrap();
        assert_eq!(message.line, "MSG jobs.x 1");
        assert!(got.insert(message.payload.clone()), "{} came twice", message.payload);
    }
    publisher.say("PUB bye 0\r\n\r\n").await;
    for member in members {
        soon("the member hears the end", member).await.unwrap();
    }
    assert!(told.try_recv().is_err());
    for number in 0..60 {
        watcher.expect_message("MSG jobs.x 1", &format!("{number:02}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fast_publisher_is_read_no_faster_than_the_mesh_takes_it() {
    const MESSAGES: usize = 100_000;
    let [a, b, c] = Door::three().await;
    let mut readers = Vec::new();
    for door in [&a, &b, &c] {
        let mut wire = door.plain_client().await;
        wire.say("SUB fast 1\r\n").await;
        wire.sync().await;
        readers.push(tokio::spawn(async move {
            for number in 0..MESSAGES {
                wire.expect_message("MSG fast 1", &format!("{number:06}")).await;
            }
        }));
    }
    let mut publisher = a.plain_client().await;
    for first in (0..MESSAGES).step_by(1000) {
        let text: String = (first..first + 1000)
            .map(|number| format!("PUB fast 6\r\n{number:06}\r\n"))
            .collect();
        publisher.say(&text).await;
    }
    for reader in readers {
        soon("all arrive", reader).await.unwrap();
    }
}
