//! Which sockets are opened.

use serde_json::json;

use crate::client::{Client, get, refusal};
use crate::served::Served;

#[tokio::test]
async fn only_serializer_2_is_spoken_and_the_answer_says_so() {
    let served = Served::start().await;
    for (query, words) in [
        ("", "does not say which serializer"),
        ("?vsn=1.0.0", "objects, is not served"),
        ("?vsn=3.0.0", "`3.0.0` is not served"),
        ("?token=x", "does not say which serializer"),
        ("?vsn=%1b", "`\\u{1b}` is not served"),
    ] {
        let path = format!("/socket/websocket{query}");
        let err = Client::open(served.addr, &path, &[]).await.map(drop).unwrap_err();
        let (status, reason, said) = refusal(err);
        assert_eq!((status, &*reason), (400, "bad_query"), "{query}");
        assert!(
            said.contains(words) && said.ends_with("connect with vsn=2.0.0"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn what_is_no_websocket_is_told_in_words() {
    let served = Served::start().await;
    let (status, body) = get(served.addr, "/socket/websocket?vsn=2.0.0").await;
    assert_eq!((status, &body["reason"]), (426, &json!("not_a_websocket")));
    let (status, body) = get(served.addr, "/socket/longpoll?vsn=2.0.0").await;
    assert_eq!(status, 404);
    assert!(body["error"].as_str().unwrap().contains("use the WebSocket"), "{body}");
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let served = Served::start().await;
    let path = "/socket/websocket?vsn=2.0.0";
    let own = format!("http://{}", served.addr);
    Client::open(served.addr, path, &[("origin", &own)]).await.unwrap();
    let foreign = Client::open(served.addr, path, &[("origin", "http://evil.example")]).await;
    assert_eq!(refusal(foreign.map(drop).unwrap_err()).0, 403);
}

#[tokio::test]
async fn a_token_is_taken_from_wherever_a_client_can_put_it() {
    let served = Served::start().await;
    let path = "/socket/websocket?vsn=2.0.0";
    let name = "sec-websocket-protocol";
    // `~~~?` has characters by which the two alphabets of base64 differ.
    for bearer in ["fn5-Pw", "fn5+Pw", "fn5-Pw=="] {
        let offered = format!("phoenix, base64url.bearer.phx.{bearer}");
        let (mut client, response) = Client::open(served.addr, path, &[(name, &offered)]).await.unwrap();
        assert_eq!(response.headers()[name], "phoenix", "{bearer}");
        client.expect_nothing().await;
    }
    let (_, response) = Client::open(served.addr, path, &[("authorization", "Bearer abc")])
        .await
        .unwrap();
    assert!(!response.headers().contains_key(name));
    Client::open(served.addr, "/socket/websocket?token=abc&vsn=2.0.0", &[])
        .await
        .unwrap();
    for bearer in ["!", "_w", "a"] {
        let offered = format!("phoenix, base64url.bearer.phx.{bearer}");
        let err = Client::open(served.addr, path, &[(name, &offered)])
            .await
            .map(drop)
            .unwrap_err();
        let (status, reason, words) = refusal(err);
        assert_eq!((status, &*reason), (403, "unauthenticated"), "{bearer}: {words}");
    }
}
