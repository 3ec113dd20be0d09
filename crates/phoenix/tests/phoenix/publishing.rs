//! Publishing by pushes.

use bellwether::{ContentType, Delivery, Envelope, Instance, Subscription};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::served::{MAX_PAYLOAD_BYTES, Served, soon};

async fn subscribe(served: &Served, instance: Instance) -> Subscription {
    served.node.subscribe(instance, ["*".parse().unwrap()]).await.unwrap().0
}

async fn message(subscription: &mut Subscription) -> Envelope {
    match soon(subscription.next()).await {
        Some(Delivery::Message(envelope)) => envelope,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_push_publish_is_published_and_answered_with_its_id() {
    let served = Served::start().await;
    let mut events = subscribe(&served, Instance::Events).await;
    let mut audit = subscribe(&served, Instance::Audit).await;
    let mut client = served.client().await;
    client.join("events:orders", json!({})).await;
    let (status, response) = client
        .ask(
            "events:orders",
            "publish",
            json!({"topic": "audit:made:by", "event": "made", "payload": {"n": 1}}),
        )
        .await;
    assert_eq!(status, "ok", "{response}");
    let published = message(&mut audit).await;
    assert_eq!(response, json!({"id": published.id().to_string()}));
    assert_eq!((published.topic(), published.head().event), ("made:by", "made"));
    assert_eq!(published.payload(), br#"{"n":1}"#);
    // On the channel's own topic; whoever publishes there receives it, too.
    let reference = client
        .push(None, "events:orders", "publish", json!({"payload": [1]}))
        .await;
    let frames = [client.next().await, client.next().await];
    assert!(
        frames.iter().any(|frame| frame.reference.as_ref() == Some(&reference)),
        "{frames:?}"
    );
    assert!(
        frames.iter().any(|frame| frame.payload["payload"] == json!([1])),
        "{frames:?}"
    );
    assert_eq!(message(&mut events).await.topic(), "orders");
}

#[tokio::test]
async fn any_other_event_is_published_on_the_channels_own_topic() {
    let served = Served::start().await;
    let mut events = subscribe(&served, Instance::Events).await;
    let mut client = served.client().await;
    client.join("events:orders", json!({})).await;
    client
        .push(
            None,
            "events:orders",
            "made",
            json!({"n": 1, "_bellwether": {"id": "of before"}}),
        )
        .await;
    let published = message(&mut events).await;
    assert_eq!((published.topic(), published.head().event), ("orders", "made"));
    assert_eq!(published.payload(), br#"{"n":1}"#);
    let binary = b"\x00\x01\x01\x0d\x0419events:ordersmade\x00\xff";
    client.send(Message::binary(&binary[..])).await;
    let published = message(&mut events).await;
    assert_eq!((published.head().event, published.payload()), ("made", &[0, 255][..]));
    assert_eq!(published.head().content_type(), ContentType::Bytes);
}

#[tokio::test]
async fn an_event_of_the_catalogue_is_judged_and_filled_in() {
    let served = Served::start().await;
    let mut alerts = subscribe(&served, Instance::Alerts).await;
    let mut client = served.client().await;
    let topic = "alerts:node_failure";
    client.join(topic, json!({})).await;
    let (reason, words) = client
        .refused(topic, "system_alert", json!({"severity": "terrible"}))
        .await;
    assert_eq!(reason, "invalid", "{words}");
    let alert = bellwether::catalogue::type_of(Instance::Alerts, "system_alert").unwrap();
    let mut example = alert.example();
    let given = example.as_object_mut().unwrap();
    given.remove("timestamp");
    client.push(None, topic, "system_alert", example).await;
    let published = message(&mut alerts).await;
    assert_eq!(published.head().event, "system_alert");
    let payload: serde_json::Value = serde_json::from_slice(published.payload()).unwrap();
    assert!(!payload["timestamp"].is_null(), "{payload}");
}

#[tokio::test]
async fn waits_and_confirmations_are_answered_when_they_are_over() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:a:*", json!({})).await;
    let ask = |extra: serde_json::Value| {
        let mut payload = json!({"topic": "events:b", "payload": {}});
        payload
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        payload
    };
    let (status, response) = client.ask("events:a:*", "publish", ask(json!({"wait": true}))).await;
    assert_eq!(status, "ok", "{response}");
    let (status, response) = client
        .ask("events:a:*", "publish", ask(json!({"confirm": "all"})))
        .await;
    assert_eq!(
        (&*status, &response["required"], &response["peers"]),
        ("ok", &json!(0), &json!([])),
        "{response}"
    );
    let (reason, words) = client
        .refused("events:a:*", "publish", ask(json!({"confirm": 2})))
        .await;
    assert_eq!(reason, "too_few_peers", "{words}");
    assert!(words.ends_with("nothing was published"), "{words}");
}

#[tokio::test]
async fn a_question_that_nobody_hears_is_refused() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:answers:1", json!({})).await;
    let question = json!({"topic": "events:questions", "payload": {}, "reply_to": "events:answers:1"});
    let (reason, words) = client.refused("events:answers:1", "publish", question.clone()).await;
    assert_eq!(reason, "no_responders", "{words}");
    let mut responder = served.client().await;
    responder.join("events:questions", json!({})).await;
    let (status, response) = client.ask("events:answers:1", "publish", question).await;
    assert_eq!(status, "ok", "{response}");
}

#[tokio::test]
async fn what_cannot_be_published_is_refused_and_the_channel_goes_on() {
    let served = Served::start().await;
    let mut client = served.client().await;
    client.join("events:a:*", json!({})).await;
    client.join("events:b", json!({})).await;
    for (topic, event, payload, reason) in [
        ("events:a:*", "made", json!({}), "bad_topic"),
        ("events:a:*", "publish", json!({}), "bad_topic"),
        (
            "events:b",
            "publish",
            json!({"topic": "events:$bw:x"}),
            "reserved_topic",
        ),
        ("events:b", "publish", json!("text"), "bad_payload"),
        ("events:b", "publish", json!({"event": ""}), "bad_field"),
        ("events:b", "publish", json!({"event": "x".repeat(129)}), "bad_field"),
        ("events:b", "", json!({}), "bad_field"),
        ("events:b", "phx_close", json!({}), "bad_payload"),
        (
            "events:b",
            "made",
            json!({"x": "x".repeat(MAX_PAYLOAD_BYTES)}),
            "too_large",
        ),
    ] {
        let (said, words) = client.refused(topic, event, payload).await;
        assert_eq!(said, reason, "{topic} {event}: {words}");
    }
    client.push(None, "events:b", "made", json!({})).await;
    let frames = [client.next().await.event, client.next().await.event];
    assert!(frames.contains(&"made".to_owned()), "{frames:?}");
}
