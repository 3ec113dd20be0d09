//! What comes back from a node, or from something that is none.

use std::time::Duration;

use bellwether_client::{CallError, Client, Instance, Member};
use tokio::io::AsyncWriteExt;

use crate::script::{Script, answer, first_line, request};
use crate::served::{Lab, pattern, soon, until};

#[tokio::test]
async fn what_a_node_shows_is_read() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let client = a.client().await;
    let members = client.members().await.unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!((members[0].node.as_str(), members[0].state.as_str()), ("a", "self"));
    assert_eq!(client.instances().await.unwrap().len(), 10);
    assert!(client.subscribers(None, None).await.unwrap().is_empty());

    let wanted = [(Instance::Alerts, pattern("a:*"))];
    let subscription = client.subscribe(wanted).open().await.unwrap();
    let subscribers = client.subscribers(Some(Instance::Alerts), None).await.unwrap();
    assert_eq!(subscribers[0].patterns, [pattern("a:*")]);
    drop(subscription);
    until("dropping it unsubscribes", || a.node.subscribers(None, None).is_empty()).await;
}

#[tokio::test]
async fn a_refusal_comes_in_the_nodes_words() {
    let script = Script::bind().await;
    let client = Client::options().client(script.url.clone()).unwrap();
    script.answering(vec![
        answer("413 Too Large", r#"{"error":"too large","reason":"too_large"}"#),
        answer("503 Service Unavailable", r#"{"error":"no room","reason":"no_room"}"#),
        answer("503 Service Unavailable", r#"{"error":"bye","reason":"stopping"}"#),
    ]);
    for (words, reason, may_heal) in [
        ("the node refused: too large", "too_large", false),
        ("the node refused: no room", "no_room", false),
        ("the node is not available: bye", "stopping", true),
    ] {
        let err = client.members().await.unwrap_err();
        assert_eq!(
            (err.to_string().as_str(), err.reason(), err.may_heal()),
            (words, Some(reason), may_heal)
        );
        assert_eq!(err.is_done(), Some(false));
    }
}

#[tokio::test]
async fn what_is_no_node_is_called_so() {
    for text in [
        answer("404 Not Found", "nope"),
        answer("200 OK", "nope"),
        "220 mail.example.org ESMTP\r\n".to_owned(),
    ] {
        let script = Script::bind().await;
        let client = Client::options().client(script.url.clone()).unwrap();
        script.answering(vec![text.clone()]);
        let err = client.members().await.unwrap_err();
        assert!(matches!(err, CallError::NotANode { .. }), "{text}: {err}");
    }
}

#[tokio::test]
async fn a_node_that_is_not_there_or_says_nothing_is_told_from_one_that_refuses() {
    let script = Script::bind().await;
    let client = Client::options()
        .answer_timeout(Duration::from_millis(50))
        .connect(script.url.clone())
        .await
        .unwrap();
    let err = client.members().await.unwrap_err();
    assert!(
        matches!(err, CallError::Silent { .. }) && err.is_done().is_none(),
        "{err}"
    );
    let url = script.url.clone();
    drop(script);
    let err = client.members().await.unwrap_err();
    assert_eq!(
        err.to_string(),
        format!("cannot reach a node at {url}: connection refused")
    );
    assert!(err.may_heal() && err.is_done() == Some(false));
    assert!(matches!(
        soon(client.unreachable()).await,
        CallError::Unreachable { .. }
    ));
}

/// Goal: a look at a node whose connection was closed meanwhile succeeds, whenever that is noticed.
#[tokio::test]
async fn a_closed_connection_is_replaced() {
    let script = Script::bind().await;
    let client = Client::options().client(script.url.clone()).unwrap();
    let playing = tokio::spawn(async move {
        for _ in 0..50 {
            let mut stream = script.accept().await;
            request(&mut stream).await.unwrap();
            stream.write_all(answer("200 OK", "[]").as_bytes()).await.unwrap();
        }
    });
    for _ in 0..50 {
        assert_eq!(soon(client.members()).await.unwrap(), Vec::<Member>::new());
    }
    playing.await.unwrap();
}

#[tokio::test]
async fn connections_are_kept_and_bounded() {
    let script = Script::bind().await;
    let client = Client::options().connections(1).client(script.url.clone()).unwrap();
    let playing = script.answering(vec![answer("200 OK", "[]"); 3]);
    // A second connection would wait for ever: the script takes one.
    let (one, two, three) = soon(async { tokio::join!(client.members(), client.members(), client.members()) }).await;
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(playing.await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_token_goes_with_every_request_and_is_read_again_after_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "old\n").unwrap();
    let script = Script::bind().await;
    let client = Client::options().token_file(&path).client(script.url.clone()).unwrap();
    let playing = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answers in [["200 OK", "401 Unauthorized"], ["200 OK", "200 OK"]] {
            let mut stream = script.accept().await;
            for status in answers {
                requests.push(request(&mut stream).await.unwrap());
                let body = if status == "200 OK" {
                    "[]"
                } else {
                    r#"{"error":"e","reason":"unauthenticated"}"#
                };
                stream.write_all(answer(status, body).as_bytes()).await.unwrap();
            }
        }
        requests
    });
    client.members().await.unwrap();
    assert_eq!(client.members().await.unwrap_err().reason(), Some("unauthenticated"));
    std::fs::write(&path, "new").unwrap();
    client.members().await.unwrap();
    client.members().await.unwrap();
    let requests = playing.await.unwrap();
    let tokens: Vec<_> = requests
        .iter()
        .filter_map(|request| request.lines().find_map(|line| line.strip_prefix("authorization: ")))
        .collect();
    assert_eq!(tokens, ["Bearer old", "Bearer old", "Bearer new", "Bearer new"]);
    assert_eq!(first_line(&requests[0]), "GET /v1/members HTTP/1.1");
}
