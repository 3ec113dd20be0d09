//! Many messages with one request: what is sent, and what is known of each.

use bellwether_client::{
    Assurance, Client, Confirm, ContentType, Draft, Headers, Instance, NodeId, PublishError, Topic,
};
use tokio::io::AsyncWriteExt;

use crate::script::{Script, answer, first_line, request};
use crate::served::{Lab, draft, hears, next_message, payloads, soon};

const NDJSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn events(drafts: impl IntoIterator<Item = Draft>) -> Vec<(Instance, Draft)> {
    drafts.into_iter().map(|draft| (Instance::Events, draft)).collect()
}

/// The event is one that no node would take.
fn nameless() -> Draft {
    let mut nameless = draft("t", "nameless");
    nameless.event = "".into();
    nameless
}

#[tokio::test]
async fn a_batch_is_one_request_with_a_line_for_each_message() {
    let script = Script::bind().await;
    let client = Client::connect(script.url.clone()).await.unwrap();
    let said = "{\"id\":\"events/a/17/1\"}\n{\"id\":\"alerts/a/17/1\"}\n{\"id\":\"events/a/17/2\"}\n{\"done\":{}}\n";
    let playing = script.answering(vec![answer("200 OK", said)]);
    let mut headers = Headers::default();
    headers.push("Trace-Id", "17").unwrap();
    let full = Draft::new(Topic::new("t").unwrap(), "e")
        .json(r#"{"n": 1.0}"#)
        .originating_node(NodeId::new("b").unwrap())
        .correlation_id("c")
        .reply_to("events/answers:7")
        .headers(headers);
    let lines = Draft::new(Topic::new("t").unwrap(), "message").json("{\n}");
    let messages = [
        (Instance::Events, draft("t", "é\n")),
        (Instance::Alerts, full),
        (Instance::Events, lines),
    ];
    let care = Assurance::default().confirm(Confirm::All);
    let batch = client.publish_batch(&messages, &care).await;
    assert!(batch.failure.is_none() && batch.outcomes.len() == 3, "{batch:?}");
    let requests = playing.await.unwrap();
    assert_eq!(first_line(&requests[0]), "POST /v1/publish?confirm=all HTTP/1.1");
    let body: Vec<&str> = requests[0].split("\r\n\r\n").nth(1).unwrap().lines().collect();
    assert_eq!(
        body,
        [
            r#"{"instance":"events","topic":"t","event":"tag","text":"é\n"}"#,
            r#"{"instance":"alerts","topic":"t","event":"e","payload":{"n": 1.0},"originating_node":"b","correlation_id":"c","headers":{"Trace-Id":"17"},"reply_to":"events/answers:7"}"#,
            r#"{"instance":"events","topic":"t","payload_base64":"ewp9","content_type":"application/json"}"#,
        ]
    );
}

#[tokio::test]
async fn a_message_that_is_refused_stops_no_other() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let client = a.client().await;
    let mut received = hears(&client, Instance::Events, "t").await;
    let large = draft("t", "x".repeat(1_100_000));
    let no_json = draft("t", "").payload(ContentType::Json, *b"{ ");
    let further = [
        (ContentType::from_name("text/x+json"), &br#"{"n":1}"#[..]),
        (ContentType::Text, &[1; 1_000_000]),
    ];
    let payloads: Vec<_> = payloads().into_iter().chain(further).collect();
    let good = payloads
        .iter()
        .map(|(content_type, payload)| draft("t", "").payload(content_type.clone(), *payload));
    let drafts = [nameless(), large].into_iter().chain(good).chain([nameless(), no_json]);
    let batch = client.publish_batch(&events(drafts), &Assurance::default()).await;
    assert!(batch.failure.is_none() && batch.outcomes.len() == 11, "{batch:?}");
    let is_draft = |outcome: &Result<_, PublishError>| matches!(outcome, Err(PublishError::Draft { .. }));
    assert!(
        is_draft(&batch.outcomes[0]) && is_draft(&batch.outcomes[9]),
        "{batch:?}"
    );
    for (index, reason) in [(1, "too_large"), (10, "bad_json")] {
        let refused = batch.outcomes[index].as_ref().unwrap_err();
        assert!(
            matches!(refused, PublishError::NotPublished { source } if source.reason() == Some(reason)),
            "{refused}"
        );
        assert!(!refused.may_heal());
    }
    for ((content_type, payload), outcome) in payloads.iter().zip(&batch.outcomes[2..]) {
        let message = next_message(&mut received).await;
        assert_eq!(message.id, outcome.as_ref().unwrap().id);
        assert_eq!((&message.content_type, &message.payload[..]), (content_type, *payload));
    }
    let five = Assurance::default().confirm(Confirm::Peers(5));
    let batch = client.publish_batch(&events([draft("t", "x")]), &five).await;
    let err = batch.outcomes[0].as_ref().unwrap_err();
    assert!(
        matches!(err, PublishError::NotPublished { source } if source.reason() == Some("too_few_peers")),
        "{err}"
    );
}

#[tokio::test]
async fn many_messages_arrive_in_their_order() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let client = a.client().await;
    let mut received = hears(&client, Instance::Events, "t").await;
    let drafts = (0..5000).map(|n| draft("t", n.to_string()));
    let batch = client.publish_batch(&events(drafts), &Assurance::default()).await;
    assert!(
        batch.failure.is_none() && batch.outcomes.iter().all(Result::is_ok),
        "{batch:?}"
    );
    for n in 0..5000 {
        assert_eq!(next_message(&mut received).await.payload, n.to_string().as_bytes());
    }
}

/// Of what was answered all is known; of the rest, that nobody can say.
#[tokio::test]
async fn a_node_that_is_lost_leaves_the_rest_unknown() {
    let script = Script::bind().await;
    let client = Client::connect(script.url.clone()).await.unwrap();
    let playing = tokio::spawn(async move {
        let mut stream = script.accept().await;
        let asked = request(&mut stream).await.unwrap();
        let said = [
            NDJSON.to_owned(),
            chunk("{\"id\":\"events/a/17/1\"}\n{\"line\":2,\"error\":\"no\",\"reason\":\"denied\"}\n{\"id\":\"eve"),
        ];
        stream.write_all(said.concat().as_bytes()).await.unwrap();
        asked
    });
    let drafts = ["one", "two", "three", "four"].map(|payload| draft("t", payload));
    let batch = soon(client.publish_batch(&events(drafts), &Assurance::default())).await;
    playing.await.unwrap();
    assert_eq!(batch.outcomes.len(), 2, "{batch:?}");
    assert_eq!(batch.outcomes[0].as_ref().unwrap().id.to_string(), "events/a/17/1");
    let refused = batch.outcomes[1].as_ref().unwrap_err();
    assert!(!refused.may_heal() && refused.to_string().contains("no"), "{refused}");
    let failure = batch.failure.unwrap();
    assert!(
        matches!(failure, PublishError::Ambiguous { .. }) && failure.may_heal(),
        "{failure}"
    );
}

#[tokio::test]
async fn an_answer_that_is_none_is_told() {
    for (said, known) in [
        ("{\"done\":{}}\n", 0),
        ("{\"id\":\"events/a/17/1\"}\nhello\n", 1),
        ("{\"id\":\"events/a/17/1\"}\n{\"done\":{}}\n", 1),
        (
            "{\"id\":\"events/a/17/1\"}\n{\"error\":\"gone\",\"reason\":\"unauthenticated\"}\n",
            1,
        ),
    ] {
        let script = Script::bind().await;
        let client = Client::connect(script.url.clone()).await.unwrap();
        let playing = script.answering(vec![answer("200 OK", said)]);
        let drafts = ["one", "two"].map(|payload| draft("t", payload));
        let batch = client.publish_batch(&events(drafts), &Assurance::default()).await;
        playing.await.unwrap();
        assert_eq!(batch.outcomes.len(), known, "{said}");
        assert!(
            matches!(batch.failure, Some(PublishError::Ambiguous { .. })),
            "{said}: {batch:?}"
        );
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_whole_is_surely_not_published() {
    let script = Script::bind().await;
    let client = Client::connect(script.url.clone()).await.unwrap();
    let playing = script.answering(vec![answer(
        "503 Service Unavailable",
        r#"{"error":"it stops","reason":"stopping"}"#,
    )]);
    let batch = client
        .publish_batch(&events([draft("t", "one")]), &Assurance::default())
        .await;
    playing.await.unwrap();
    assert!(batch.outcomes.is_empty());
    let failure = batch.failure.unwrap();
    assert!(
        matches!(failure, PublishError::NotPublished { .. }) && failure.may_heal(),
        "{failure}"
    );
    // Without a message there is nothing to ask.
    let batch = client.publish_batch(&[], &Assurance::default()).await;
    assert!(batch.outcomes.is_empty() && batch.failure.is_none());
}
