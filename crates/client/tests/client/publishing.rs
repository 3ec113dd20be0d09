//! Publishing: what is sent, and what is known of it when the node is lost.

use std::time::Duration;

use bellwether_client::{
    Assurance, Client, Confirm, ContentType, Draft, DraftError, Headers, Instance, NodeId, PublishError, Topic,
    TypedDraft,
};
use tokio::io::AsyncWriteExt;

use crate::script::{Script, answer, first_line, request};
use crate::served::{Lab, draft, hears, next_message, payloads, soon};

fn full() -> Draft {
    let mut headers = Headers::default();
    headers.push("trace-id", "17").unwrap();
    let mut draft = Draft::new(Topic::new("system_alerts:50 % full/é").unwrap(), "critical_alert")
        .json("{}")
        .originating_node(NodeId::new("a.rack1").unwrap())
        .correlation_id("order=7&x")
        .reply_to("events/answers:7")
        .headers(headers);
    draft.schema_version = 3;
    draft
}

const PUBLISHED: &str = r#"{"id":"alerts/a/17/1"}"#;

#[tokio::test]
async fn a_publish_names_everything_encoded() {
    let script = Script::bind().await;
    let client = Client::connect(script.url.clone()).await.unwrap();
    let playing = script.answering(vec![answer("200 OK", PUBLISHED); 2]);
    let id = client.publish(Instance::Alerts, &full()).await.unwrap();
    assert_eq!(id.to_string(), "alerts/a/17/1");
    let care = Assurance::default()
        .wait(Duration::from_secs(5))
        .confirm(Confirm::All)
        .within(Duration::from_secs(3));
    let plain = Draft::new(Topic::new("t").unwrap(), "message").payload(ContentType::Bytes, *b"\xff");
    client.publish_assured(Instance::Alerts, &plain, &care).await.unwrap();

    let requests = playing.await.unwrap();
    assert_eq!(
        first_line(&requests[0]),
        "POST /v1/publish/alerts/system_alerts:50%20%25%20full%2F%C3%A9?event=critical_alert\
         &originating_node=a.rack1&correlation_id=order%3D7%26x&reply_to=events%2Fanswers:7&schema_version=3 HTTP/1.1"
    );
    assert!(
        requests[0].contains("content-type: application/json\r\n"),
        "{}",
        requests[0]
    );
    assert!(
        requests[0].contains("bellwether-header-trace-id: 17\r\n"),
        "{}",
        requests[0]
    );
    assert_eq!(
        first_line(&requests[1]),
        "POST /v1/publish/alerts/t?wait=5&confirm=all&confirm_within=3 HTTP/1.1"
    );
}

#[tokio::test]
async fn a_typed_message_is_answered_whole_also_where_too_few_peers_hold_it() {
    let whole = r#"{"id":"health/a/17/1","topic":"x","payload":{"ratio":1.50}}"#;
    let lonely =
        r#"{"id":"health/a/17/1","confirmed":0,"required":1,"peers":[{"node":"b","outcome":"timed_out"}],"topic":"x"}"#;
    let script = Script::bind().await;
    let client = Client::connect(script.url.clone()).await.unwrap();
    let playing = script.answering(vec![answer("200 OK", whole), answer("202 Accepted", lonely)]);
    let mut typed = TypedDraft::new(Instance::Health, "Node Health/é");
    typed.topic = Some(Topic::new("a b:c").unwrap());
    let said = client.publish_typed(&typed, &Assurance::default()).await.unwrap();
    assert_eq!(
        (said.answer.get(), said.published.unwrap().is_confirmed()),
        (whole, true)
    );
    let said = client.publish_typed(&typed, &Assurance::default()).await.unwrap();
    assert_eq!(said.answer.get(), lonely);
    assert_eq!(
        said.published.unwrap_err().to_string(),
        "health/a/17/1 is published, but 0 of the 1 peers that were to confirm it have (b: timed_out)"
    );
    assert_eq!(
        first_line(&playing.await.unwrap()[0]),
        "POST /v1/messages/health/Node%20Health%2F%C3%A9?topic=a%20b:c HTTP/1.1"
    );
}

/// Goal: a message whose answer is lost is never sent a second time, and its publisher is told that nobody knows.
#[tokio::test]
async fn a_lost_answer_is_told_and_nothing_is_sent_twice() {
    let script = Script::bind().await;
    let client = Client::connect(script.url.clone()).await.unwrap();
    let playing = tokio::spawn(async move {
        let mut seen = Vec::new();
        for answers in [1, 0, 1] {
            let mut stream = script.accept().await;
            for _ in 0..answers {
                seen.push(request(&mut stream).await.unwrap());
                stream.write_all(answer("200 OK", PUBLISHED).as_bytes()).await.unwrap();
            }
            // The next is taken and never answered.
            seen.extend(request(&mut stream).await);
        }
        seen
    });
    let publish = async |payload: &str| client.publish(Instance::Events, &draft("t", payload)).await;
    assert!(publish("one").await.is_ok());
    for lost in ["two", "three"] {
        let err = publish(lost).await.unwrap_err();
        assert!(matches!(err, PublishError::Ambiguous { .. }) && err.may_heal(), "{err}");
        assert!(err.to_string().contains("is gone"), "{err}");
    }
    assert!(publish("four").await.is_ok());
    drop(client);
    let seen = soon(playing).await.unwrap();
    let payloads: Vec<_> = seen
        .iter()
        .map(|request| request.rsplit("\r\n\r\n").next().unwrap())
        .collect();
    assert_eq!(payloads, ["one", "two", "three", "four"]);
}

/// Goal: a payload that the node refuses unread, closing the connection so that its answer is lost, is told as too
/// large: surely not published.
#[tokio::test]
async fn a_payload_that_is_refused_unread_is_told_as_too_large() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let client = a.client().await;
    for _ in 0..5 {
        let large = draft("t", "x".repeat(3_000_000));
        match client.publish(Instance::Events, &large).await.unwrap_err() {
            PublishError::Draft {
                source: DraftError::PayloadTooLarge { bytes, limit },
            } => assert_eq!((bytes, limit), (3_000_000, 1_048_576)),
            PublishError::NotPublished { source } => assert_eq!(source.reason(), Some("too_large")),
            other => panic!("{other}"),
        }
        client.publish(Instance::Events, &draft("t", "small")).await.unwrap();
    }
}

#[tokio::test]
async fn what_breaks_a_bound_is_not_sent() {
    let client = Client::options().client("http://127.0.0.1:1").unwrap();
    let mut nameless = draft("t", "x");
    nameless.event = "".into();
    let err = client.publish(Instance::Events, &nameless).await.unwrap_err();
    assert!(matches!(err, PublishError::Draft { .. }), "{err}");
}

#[tokio::test]
async fn headers_arrive_as_they_are() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let client = a.client().await;
    let mut received = hears(&client, Instance::Events, "t").await;
    for (name, value) in [
        ("trace-id", "17"),
        ("Nats-Msg-Id", "17"),
        ("a/b", "17"),
        ("spaces", " 1\t"),
        ("word", "é"),
        ("nothing", ""),
    ] {
        let mut headers = Headers::default();
        headers.push(name, value).unwrap();
        headers.push(name, "again").unwrap();
        let all = Assurance::default().confirm(Confirm::All);
        let headed = draft("t", "")
            .payload(ContentType::Bytes, *b"\xff")
            .headers(headers.clone());
        let published = client.publish_assured(Instance::Events, &headed, &all).await.unwrap();
        let message = next_message(&mut received).await;
        assert_eq!((message.id, message.headers), (published.id, headers));
        assert_eq!(&message.payload[..], b"\xff");
    }
}

#[tokio::test]
async fn what_is_published_arrives_as_it_was_and_peers_confirm_it() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let b = lab.start("b", &[&a]).await;
    let there = b.client().await;
    let mut received = hears(&there, Instance::Alerts, "*").await;
    let client = a.client().await;
    let all = Assurance::default().confirm(Confirm::All);
    for (content_type, payload) in payloads() {
        let mut draft = full().payload(content_type.clone(), payload);
        draft.headers = Headers::default();
        let published = client.publish_assured(Instance::Alerts, &draft, &all).await.unwrap();
        assert_eq!(published.confirmed, 1);
        assert_eq!(
            (published.peers[0].node.as_str(), published.peers[0].outcome.as_str()),
            ("b", "confirmed")
        );
        let message = next_message(&mut received).await;
        assert_eq!((message.id, message.instance), (published.id, Instance::Alerts));
        assert_eq!((&message.content_type, &message.payload[..]), (&content_type, payload));
        assert_eq!(
            (&message.topic, message.event.as_str()),
            (&draft.topic, "critical_alert")
        );
        assert_eq!(
            (message.originating_node.as_str(), message.reporting_node.as_str()),
            ("a.rack1", "a")
        );
        assert_eq!(
            (message.correlation_id, message.causation_id),
            (draft.correlation_id, None)
        );
        assert_eq!((message.schema_version, message.signed), (3, true));
        assert_eq!(message.reply_to.as_deref(), Some("events/answers:7"));
    }
    let five = Assurance::default().confirm(Confirm::Peers(5));
    let err = client
        .publish_assured(Instance::Alerts, &full_plain(), &five)
        .await
        .unwrap_err();
    assert!(
        matches!(&err, PublishError::NotPublished { source } if source.reason() == Some("too_few_peers")),
        "{err}"
    );
}

fn full_plain() -> Draft {
    draft("t", "x")
}
