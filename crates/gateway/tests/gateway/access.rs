//! Who may do what over HTTP: every way to publish, to receive, to look and to change, with every outcome.

use std::time::Duration;

use bellwether::{Draft, Instance, Timestamp, Topic};
use bellwether_access::{
    Access, Claims, Grant, Limits, LimitsOverride, Policy, Principal, Revoked, TokenId, TokenKeys,
};
use bellwether_message::KeyRing;

use crate::client::{Answer, Client};
use crate::served::Served;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn keys() -> TokenKeys {
    TokenKeys::new("bellwether", &KeyRing::new("bellwether", [SECRET]).unwrap())
}

fn token_with_id(id: u8, grant: Grant) -> String {
    let claims = Claims::new(
        TokenId::new([id; 8]),
        "web",
        grant,
        Timestamp::now(),
        Duration::from_secs(600),
    );
    keys().sign(claims.unwrap()).unwrap()
}

pub(crate) fn token(grant: Grant) -> String {
    token_with_id(1, grant)
}

pub(crate) fn permissions(texts: &[&str]) -> Vec<bellwether_access::Permission> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// May publish and receive this, not that.
pub(crate) fn grant(allow: &[&str], deny: &[&str]) -> Grant {
    Grant {
        allow_publish: permissions(allow),
        allow_subscribe: permissions(allow),
        deny_publish: permissions(deny),
        deny_subscribe: permissions(deny),
        ..Grant::default()
    }
}

pub(crate) async fn served(policy: Policy) -> Served {
    let served = Served::start_as(Access::new(policy, Some(keys())), |_| {}, |gateway| gateway).await;
    served.node.integration().enable();
    served
}

/// The same request, as whoever has this token; none: as nobody.
async fn send(client: &mut Client, token: Option<&str>, (method, path, body): (&str, &str, &str)) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    client.send(method, path, &headers, body.to_owned()).await
}

/// Ways to publish: the instance, and the request.
const PUBLISHING: [(&str, (&str, &str, &str)); 7] = [
    ("events", ("POST", "/v1/publish/events/orders:new", "x")),
    // Another name of `system_alerts:warning`.
    ("alerts", ("POST", "/v1/publish/alerts/warnings", "x")),
    (
        "health",
        (
            "POST",
            "/v1/messages/health/NodeHealth",
            r#"{"node":"b","status":"healthy"}"#,
        ),
    ),
    (
        "metrics",
        (
            "POST",
            "/v1/broadcast/metrics",
            r#"{"component":"store","metrics":{"a":1},"topic":"rates"}"#,
        ),
    ),
    (
        "metrics",
        (
            "POST",
            "/v1/broadcast",
            r#"[{"metrics":{"component":"store","metrics":{"a":1}}}]"#,
        ),
    ),
    (
        "health",
        ("POST", "/v1/subscription_health/main/billing/registration_success", ""),
    ),
    ("alerts", ("POST", "/v1/alerts/a-1/acknowledge", r#"{"by":"ops"}"#)),
];

/// What is granted for an instance `{}`, what is denied, and whether that is enough to publish to it.
pub(crate) const OUTCOMES: [(&[&str], &[&str], bool); 6] = [
    (&[], &[], false),
    (&["{}:*"], &[], true),
    (&["*"], &[], true),
    (&["{}:*"], &["{}:*"], false),
    (&["*"], &["{}:+", "{}:+:*"], false),
    (&["logging:*", "{}:another:topic"], &[], false),
];

#[tokio::test]
async fn every_way_to_publish_asks_whether_it_may() {
    let served = served(Policy::closed()).await;
    let mut client = served.client().await;
    for (instance, request) in PUBLISHING {
        let published = || -> u64 {
            let index = instance.parse::<Instance>().unwrap().index();
            served.node.instances()[index].published
        };
        send(&mut client, None, request)
            .await
            .expect_error(401, "unauthenticated", "bellwether token new");
        for (allow, deny, is_enough) in OUTCOMES {
            let fill =
                |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| text.replace("{}", instance)).collect() };
            let (allow, deny) = (fill(allow), fill(deny));
            let (allow, deny): (Vec<&str>, Vec<&str>) = (
                allow.iter().map(String::as_str).collect(),
                deny.iter().map(String::as_str).collect(),
            );
            let before = published();
            let mut may = grant(&allow, &deny);
            // To receive, to look and to change is not to publish.
            may.allow_subscribe = permissions(&["*"]);
            (may.look, may.administer) = (true, true);
            let answer = send(&mut client, Some(&token(may)), request).await;
            let what = format!("{request:?} with {allow:?} without {deny:?}: {answer:?}");
            assert_eq!(published() - before, u64::from(is_enough), "{what}");
            match (request.1, is_enough) {
                ("/v1/broadcast", false) => assert_eq!(answer.json()["failures"][0]["reason"], "denied", "{what}"),
                (_, false) => {
                    assert_eq!(answer.status, 403, "{what}");
                    assert_eq!(answer.json()["reason"], "denied", "{what}");
                }
                (_, true) => assert!(answer.status.is_success(), "{what}"),
            }
        }
    }
}

#[tokio::test]
async fn private_instances_must_be_named() {
    let served = served(Policy::closed()).await;
    let mut client = served.client().await;
    for instance in ["security", "audit"] {
        let request = ("POST", &*format!("/v1/publish/{instance}/a"), "x");
        let all = token(grant(&["*"], &[]));
        send(&mut client, Some(&all), request)
            .await
            .expect_error(403, "denied", instance);
        let named = token(grant(&[&format!("{instance}:*")], &[]));
        assert_eq!(send(&mut client, Some(&named), request).await.status, 200);
        let request = ("GET", &*format!("/v1/subscribe?pattern={instance}/*"), "");
        send(&mut client, Some(&all), request)
            .await
            .expect_error(403, "denied", instance);
    }
}

/// Ways to receive `orders:new` of `events`, by their queries; `{id}` is the id of a message.
const RECEIVING: [&str; 11] = [
    "pattern=events/orders:new",
    "pattern=events/orders:%2B",
    "pattern=events/orders:*",
    "pattern=events/orders:new&format=sse",
    "pattern=events/$queue:workers:orders:*",
    "pattern=alerts/*&pattern=events/orders:*",
    "pattern=events/orders:*&from=earliest",
    "pattern=events/orders:*&from=last:1",
    "pattern=events/orders:*&from=id:{id}",
    "pattern=events/orders:*&from=time:2026-01-01T00:00:00Z",
    "pattern=events/orders:*&session=billing",
];

fn publish(served: &Served, topic: &str) -> String {
    let draft = Draft::new(Topic::new(topic).unwrap(), "tag").text(topic);
    served.node.publish(Instance::Events, &draft).unwrap().to_string()
}

#[tokio::test]
async fn every_way_to_receive_asks_whether_it_may() {
    let served = served(Policy::closed()).await;
    let id = publish(&served, "orders:new").replace('/', "%2F");
    let (_, behind) = open(
        &served,
        &grant(&["events:*"], &[]),
        "format=sse&pattern=events/orders:*",
    )
    .await;
    let behind = behind.expect("an event has an id");
    let mut queries: Vec<(String, Option<&str>)> = RECEIVING
        .iter()
        .map(|query| (query.replace("{id}", &id), None))
        .collect();
    queries.push(("format=sse&pattern=events/orders:*".to_owned(), Some(&behind)));

    for (query, behind) in &queries {
        let path = format!("/v1/subscribe?{query}");
        let headers: Vec<(&str, &str)> = behind.iter().map(|id| ("last-event-id", *id)).collect();
        let nobody = served.client().await.send("GET", &path, &headers, "").await;
        nobody.expect_error(401, "unauthenticated", "bellwether token new");
        for (allow, deny, is_enough) in [
            (&["alerts:*"][..], &[][..], false),
            (&["alerts:*", "events:bills:*"], &[], false),
            (&["alerts:*", "events:orders:*"], &["events:orders:*"], false),
            (&["alerts:*", "events:orders:*"], &["events:*"], false),
            (&["alerts:*", "events:orders:*", "health:*"], &[], true),
            (&["*"], &["events:orders:secret"], true),
        ] {
            let mut may = grant(allow, deny);
            may.allow_publish = permissions(&["*"]);
            may.deny_publish = Vec::new();
            let bearer = format!("Bearer {}", token(may));
            let headers = [headers.as_slice(), &[("authorization", bearer.as_str())]].concat();
            let response = served.client().await.begin("GET", &path, &headers, "").await;
            let expected = if is_enough { 200 } else { 403 };
            assert_eq!(response.status(), expected, "{query} with {allow:?} without {deny:?}");
        }
    }
}

/// Subscribes as who may do that, up to the first line or event; its id, if it has one.
async fn open(served: &Served, may: &Grant, query: &str) -> (crate::client::Lines, Option<String>) {
    let bearer = format!("Bearer {}", token(may.clone()));
    let mut lines = served
        .client()
        .await
        .open_with(query, &[("authorization", bearer.as_str())])
        .await;
    if query.contains("format=sse") {
        let id = lines.next_event().await.unwrap().id;
        return (lines, id);
    }
    assert!(lines.next_json().await["subscribed"].is_object());
    (lines, None)
}

#[tokio::test]
async fn a_wide_pattern_delivers_what_is_permitted_and_nothing_else() {
    let served = served(Policy::closed()).await;
    publish(&served, "orders:old");
    publish(&served, "secret:old");
    let may = grant(&["events:*"], &["events:secret:*", "events:orders:denied"]);
    for query in ["pattern=events/*", "pattern=events/*&from=earliest"] {
        let (mut lines, _) = open(&served, &may, query).await;
        publish(&served, "secret:new");
        publish(&served, "orders:denied");
        publish(&served, "orders:new");
        let mut topics = Vec::new();
        while topics.last().is_none_or(|last| last != "orders:new") {
            let line = lines.next_json().await;
            if let Some(topic) = line["topic"].as_str() {
                topics.push(topic.to_owned());
            }
        }
        assert!(
            !topics
                .iter()
                .any(|topic| topic.starts_with("secret") || topic == "orders:denied"),
            "{topics:?}"
        );
        assert_eq!(
            topics.iter().any(|topic| topic == "orders:old"),
            query.contains("from"),
            "{topics:?}"
        );
    }
}

/// Requests that only look, and those that change what the node does.
const LOOKING: [&str; 14] = [
    "/v1/mesh",
    "/v1/topics",
    "/v1/members",
    "/v1/instances",
    "/v1/subscribers",
    "/v1/alerts",
    "/v1/alerts/a-1",
    "/v1/thresholds",
    "/v1/subscription_health",
    "/v1/subscription_health/main",
    "/v1/subscription_health/main/billing",
    "/v1/circuit_breakers",
    "/v1/integration",
    "/metrics",
];
const CHANGING: [(&str, &str, &str); 4] = [
    ("PUT", "/v1/integration", r#"{"enabled":true}"#),
    (
        "PUT",
        "/v1/thresholds/x",
        r#"{"metric_name":"m","kind":"max","warning":1}"#,
    ),
    ("DELETE", "/v1/thresholds/x", ""),
    ("POST", "/v1/circuit_breakers/x/reset", ""),
];

#[tokio::test]
async fn every_way_to_look_and_to_change_asks_whether_it_may() {
    let served = served(Policy::closed()).await;
    let mut client = served.client().await;
    let looking = LOOKING.map(|path| (("GET", path, ""), true));
    let compatibility = (("GET", "/v1/integration/compatibility", ""), true);
    let changing = CHANGING.map(|request| (request, false));
    for (request, is_look) in looking.into_iter().chain([compatibility]).chain(changing) {
        send(&mut client, None, request)
            .await
            .expect_error(401, "unauthenticated", "token");
        for (look, administer) in [(false, false), (true, false), (false, true), (true, true)] {
            let may = Grant {
                look,
                administer,
                ..grant(&["*", "security:*", "audit:*"], &[])
            };
            let answer = send(&mut client, Some(&token(may)), request).await;
            let is_allowed = if is_look { look } else { administer };
            assert_eq!(answer.status != 403, is_allowed, "{request:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn probes_are_answered_to_everybody_without_details() {
    let access = Access::new(Policy::closed(), Some(keys()));
    let served = Served::start_as(access.clone(), |_| {}, |gateway| gateway).await;
    let mut client = served.client().await;
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(client.get("/").await.status, 200);
    let ready = client.get("/readyz").await;
    assert_eq!(ready.json().as_object().unwrap().len(), 1, "{ready:?}");
    let refusals = || access.take_refusals(Duration::from_secs(3600)).len();
    assert_eq!(refusals(), 0, "a probe is no intruder");
    assert_eq!(client.get("/metrics").await.status, 401);
    assert_eq!(refusals(), 1);
    let look = token(Grant {
        look: true,
        ..Grant::default()
    });
    let ready = send(&mut client, Some(&look), ("GET", "/readyz", "")).await;
    assert!(ready.json().as_object().unwrap().len() > 1, "{ready:?}");
    // What is no credential is not taken for none, but it is no reason to think a node dead.
    assert_eq!(
        send(&mut client, Some("bwt1_x"), ("GET", "/healthz", "")).await.status,
        200
    );
}

#[tokio::test]
async fn a_bad_token_is_refused_even_where_anybody_is_served() {
    let served = served(Policy::closed().with_anonymous(Grant {
        look: true,
        ..Grant::default()
    }))
    .await;
    let mut client = served.client().await;
    assert_eq!(client.get("/v1/members").await.status, 200);
    let refused = send(&mut client, Some("bwt1_x.y"), ("GET", "/v1/members", "")).await;
    refused.expect_error(401, "unauthenticated", "not valid");
    let basic = client
        .send("GET", "/v1/members", &[("authorization", "Basic x")], "")
        .await;
    basic.expect_error(401, "unauthenticated", "Bearer");
}

#[tokio::test]
async fn a_revoked_token_ends_streams_that_are_open() {
    let access = Access::new(Policy::closed(), Some(keys()));
    let served = Served::start_as(access.clone(), |_| {}, |gateway| gateway).await;
    let (mut lines, _) = open(&served, &grant(&["events:*"], &[]), "pattern=events/*").await;
    access.set_revoked(Revoked::parse(&TokenId::new([1; 8]).to_string()).0);
    // It may be told why, and then it ends.
    while let Some(line) = lines.next().await {
        assert!(line.is_empty() || line.contains("revoked"), "{line}");
    }
    let refused = served
        .client()
        .await
        .send("GET", "/v1/subscribe?pattern=events/*", &[], "")
        .await;
    assert_eq!(refused.status, 401);
}

/// The policy that denies the holders of tests' tokens to receive this.
fn denying(texts: &[&str]) -> Policy {
    let grant = Grant {
        deny_subscribe: permissions(texts),
        ..Grant::default()
    };
    Policy::closed().with_principal(Principal::new("web", grant))
}

#[tokio::test]
async fn a_new_policy_ends_streams_of_which_nothing_is_left_and_no_others() {
    let access = Access::new(Policy::closed(), Some(keys()));
    let served = Served::start_as(access.clone(), |_| {}, |gateway| gateway).await;
    let may = grant(&["events:*"], &[]);
    let (mut all, _) = open(&served, &may, "pattern=events/*").await;
    let (mut orders, _) = open(&served, &may, "pattern=events/orders:*").await;
    let (mut works, _) = open(&served, &may, "pattern=events/$queue:w:orders:*").await;
    access.set_policy(denying(&["events:orders:*"]));
    for lines in [&mut orders, &mut works] {
        let told = lines.next_json().await;
        assert_eq!(told["reason"], "denied", "{told}");
        assert!(lines.next().await.is_none());
    }
    // Nobody is left whom the queue group could choose.
    let subscribers = served.node.subscribers(Some(Instance::Events), None);
    assert_eq!(subscribers.len(), 1, "{subscribers:?}");
    let publish = |topic: &str| {
        let draft = Draft::new(Topic::new(topic).unwrap(), "e").text(topic);
        served.node.publish(Instance::Events, &draft).unwrap();
    };
    publish("orders:1");
    publish("news");
    assert_eq!(all.next_json().await["topic"], "news");
}

#[tokio::test]
async fn a_new_policy_ends_what_a_socket_may_not_have_and_the_socket_goes_on() {
    let access = Access::new(Policy::open(), None);
    let served = Served::start_as(access.clone(), |_| {}, |gateway| gateway).await;
    let mut socket = crate::socket_client::Socket::connect(served.addr).await;
    let subscribe = |id: &str, pattern: &str| serde_json::json!({"op": "subscribe", "id": id, "patterns": [pattern]});
    socket.subscribe(&subscribe("o", "events/orders")).await;
    socket.subscribe(&subscribe("n", "events/news")).await;
    let anonymous = Grant {
        allow_subscribe: permissions(&["events:news"]),
        ..Grant::default()
    };
    access.set_policy(Policy::closed().with_anonymous(anonymous));
    let ended = socket.next().await;
    assert_eq!(
        (&ended["id"], &ended["reason"]),
        (&"o".into(), &"denied".into()),
        "{ended}"
    );
    let draft = Draft::new(Topic::new("news").unwrap(), "e").text("x");
    served.node.publish(Instance::Events, &draft).unwrap();
    assert_eq!(socket.next().await["id"], "n");
    // Its id is free again, and it is told why it may not.
    let refused = socket.ask(&subscribe("o", "events/orders")).await;
    assert_eq!(refused["reason"], "denied", "{refused}");
}

#[tokio::test]
async fn a_new_policy_ends_the_view_of_the_mesh_for_who_may_not_look_any_more() {
    let looking = Grant {
        look: true,
        ..Grant::default()
    };
    let access = Access::new(Policy::closed().with_anonymous(looking), None);
    let served = Served::start_as(access.clone(), |_| {}, |gateway| gateway).await;
    let mut events = served.client().await.open_path("/v1/mesh?format=sse").await;
    assert_eq!(events.next_event().await.unwrap().name, "snapshot");
    access.set_policy(Policy::closed().with_anonymous(grant(&["events:*"], &[])));
    let told = loop {
        let event = events.next_event().await.expect("it is told before the end");
        match event.name.as_str() {
            "snapshot" => {}
            _ => break event,
        }
    };
    assert_eq!(
        (told.name.as_str(), &told.data["reason"]),
        ("error", &"denied".into()),
        "{told:?}"
    );
    assert!(events.next_event().await.is_none());
}

#[tokio::test]
async fn a_browser_may_show_a_token_in_the_query_of_a_stream_and_nowhere_else() {
    let served = served(Policy::closed()).await;
    let token = token(grant(&["events:*"], &[]));
    let path = format!("/v1/subscribe?pattern=events/*&token={token}");
    let sse = ("accept", "text/event-stream");
    let response = served.client().await.begin("GET", &path, &[sse], "").await;
    assert_eq!(response.status(), 200);
    let plain = served.client().await.get(&path).await;
    assert_eq!(plain.status, 401);
    let post = format!("/v1/publish/events/a?token={token}");
    assert_eq!(served.client().await.send("POST", &post, &[sse], "x").await.status, 401);
}

#[tokio::test]
async fn a_principal_is_held_to_its_limits_over_all_its_requests() {
    let limits = LimitsOverride {
        messages_per_second: Some(2),
        payload_bytes: Some(4),
        ..LimitsOverride::default()
    };
    let principal = Principal::new("web", Grant::default()).with_limits(limits);
    let served = served(
        Policy::closed()
            .with_principal(principal)
            .with_limits(Limits::default()),
    )
    .await;
    let token = token(grant(&["events:*", "health:*"], &[]));
    let publish = ("POST", "/v1/publish/events/a", "x");
    let large = ("POST", "/v1/publish/events/a", "large");
    // Each over a connection of its own.
    send(&mut served.client().await, Some(&token), large)
        .await
        .expect_error(413, "too_large", "4 is the most");
    let mut refused = 0;
    for _ in 0..20 {
        let answer = send(&mut served.client().await, Some(&token), publish).await;
        match answer.status.as_u16() {
            200 => {}
            429 => {
                answer.expect_error(429, "limit_exceeded", "faster than 2 a second");
                refused += 1;
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn without_a_policy_nothing_is_asked() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for request in [
        ("POST", "/v1/publish/security/a", "x"),
        ("GET", "/v1/members", ""),
        ("PUT", "/v1/integration", r#"{"enabled":true}"#),
    ] {
        assert_eq!(send(&mut client, None, request).await.status, 200, "{request:?}");
        assert_eq!(
            send(&mut client, Some("whatever"), request).await.status,
            200,
            "{request:?}"
        );
    }
    let published = served.node.instances()[Instance::Security.index()].published;
    assert_eq!(published, 2);
}
