//! Who may do what.

use std::time::Duration;

use bellwether::{Instance, Timestamp};
use bellwether_access::{Access, Claims, Grant, Policy, Principal, Revoked, TokenId, TokenKeys};
use bellwether_message::KeyRing;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, refusal};
use crate::served::Served;

const PATH: &str = "/socket/websocket?vsn=2.0.0";

/// What only token holders may: `orders` of events, and one topic more to receive.
fn grant() -> Grant {
    Grant {
        allow_publish: vec!["events:orders:*".parse().unwrap()],
        allow_subscribe: vec!["events:orders:*".parse().unwrap(), "events:news".parse().unwrap()],
        ..Grant::default()
    }
}

fn keys() -> TokenKeys {
    let secret = "0123456789abcdef0123456789abcdef";
    TokenKeys::new("lab", &KeyRing::new("lab", [secret]).unwrap())
}

fn token(id: u8) -> String {
    let (now, hour) = (Timestamp::now(), Duration::from_secs(3600));
    let claims = Claims::new(TokenId::new([id; 8]), "web", grant(), now, hour).unwrap();
    keys().sign(claims).unwrap()
}

async fn served() -> (Served, Access) {
    let access = Access::new(Policy::closed(), Some(keys()));
    (Served::start_as(access.clone()).await, access)
}

async fn client(served: &Served, token: &str) -> Client {
    let path = format!("{PATH}&token={token}");
    Client::open(served.addr, &path, &[]).await.unwrap().0
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_that_counts() {
    let (served, _) = served().await;
    let changed = token(1).replace('a', "b");
    for path in [
        PATH.to_owned(),
        format!("{PATH}&token=x"),
        format!("{PATH}&token={changed}"),
    ] {
        let err = Client::open(served.addr, &path, &[]).await.map(drop).unwrap_err();
        let (status, reason, words) = refusal(err);
        assert_eq!((status, &*reason), (403, "unauthenticated"), "{words}");
        assert!(!words.contains(&changed), "{words}");
    }
    let bearer = format!("Bearer {}", token(1));
    let opened = Client::open(served.addr, PATH, &[("authorization", &bearer)]).await;
    opened.unwrap().0.expect_nothing().await;
}

#[tokio::test]
async fn what_is_denied_is_refused_and_what_is_partly_allowed_is_partly_delivered() {
    let (served, _) = served().await;
    let mut client = client(&served, &token(1)).await;
    for topic in ["audit:*", "events:secret", "events:$queue:w:secret"] {
        let (_, status, response) = client.try_join(topic, json!({"from": "earliest"})).await;
        assert_eq!(
            (&*status, &response["reason"]),
            ("error", &json!("unauthorized")),
            "{topic}: {response}"
        );
    }
    served.publish(Instance::Events, "secret", "made", "{}");
    served.publish(Instance::Events, "orders:1", "made", "{}");
    client
        .push(None, "events:*", "phx_join", json!({"from": "earliest"}))
        .await;
    assert_eq!(client.next().await.payload["status"], "ok");
    assert_eq!(client.next().await.payload["_bellwether"]["topic"], "events:orders:1");
    assert_eq!(client.next().await.event, "live");
    served.publish(Instance::Events, "secret", "made", "{}");
    served.publish(Instance::Events, "news", "made", "{}");
    assert_eq!(client.next().await.payload["_bellwether"]["topic"], "events:news");
    for payload in [json!({"topic": "events:news"}), json!({"topic": "audit:a"})] {
        let (reason, words) = client.refused("events:*", "publish", payload).await;
        assert_eq!(reason, "unauthorized", "{words}");
    }
    client
        .push(None, "events:*", "publish", json!({"topic": "events:orders:2"}))
        .await;
    let frames = [client.next().await, client.next().await];
    assert!(frames.iter().any(|frame| frame.event == "message"), "{frames:?}");
}

#[tokio::test]
async fn a_channel_of_which_nothing_is_left_fails_and_others_go_on() {
    let (served, access) = served().await;
    let mut client = client(&served, &token(1)).await;
    client.join("events:news", json!({})).await;
    client.join("events:orders:*", json!({})).await;
    let denied = Grant {
        deny_subscribe: vec!["events:orders:*".parse().unwrap()],
        ..Grant::default()
    };
    access.set_policy(Policy::closed().with_principal(Principal::new("web", denied)));
    let frame = client.next().await;
    assert_eq!((&*frame.event, &*frame.topic), ("phx_error", "events:orders:*"));
    let (_, status, response) = client.try_join("events:orders:*", json!({})).await;
    assert_eq!((&*status, &response["reason"]), ("error", &json!("unauthorized")));
    served.publish(Instance::Events, "news", "made", "{}");
    assert_eq!(client.next().await.event, "made");
}

#[tokio::test]
async fn who_is_revoked_goes_and_does_not_come_back() {
    let (served, access) = served().await;
    let (gone, other) = (token(1), token(2));
    let mut stays = client(&served, &other).await;
    stays.join("events:news", json!({})).await;
    let mut goes = client(&served, &gone).await;
    goes.join("events:news", json!({})).await;
    goes.join("events:orders:*", json!({})).await;
    // Behind the look that a socket takes when it is opened.
    tokio::time::sleep(Duration::from_millis(50)).await;
    access.set_revoked(Revoked::parse(&TokenId::new([1; 8]).to_string()).0);
    let mut failed = Vec::new();
    for _ in 0..2 {
        let frame = goes.next().await;
        assert_eq!(frame.event, "phx_error");
        failed.push(frame.topic);
    }
    assert_eq!(failed, ["events:news", "events:orders:*"]);
    assert_eq!(goes.closed().await.0, 1008);
    let path = format!("{PATH}&token={gone}");
    let err = Client::open(served.addr, &path, &[]).await.map(drop).unwrap_err();
    assert_eq!(refusal(err).0, 403);
    served.publish(Instance::Events, "news", "made", "{}");
    assert_eq!(stays.next().await.event, "made");
    stays.send(Message::Close(None)).await;
}

/// What is allowed and denied of `events`, and whether that is enough for `orders:new` in it.
const OUTCOMES: [(&[&str], &[&str], bool); 7] = [
    (&["alerts:*"], &[], false),
    (&["events:*"], &[], true),
    (&["*"], &[], true),
    (&["events:*"], &["events:*"], false),
    (&["events:*"], &["*"], false),
    (&["events:*"], &["events:+", "events:+:*"], false),
    (&["logging:*", "events:another:topic"], &[], false),
];

fn permissions(texts: &[&str]) -> Vec<bellwether_access::Permission> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

async fn holder(served: &Served, grant: Grant) -> Client {
    let claims = Claims::new(
        TokenId::new([9; 8]),
        "web",
        grant,
        Timestamp::now(),
        Duration::from_secs(600),
    );
    client(served, &keys().sign(claims.unwrap()).unwrap()).await
}

#[tokio::test]
async fn every_way_to_publish_asks_whether_it_may() {
    let (served, _) = served().await;
    let published = || served.node.counters(Instance::Events).published.value();
    for (allow, deny, is_enough) in OUTCOMES {
        let mut client = holder(
            &served,
            Grant {
                allow_publish: permissions(allow),
                deny_publish: permissions(deny),
                allow_subscribe: permissions(&["*"]),
                ..Grant::default()
            },
        )
        .await;
        // Its own messages do not come back on a channel of another instance.
        client.join("health:x", json!({})).await;
        for payload in [
            json!({"topic": "events:orders:new"}),
            json!({"topic": "events:orders:new", "wait": true}),
            json!({"topic": "events:orders:new", "confirm": "all"}),
        ] {
            let what = format!("{payload} with {allow:?} without {deny:?}");
            let before = published();
            client.push(None, "health:x", "publish", payload).await;
            let (status, response) = client.next().await.answer();
            assert_eq!(status == "ok", is_enough, "{what}: {response}");
            assert_eq!(response["reason"] == "unauthorized", !is_enough, "{what}: {response}");
            assert_eq!(published() - before, u64::from(is_enough), "{what}");
        }
    }
}

#[tokio::test]
async fn every_way_to_receive_asks_whether_it_may() {
    let (served, _) = served().await;
    served.publish(Instance::Events, "orders:new", "made", "{}");
    for (allow, deny, is_enough) in OUTCOMES {
        for (topic, params) in [
            ("events:orders:new", json!({})),
            ("events:orders:+", json!({})),
            ("events:orders:*", json!({})),
            ("events:$queue:workers:orders:*", json!({})),
            ("events:orders:*", json!({"from": "earliest"})),
            ("events:orders:*", json!({"from": "last:1"})),
            ("events:orders:*", json!({"from": "time:2026-01-01T00:00:00Z"})),
        ] {
            let mut client = holder(
                &served,
                Grant {
                    allow_subscribe: permissions(allow),
                    deny_subscribe: permissions(deny),
                    allow_publish: permissions(&["*"]),
                    ..Grant::default()
                },
            )
            .await;
            let what = format!("{topic} {params} with {allow:?} without {deny:?}");
            let (_, status, response) = client.try_join(topic, params).await;
            assert_eq!(status == "ok", is_enough, "{what}: {response}");
            assert_eq!(response["reason"] == "unauthorized", !is_enough, "{what}: {response}");
        }
    }
}
