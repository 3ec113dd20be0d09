//! One client, or two, at one node.

use bellwether::{Draft, Instance, Topic};

use crate::lab::Door;
use crate::wire::Wire;

#[tokio::test]
async fn the_node_says_what_it_is_before_anything_else() {
    let door = Door::alone().await;
    let info = Wire::connect(door.addr).await.info;
    for field in ["server_id", "server_name", "version", "go", "host", "client_ip"] {
        assert!(info[field].is_string(), "{field}: {info}");
    }
    assert_eq!(
        (&info["headers"], &info["proto"], &info["max_payload"]),
        (&true.into(), &1.into(), &(1 << 20).into())
    );
    assert_eq!(info["port"], door.addr.port());
    for field in ["auth_required", "tls_required", "jetstream", "connect_urls", "ldm"] {
        assert!(info.get(field).is_none(), "{field}: {info}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_verbose_out_is_told_of_each_operation() {
    let door = Door::alone().await;
    let mut wire = Wire::connect(door.addr).await;
    wire.say("CONNECT {}\r\nSUB a 1\r\npub a 2\r\nhi\r\nUNSUB 1\r\nUNSUB 99\r\nping\r\n")
        .await;
    for _ in 0..3 {
        wire.expect("+OK").await;
    }
    // It was published while the subscription stood, and ends with it if it had not been handed out yet.
    let mut rest = [wire.line().await, wire.line().await, wire.line().await];
    rest.sort();
    assert_eq!(rest, ["+OK", "+OK", "PONG"]);
}

#[tokio::test]
async fn what_is_published_comes_to_who_subscribed_in_its_order() {
    let door = Door::alone().await;
    let (mut one, mut two) = (door.plain_client().await, door.plain_client().await);
    one.say("SUB foo.*  9\r\nSUB foo.> all\r\nSUB bar\tb\r\nSUB health.x h\r\n")
        .await;
    one.sync().await;
    two.say("PUB foo.a 5\r\nhello\r\nPUB foo.a.b  reply.to 0\r\n\r\nPUB foo 1\r\nx\r\nPUB health.x 1\r\ny\r\n")
        .await;
    two.sync().await;
    let mut got = Vec::new();
    for _ in 0..4 {
        let message = one.message().await;
        got.push(format!("{} {}", message.line, message.payload));
    }
    got.sort();
    assert_eq!(
        got,
        [
            "MSG foo.a 9 hello",
            "MSG foo.a all hello",
            "MSG foo.a.b all reply.to ",
            "MSG health.x h y"
        ]
    );
    one.sync().await;
    let numbers: String = (0..500)
        .map(|number| format!("PUB bar {}\r\n{number}\r\n", number.to_string().len()))
        .collect();
    two.say(&numbers).await;
    for number in 0..500 {
        one.expect_message("MSG bar b", &number.to_string()).await;
    }
}

#[tokio::test]
async fn everything_is_everything_but_what_nodes_tell_each_other() {
    let door = Door::alone().await;
    let mut wire = door.plain_client().await;
    wire.say("SUB > 1\r\n").await;
    wire.sync().await;
    let publish = |instance, topic: &str| {
        let draft = Draft::new(Topic::new(topic).unwrap(), "e").text(topic);
        door.node.publish(instance, &draft).unwrap();
    };
    publish(Instance::Diagnostics, "$bw:nats:x");
    publish(Instance::Diagnostics, "d");
    wire.expect_message("MSG diagnostics.d 1", "d").await;
    publish(Instance::Events, "$nats:not.a:subject");
    publish(Instance::Events, "0.8:a b");
    wire.expect_message("MSG events.0%2E8.a%20b 1", "0.8:a b").await;
    publish(Instance::Events, "$nats:orders:new");
    wire.expect_message("MSG orders.new 1", "$nats:orders:new").await;
}

#[tokio::test]
async fn a_subscription_ends_after_as_many_messages_as_it_said() {
    let door = Door::alone().await;
    let mut wire = door.plain_client().await;
    wire.say("SUB a 1\r\nUNSUB 1 2\r\nSUB a 2\r\n").await;
    wire.sync().await;
    wire.say("PUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\n").await;
    let mut got = Vec::new();
    for _ in 0..5 {
        let message = wire.message().await;
        got.push(format!("{} {}", message.line, message.payload));
    }
    got.sort();
    assert_eq!(got, ["MSG a 1 1", "MSG a 1 2", "MSG a 2 1", "MSG a 2 2", "MSG a 2 3"]);
    // It counts from the beginning: this one has had three already.
    wire.say("UNSUB 2 3\r\n").await;
    wire.sync().await;
    wire.say("PUB a 1\r\n4\r\nSUB b 1\r\n").await;
    wire.sync().await;
    wire.say("PUB b 1\r\n5\r\n").await;
    wire.expect_message("MSG b 1", "5").await;
}

#[tokio::test]
async fn a_client_that_wants_no_echo_hears_others_only() {
    let door = Door::alone().await;
    let mut deaf = door.client_that(r#"{"verbose":false,"echo":false}"#).await;
    let mut other = door.plain_client().await;
    deaf.say("SUB a 1\r\n").await;
    deaf.sync().await;
    for round in 0..50 {
        deaf.say("PUB a 3\r\nown\r\n").await;
        deaf.sync().await;
        other.say(&format!("PUB a 5\r\n{round:05}\r\n")).await;
        deaf.expect_message("MSG a 1", &format!("{round:05}")).await;
    }
}

#[tokio::test]
async fn a_sid_that_is_taken_stays_what_it_is() {
    let door = Door::alone().await;
    let mut wire = door.plain_client().await;
    wire.say("SUB a 1\r\nSUB b 1\r\n").await;
    wire.sync().await;
    wire.say("PUB b 1\r\nb\r\nPUB a 1\r\na\r\n").await;
    wire.expect_message("MSG a 1", "a").await;
}

#[tokio::test]
async fn a_request_that_nobody_hears_is_answered_at_once() {
    let door = Door::alone().await;
    let mut wire = door.client().await;
    wire.say("SUB _INBOX.x.* 7\r\nPUB $JS.API.INFO _INBOX.x.1 0\r\n\r\n")
        .await;
    let message = wire.message().await;
    assert_eq!((&*message.line, &*message.payload), ("HMSG _INBOX.x.1 7", ""));
    assert_eq!(message.headers, "NATS/1.0 503\r\nNats-Subject: $JS.API.INFO\r\n\r\n");
    // With a listener there is nothing to be told, and so for who did not ask to be told.
    let mut listener = door.plain_client().await;
    listener.say("SUB svc 1\r\n").await;
    listener.sync().await;
    wire.say("PUB svc _INBOX.x.2 2\r\nhi\r\n").await;
    listener.expect_message("MSG svc 1 _INBOX.x.2", "hi").await;
    listener.say("SUB _INBOX.y 2\r\nPUB nobody _INBOX.y 0\r\n\r\n").await;
    listener.sync().await;
    wire.sync().await;
}

#[tokio::test]
async fn what_comes_before_connect_is_that_of_an_anonymous_client() {
    let door = Door::alone().await;
    let mut wire = Wire::connect(door.addr).await;
    wire.say("PING\r\nSUB a 1\r\n").await;
    wire.expect("PONG").await;
    wire.expect("+OK").await;
}
