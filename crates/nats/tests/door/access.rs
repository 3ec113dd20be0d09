//! Who may do what: each way to publish and to receive, with each outcome.

use std::time::Duration;

use bellwether::Timestamp;
use bellwether_access::{Access, Claims, Grant, Limits, Policy, Principal, Revoked, TokenId, TokenKeys};
use bellwether_message::KeyRing;

use crate::lab::Door;
use crate::wire::Wire;

fn permissions(texts: &[&str]) -> Vec<bellwether_access::Permission> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Foreign subjects below `orders`, but for secret ones; `news` of the instance `events`, to receive; and own inboxes.
fn grant() -> Grant {
    let orders = "events:$nats:orders:*";
    Grant {
        allow_publish: permissions(&[orders, "alerts:warnings"]),
        allow_subscribe: permissions(&[orders, "events:news", "events:$nats:_INBOX:*"]),
        deny_publish: permissions(&["events:$nats:orders:secret"]),
        deny_subscribe: permissions(&["events:$nats:orders:secret"]),
        ..Grant::default()
    }
}

fn keys() -> TokenKeys {
    let secret = "0123456789abcdef0123456789abcdef";
    TokenKeys::new("lab", &KeyRing::new("lab", [secret]).unwrap())
}

fn token_until(id: u8, now: Timestamp, age: Duration) -> String {
    let claims = Claims::new(TokenId::new([id; 8]), "web", grant(), now, age).unwrap();
    keys().sign(claims).unwrap()
}

fn token(id: u8) -> String {
    token_until(id, Timestamp::now(), Duration::from_secs(3600))
}

async fn guarded(policy: Policy) -> (Door, Access) {
    let access = Access::new(policy, Some(keys()));
    (Door::guarded(access.clone()).await, access)
}

async fn holder(door: &Door, token: &str) -> Wire {
    let says = format!(r#"{{"verbose":false,"headers":true,"no_responders":true,"auth_token":"{token}"}}"#);
    door.client_that(&says).await
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_that_counts() {
    let (door, access) = guarded(Policy::closed()).await;
    let expired = token_until(
        2,
        Timestamp::from_millis(Timestamp::now().as_millis() - 60_000),
        Duration::from_secs(1),
    );
    access.set_revoked(Revoked::parse(&TokenId::new([3; 8]).to_string()).0);
    for credentials in [
        String::new(),
        r#","auth_token":"bwt1_x""#.to_owned(),
        format!(r#","auth_token":"{}""#, token(1).replace('a', "b")),
        format!(r#","auth_token":"{expired}""#),
        format!(r#","user":"web","pass":"{}""#, token(3)),
    ] {
        let mut wire = Wire::connect(door.addr).await;
        assert_eq!(wire.info["auth_required"], true);
        wire.say(&format!("CONNECT {{\"verbose\":false{credentials}}}\r\nPING\r\n"))
            .await;
        wire.expect_end("-ERR 'Authorization Violation'").await;
    }
    // Who says nothing of itself is nobody either.
    let mut wire = Wire::connect(door.addr).await;
    wire.say("PUB orders.new 0\r\n\r\n").await;
    wire.expect_end("-ERR 'Authorization Violation'").await;
    for credentials in [
        format!(r#""auth_token":"{}""#, token(1)),
        format!(r#""user":"anybody","pass":"{}""#, token(1)),
    ] {
        let mut wire = Wire::connect(door.addr).await;
        wire.say(&format!("CONNECT {{\"verbose\":false,{credentials}}}\r\n"))
            .await;
        wire.sync().await;
    }
}

#[tokio::test]
async fn what_is_denied_is_refused_by_every_way_and_the_connection_goes_on() {
    let (door, _) = guarded(Policy::closed()).await;
    let mut wire = holder(&door, &token(1)).await;
    for subject in ["orders.secret", "orders", "events.news", "alerts.x", "$bw.x", "audit.a"] {
        for said in [
            format!("PUB {subject} 0\r\n\r\n"),
            format!("PUB {subject} _INBOX.a.1 0\r\n\r\n"),
            format!("HPUB {subject} 12 12\r\nNATS/1.0\r\n\r\n\r\n"),
        ] {
            wire.say(&said).await;
            let told = format!("-ERR 'Permissions Violation for Publish to \"{subject}\"'");
            wire.expect(&told).await;
        }
    }
    for subject in ["orders.secret", "orders", "events.other", "alerts.>", "audit.>"] {
        wire.say(&format!("SUB {subject} 1\r\n")).await;
        let told = format!("-ERR 'Permissions Violation for Subscription to \"{subject}\"'");
        wire.expect(&told).await;
        wire.say(&format!("SUB {subject} workers 2\r\n")).await;
        let told = wire.line().await;
        assert!(
            told.starts_with("-ERR 'Permissions Violation for Subscription"),
            "{told}"
        );
    }
    wire.sync().await;
}

#[tokio::test]
async fn a_new_policy_ends_subscriptions_and_tells_the_largest_payload_anew() {
    let (door, access) = guarded(Policy::closed()).await;
    let says = format!(r#"{{"verbose":false,"protocol":1,"auth_token":"{}"}}"#, token(1));
    let mut wire = door.client_that(&says).await;
    wire.say("SUB orders.> 1\r\nSUB orders.> workers 2\r\nSUB events.news 3\r\n")
        .await;
    wire.sync().await;
    let denied = Grant {
        deny_subscribe: permissions(&["events:$nats:orders:*"]),
        ..Grant::default()
    };
    let mut limits = Limits::default();
    limits.payload_bytes = 10;
    let policy = Policy::closed().with_principal(Principal::new("web", denied));
    access.set_policy(policy.with_limits(limits));
    for _ in 0..2 {
        wire.expect("-ERR 'Permissions Violation for Subscription to \"orders.>\"'")
            .await;
    }
    assert_eq!(wire.next_info().await["max_payload"], 10);
    let news = bellwether::Draft::new(bellwether::Topic::new("news").unwrap(), "e").text("x");
    door.node.publish(bellwether::Instance::Events, &news).unwrap();
    wire.expect_message("MSG events.news 3", "x").await;
    // What it knows now is too large.
    wire.say("PUB orders.new 11\r\n12345678901\r\n").await;
    wire.expect_end("-ERR 'Maximum Payload Violation'").await;
}

#[tokio::test]
async fn a_wide_subscription_gets_what_is_allowed_of_it_and_nothing_else() {
    let (door, _) = guarded(Policy::closed()).await;
    let mut wire = holder(&door, &token(1)).await;
    wire.say("SUB orders.> 1\r\nSUB > 2\r\nSUB orders.new workers 3\r\n")
        .await;
    wire.sync().await;
    let publish = |instance, topic: &str| {
        let draft = bellwether::Draft::new(bellwether::Topic::new(topic).unwrap(), "e").text(topic);
        door.node.publish(instance, &draft).unwrap();
    };
    use bellwether::Instance::{Alerts, Audit, Events};
    for (instance, topic) in [
        (Events, "$nats:orders:secret"),
        (Events, "$nats:bills:new"),
        (Events, "other"),
        (Alerts, "news"),
        (Audit, "news"),
        (Events, "news"),
        (Events, "$nats:orders:new"),
    ] {
        publish(instance, topic);
    }
    let mut got = Vec::new();
    for _ in 0..4 {
        let message = wire.message().await;
        got.push(message.line);
    }
    got.sort();
    assert_eq!(
        got,
        [
            "HMSG events.news 2",
            "HMSG orders.new 1",
            "HMSG orders.new 2",
            "HMSG orders.new 3"
        ]
    );
    wire.sync().await;
}

#[tokio::test]
async fn another_name_of_a_topic_is_no_way_around() {
    let (door, _) = guarded(Policy::closed()).await;
    let mut wire = holder(&door, &token(1)).await;
    // It is another name of `system_alerts:warning`: allowed by that name, it may be said by its own.
    wire.say("PUB alerts.system_alerts.warning 0\r\n\r\n").await;
    wire.sync().await;
    wire.say("PUB alerts.system_alerts.critical 0\r\n\r\n").await;
    wire.expect("-ERR 'Permissions Violation for Publish to \"alerts.system_alerts.critical\"'")
        .await;
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let (door, access) = guarded(Policy::closed()).await;
    let mut revoked = holder(&door, &token(5)).await;
    let mut stays = holder(&door, &token(6)).await;
    let mut expires = holder(&door, &token_until(7, Timestamp::now(), Duration::from_secs(1))).await;
    access.set_revoked(Revoked::parse(&TokenId::new([5; 8]).to_string()).0);
    revoked.expect_end("-ERR 'User Authentication Revoked'").await;
    expires.expect_end("-ERR 'User Authentication Expired'").await;
    stays.sync().await;
}

#[tokio::test]
async fn a_principal_is_held_to_its_limits() {
    let mut limits = Limits::default();
    (limits.connections, limits.subscriptions, limits.payload_bytes) = (2, 1, 10);
    let (door, _) = guarded(Policy::closed().with_limits(limits)).await;
    let mut wire = holder(&door, &token(1)).await;
    wire.say("SUB orders.a 1\r\nSUB orders.b 2\r\n").await;
    wire.expect("-ERR 'Maximum Subscriptions Exceeded'").await;
    wire.say("UNSUB 1\r\nSUB orders.b 2\r\n").await;
    wire.sync().await;
    let _second = holder(&door, &token(1)).await;
    let mut third = Wire::connect(door.addr).await;
    third
        .say(&format!(
            "CONNECT {{\"verbose\":false,\"auth_token\":\"{}\"}}\r\n",
            token(1)
        ))
        .await;
    third.expect_end("-ERR 'Maximum Connections Exceeded'").await;
    wire.say("PUB orders.b 11\r\n01234567890\r\n").await;
    wire.expect_end("-ERR 'Maximum Payload Violation'").await;
}

/// What is allowed and denied of a place `{}`, and whether that is enough for a subject in it.
const OUTCOMES: [(&[&str], &[&str], bool); 7] = [
    (&[], &[], false),
    (&["{}:*"], &[], true),
    (&["*"], &[], true),
    (&["{}:*"], &["{}:*"], false),
    (&["{}:*"], &["*"], false),
    (&["{}:*"], &["{}:+", "{}:+:*"], false),
    (&["logging:*", "{}:another:topic"], &[], false),
];
/// Subjects and their places.
const SUBJECTS: [(&str, &str); 3] = [
    ("events.orders.new", "events"),
    ("health.orders.new", "health"),
    ("orders.new", "events:$nats"),
];

fn outcome(allow: &[&str], deny: &[&str], place: &str) -> [Vec<bellwether_access::Permission>; 2] {
    [allow, deny].map(|texts| {
        texts
            .iter()
            .map(|text| text.replace("{}", place).parse().unwrap())
            .collect()
    })
}

async fn holder_of(door: &Door, grant: Grant) -> Wire {
    let now = Timestamp::now();
    let claims = Claims::new(TokenId::new([9; 8]), "web", grant, now, Duration::from_secs(3600)).unwrap();
    holder(door, &keys().sign(claims).unwrap()).await
}

#[tokio::test]
async fn every_way_to_publish_asks_whether_it_may() {
    let (door, _) = guarded(Policy::closed()).await;
    // Somebody hears it, so that a question is not refused for another reason.
    let mut listener = holder_of(
        &door,
        Grant {
            allow_subscribe: permissions(&["*", "events:$nats:*"]),
            ..Grant::default()
        },
    )
    .await;
    listener.say("SUB > 1\r\n").await;
    listener.sync().await;
    for (subject, place) in SUBJECTS {
        for (allow, deny, is_enough) in OUTCOMES {
            let [allow_publish, deny_publish] = outcome(allow, deny, place);
            let mut wire = holder_of(
                &door,
                Grant {
                    allow_publish,
                    deny_publish,
                    allow_subscribe: permissions(&["*", "events:$nats:*"]),
                    ..Grant::default()
                },
            )
            .await;
            for said in [
                format!("PUB {subject} 1\r\nx\r\n"),
                format!("PUB {subject} _INBOX.a.1 1\r\nx\r\n"),
                format!("HPUB {subject} 12 13\r\nNATS/1.0\r\n\r\nx\r\n"),
                format!("HPUB {subject} _INBOX.a.1 12 13\r\nNATS/1.0\r\n\r\nx\r\n"),
            ] {
                let instance = place.split(':').next().unwrap().parse().unwrap();
                let published = || door.node.counters(instance).published.value();
                let before = published();
                let what = format!("{said:?} with {allow:?} without {deny:?}");
                wire.say(&said).await;
                if !is_enough {
                    let told = format!("-ERR 'Permissions Violation for Publish to \"{subject}\"'");
                    assert_eq!(wire.line().await, told, "{what}");
                }
                wire.sync().await;
                assert_eq!(published() - before, u64::from(is_enough), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn every_way_to_receive_asks_whether_it_may() {
    let (door, _) = guarded(Policy::closed()).await;
    for (subject, place) in SUBJECTS {
        let (parent, _) = subject.rsplit_once('.').unwrap();
        for (allow, deny, is_enough) in OUTCOMES {
            let [allow_subscribe, deny_subscribe] = outcome(allow, deny, place);
            let mut wire = holder_of(
                &door,
                Grant {
                    allow_subscribe,
                    deny_subscribe,
                    allow_publish: permissions(&["*", "events:$nats:*"]),
                    ..Grant::default()
                },
            )
            .await;
            let ways = [subject.to_owned(), format!("{parent}.*"), format!("{parent}.>")];
            for (sid, way) in ways
                .iter()
                .flat_map(|way| [way.clone(), format!("{way} workers")])
                .enumerate()
            {
                let what = format!("SUB {way} with {allow:?} without {deny:?}");
                wire.say(&format!("SUB {way} {sid}\r\n")).await;
                if !is_enough {
                    let told = wire.line().await;
                    assert!(
                        told.starts_with("-ERR 'Permissions Violation for Subscription to"),
                        "{what}: {told}"
                    );
                }
                wire.sync().await;
                wire.say(&format!("PUB {subject} 1\r\nx\r\n")).await;
                if is_enough {
                    let message = wire.message().await;
                    assert!(
                        message.line.ends_with(&format!(" {subject} {sid}")),
                        "{what}: {message:?}"
                    );
                }
                // Nothing else comes: the next line is the answer to a ping.
                wire.say(&format!("UNSUB {sid}\r\n")).await;
                wire.sync().await;
            }
        }
    }
}
