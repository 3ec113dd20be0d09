use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that reads one request, gives this answer and closes; its URL, and the request.
async fn server(answer: impl Into<String>) -> (NodeUrl, JoinHandle<String>) {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 64 * 1024];
        let bytes = stream.read(&mut request).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request[..bytes].to_vec()).unwrap()
    });
    (node, request)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn target() -> Target {
    Target {
        instance: Instance::Alerts,
        topic: Topic::new("system_alerts:50 % full/é").unwrap(),
        event: Some("critical_alert".into()),
        originating_node: Some(NodeId::new("a.rack1").unwrap()),
        correlation_id: Some("order=7&x".into()),
        causation_id: None,
    }
}

#[tokio::test]
async fn a_publish_names_everything_encoded() {
    let (node, request) = server(answer("200 OK", r#"{"id":"alerts/a/17/1"}"#)).await;
    let mut client = Client::connect(&node).await.unwrap();
    let payload = Bytes::from_static(b"{}");
    let id = client
        .publish(&target(), &Care::default(), &ContentType::Json, payload)
        .await
        .unwrap();
    assert_eq!(id, "alerts/a/17/1");

    let request = request.await.unwrap();
    let first_line = request.lines().next().unwrap();
    assert_eq!(
        first_line,
        "POST /v1/publish/alerts/system_alerts:50%20%25%20full%2F%C3%A9?event=critical_alert\
         &originating_node=a.rack1&correlation_id=order%3D7%26x HTTP/1.1"
    );
    assert!(request.contains("content-type: application/json"), "{request}");
    assert!(request.contains(&format!("host: {}", node.authority())), "{request}");
}

#[tokio::test]
async fn a_typed_message_names_everything_encoded_and_is_answered_whole() {
    let whole = r#"{"id":"health/a/17/1","topic":"x","payload":{"ratio":1.50}}"#;
    let (node, request) = server(answer("200 OK", whole)).await;
    let mut client = Client::connect(&node).await.unwrap();
    let target = TypedTarget {
        instance: Instance::Health,
        tag: "Node Health/é".into(),
        topic: Some(Topic::new("a b:c").unwrap()),
        correlation_id: Some("7&x".into()),
        causation_id: None,
    };
    let care = Care {
        wait_s: Some(5),
        confirm: Some(Confirm::All),
        confirm_within_s: Some(3),
    };
    let said = client.say(&target, &care, Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!((said.answer.get(), said.id.unwrap().as_str()), (whole, "health/a/17/1"));

    let request = request.await.unwrap();
    assert_eq!(
        request.lines().next().unwrap(),
        "POST /v1/messages/health/Node%20Health%2F%C3%A9?topic=a%20b:c&correlation_id=7%26x&wait=5&confirm=all\
         &confirm_within=3 HTTP/1.1"
    );
}

#[tokio::test]
async fn a_typed_message_that_too_few_peers_hold_is_told_beside_the_answer() {
    let body =
        r#"{"id":"health/a/17/1","confirmed":0,"required":1,"peers":[{"node":"b","outcome":"timed_out"}],"topic":"x"}"#;
    let (node, _request) = server(answer("202 Accepted", body)).await;
    let mut client = Client::connect(&node).await.unwrap();
    let target = TypedTarget {
        instance: Instance::Health,
        tag: "NodeHealth".into(),
        topic: None,
        correlation_id: None,
        causation_id: None,
    };
    let said = client.say(&target, &Care::default(), Bytes::new()).await.unwrap();
    assert_eq!(said.answer.get(), body);
    assert!(matches!(said.id, Err(ClientError::Unconfirmed { required: 1, .. })));
}

#[tokio::test]
async fn a_segment_of_a_path_is_encoded_and_what_is_there_may_be_deleted() {
    let (node, request) = server(answer("200 OK", r#"{"id":"a/b é","removed":true}"#)).await;
    let mut client = Client::connect(&node).await.unwrap();
    let path = Path::new("/v1/thresholds").segment("a/b é?#").text;
    let answer: Box<RawValue> = client.delete(&path).await.unwrap();
    assert_eq!(answer.get(), r#"{"id":"a/b é","removed":true}"#);
    let request = request.await.unwrap();
    assert_eq!(
        request.lines().next().unwrap(),
        "DELETE /v1/thresholds/a%2Fb%20%C3%A9%3F%23 HTTP/1.1"
    );
}

#[tokio::test]
async fn a_refusal_comes_in_the_nodes_words() {
    let refusal = answer("413 Too Large", r#"{"error":"too large","reason":"too_large"}"#);
    let (node, _) = server(refusal).await;
    let mut client = Client::connect(&node).await.unwrap();
    let err = client
        .publish(&target(), &Care::default(), &ContentType::Text, Bytes::new())
        .await
        .unwrap_err();
    assert_eq!(err.to_string(), "the node refused: too large");
    assert!(!err.may_heal());
}

#[tokio::test]
async fn what_is_no_node_is_called_so() {
    for answer in [
        answer("404 Not Found", "nope"),
        answer("200 OK", "nope"),
        "220 mail.example.org ESMTP\r\n".to_owned(),
    ] {
        let (node, _) = server(answer.clone()).await;
        let mut client = Client::connect(&node).await.unwrap();
        let err = client.list::<Vec<String>>("/v1/members").await.unwrap_err();
        assert!(matches!(err, ClientError::NotANode { .. }), "{answer}: {err}");
    }
}

#[tokio::test]
async fn an_unreachable_node_is_told_with_a_hint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node: NodeUrl = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let err = Client::connect(&node).await.unwrap_err();
    assert_eq!(
        err.to_string(),
        format!("cannot reach a node at {node}: connection refused")
    );
    assert!(
        matches!(Failure::from(err), Failure::Failed { hint: Some(hint), .. } if hint.contains("bellwether start"))
    );
}

#[tokio::test]
async fn what_a_publish_waits_for_is_asked_of_the_node() {
    let unconfirmed = r#"{"id":"alerts/a/17/1","confirmed":1,"required":2,"peers":[{"node":"b","outcome":"confirmed"},{"node":"c","outcome":"timed_out"}]}"#;
    let (node, request) = server(answer("202 Accepted", unconfirmed)).await;
    let mut client = Client::connect(&node).await.unwrap();
    let care = Care {
        wait_s: Some(5),
        confirm: Some(Confirm::Peers(2)),
        confirm_within_s: Some(3),
    };
    let err = client
        .publish(&target(), &care, &ContentType::Text, Bytes::new())
        .await
        .unwrap_err();
    assert_eq!(
        err.to_string(),
        "alerts/a/17/1 is published, but 1 of the 2 peers that were to confirm it have (b: confirmed, c: timed_out)"
    );
    assert!(!err.may_heal());
    let request = request.await.unwrap();
    let first_line = request.lines().next().unwrap();
    assert!(
        first_line.ends_with("&wait=5&confirm=2&confirm_within=3 HTTP/1.1"),
        "{first_line}"
    );
}

#[tokio::test]
async fn a_node_without_room_refuses_the_message_and_is_there() {
    let refusal = answer("503 Service Unavailable", r#"{"error":"no room","reason":"no_room"}"#);
    let (node, _) = server(refusal).await;
    let mut client = Client::connect(&node).await.unwrap();
    let err = client
        .publish(&target(), &Care::default(), &ContentType::Text, Bytes::new())
        .await
        .unwrap_err();
    assert_eq!(err.to_string(), "the node refused: no room");
    assert!(!err.may_heal());
}

#[tokio::test]
async fn a_stream_is_split_into_events_wherever_it_was_cut() {
    let (node, request) = server(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
         8\r\ndata: on\r\n9\r\ne\n\nid: 7\n\r\n7\r\ndata: t\r\n4\r\nwo\n\n\r\n0\r\n\r\n",
    )
    .await;
    let client = Client::connect(&node).await.unwrap();
    let wanted = [(Instance::Events, Pattern::new("orders:*").unwrap())];
    let since = Since {
        beginning: Some("last:5"),
        last_event: Some(b"token"),
    };
    let mut stream = client.subscribe(&wanted, since).await.unwrap();
    let mut events = Vec::new();
    while stream.receive().await.unwrap() {
        while let Some(event) = stream.received_event() {
            events.push((event.id.is_some(), event.data));
        }
    }
    assert_eq!(events, [(false, Bytes::from("one")), (true, Bytes::from("two"))]);
    let request = request.await.unwrap();
    assert!(
        request.starts_with("GET /v1/subscribe?format=sse&pattern=events%2Forders:%2A&from=last:5 HTTP/1.1"),
        "{request}"
    );
    assert!(request.contains("last-event-id: token\r\n"), "{request}");
}
