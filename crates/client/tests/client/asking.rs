//! Questions and answers.

use std::time::Duration;

use bellwether_client::{Client, Delivery, Instance, RequestError, Subscription};

use tokio::io::AsyncWriteExt;

use crate::script::{LIVE, STREAM, Script, answer, event, request};
use crate::served::{Lab, draft, pattern, soon};

const WITHIN: Duration = Duration::from_secs(20);

/// Answers every question in upper case, with its own name, and keeps how many it has answered.
async fn answer_all(client: Client, mut questions: Subscription, name: &str) {
    while let Some(Ok(delivery)) = questions.next().await {
        if let Delivery::Message(question) = delivery {
            let (instance, answer) = question.reply("answer").unwrap();
            let words = format!("{name}: {}", question.text().unwrap().to_uppercase());
            client.publish(instance, &answer.text(words)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_question_is_answered_across_the_mesh_by_one_of_a_group() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let b = lab.start("b", &[&a]).await;
    for (served, name) in [(&b, "one"), (&b, "two")] {
        let client = served.client().await;
        let group = pattern("echo:*").in_queue("echoes").unwrap();
        let questions = client.subscribe([(Instance::Alerts, group)]).open().await.unwrap();
        tokio::spawn(async move { answer_all(client, questions, name).await });
    }
    let client = a.client().await;
    let answer = client
        .request(Instance::Alerts, &draft("echo:it", "hello"), WITHIN)
        .await
        .unwrap();
    assert!(answer.text().unwrap().ends_with(": HELLO"), "{answer:?}");
    assert!(answer.causation_id.unwrap().starts_with("alerts/a/"));

    let mut inbox = client.inbox().await.unwrap();
    for n in 0..10 {
        let asked = inbox
            .ask(Instance::Alerts, &draft("echo:it", format!("q{n}")))
            .await
            .unwrap();
        let answer = inbox.answer(&asked, WITHIN).await.unwrap();
        assert!(answer.text().unwrap().ends_with(&format!(": Q{n}")), "{answer:?}");
    }
    // One of the group has answered each: there is no second answer.
    let asked = inbox.ask(Instance::Alerts, &draft("echo:it", "last")).await.unwrap();
    inbox.answer(&asked, WITHIN).await.unwrap();
    let none = inbox.answer(&asked, Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(none, RequestError::TimedOut { .. }), "{none}");
}

#[tokio::test]
async fn a_question_that_nobody_hears_is_known_at_once() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let client = a.client().await;
    let nobody = client
        .request(Instance::Alerts, &draft("echo:it", "hello"), WITHIN)
        .await;
    assert!(matches!(nobody, Err(RequestError::NoResponders)), "{nobody:?}");
}

#[tokio::test]
async fn a_node_that_knows_of_nobody_says_so_at_once() {
    let script = Script::bind().await;
    let client = Client::options().client(script.url.clone()).unwrap();
    let playing = tokio::spawn(async move {
        let mut inbox = script.accept().await;
        let subscribed = request(&mut inbox).await.unwrap();
        let begin = STREAM.to_owned() + &event(Some("place"), LIVE);
        inbox.write_all(begin.as_bytes()).await.unwrap();
        let mut asking = script.accept().await;
        let asked = request(&mut asking).await.unwrap();
        let refusal = answer("404 Not Found", r#"{"error":"nobody","reason":"no_responders"}"#);
        asking.write_all(refusal.as_bytes()).await.unwrap();
        (subscribed, asked)
    });
    let question = draft("nobody:there", "hello");
    let err = client.request(Instance::Alerts, &question, WITHIN).await.unwrap_err();
    assert!(matches!(err, RequestError::NoResponders), "{err}");
    let (subscribed, asked) = playing.await.unwrap();
    let inbox = subscribed
        .split("events%2F")
        .nth(1)
        .unwrap()
        .split(":%2A ")
        .next()
        .unwrap();
    assert!(
        inbox.starts_with("_inbox:") && inbox.len() == "_inbox:".len() + 32,
        "{subscribed}"
    );
    assert!(asked.contains(&format!("reply_to=events%2F{inbox}:1 ")), "{asked}");
}

#[tokio::test]
async fn a_question_that_nobody_hears_is_told() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let client = a.client().await;
    let question = draft("nobody:there", "hello");
    let asking = client.request(Instance::Alerts, &question, Duration::from_millis(300));
    let err = soon(asking).await.unwrap_err();
    assert!(
        matches!(err, RequestError::TimedOut { .. } | RequestError::NoResponders),
        "{err}"
    );
}
