//! What is refused, in which words, and whether the connection goes on.

use std::time::Duration;

use bellwether::{Draft, Instance, Topic};

use crate::lab::{Door, eventually};
use crate::wire::Wire;

#[tokio::test]
async fn bytes_that_are_no_operation_end_the_connection() {
    let door = Door::alone().await;
    let long = format!("SUB {} 1\r\n", "x".repeat(5000));
    for (said, told) in [
        ("HELLO\r\n", "Unknown Protocol Operation"),
        ("\u{16}\u{3}\u{1}", "Unknown Protocol Operation"),
        ("PUB a x\r\n", "Parser Error"),
        ("PUB a 1\r\nxy\r\n", "Parser Error"),
        ("CONNECT nonsense\r\n", "Parser Error"),
        ("PUB a 1048577\r\n", "Maximum Payload Violation"),
        ("CONNECT {\"protocol\":7}\r\n", "Invalid Client Protocol"),
        (
            "CONNECT {\"no_responders\":true}\r\n",
            "No Responders Requires Headers Support",
        ),
        (long.as_str(), "Maximum Control Line Exceeded"),
    ] {
        let mut wire = door.plain_client().await;
        wire.say(said).await;
        wire.expect_end(&format!("-ERR '{told}'")).await;
    }
}

#[tokio::test]
async fn who_sends_too_large_a_payload_is_told_though_all_of_it_is_on_its_way() {
    let door = Door::alone().await;
    let mut wire = door.plain_client().await;
    let message = format!("PUB a 3000000\r\n{}\r\n", "x".repeat(3_000_000));
    wire.say(&message).await;
    wire.expect_end("-ERR 'Maximum Payload Violation'").await;
}

#[tokio::test]
async fn what_is_wrong_with_one_subject_is_no_matter_for_the_rest() {
    let door = Door::alone().await;
    let mut wire = door.plain_client().await;
    for (said, told) in [
        ("SUB a..b 1", "Invalid Subject"),
        ("SUB a.>.b 1", "Invalid Subject"),
        ("SUB events.a:b 1", "Invalid Subject"),
        ("SUB events.$queue.w.a 1", "Invalid Subject"),
        ("PUB a.* 0\r\n", "Invalid Publish Subject"),
        ("PUB a..b 0\r\n", "Invalid Publish Subject"),
        ("PUB a > 0\r\n", "Invalid Publish Subject"),
        (
            "PUB events.$queue.w.a 0\r\n",
            "Permissions Violation for Publish to \"events.$queue.w.a\"",
        ),
        (
            "PUB diagnostics.$bw.nats.b 0\r\n",
            "Permissions Violation for Publish to \"diagnostics.$bw.nats.b\"",
        ),
    ] {
        wire.say(&format!("{said}\r\n")).await;
        wire.expect(&format!("-ERR '{told}'")).await;
    }
    wire.say("SUB a 1\r\nPUB a 2\r\nok\r\n").await;
    wire.expect_message("MSG a 1", "ok").await;
}

#[tokio::test]
async fn a_payload_of_the_limit_passes_both_ways() {
    let door = Door::alone().await;
    let mut wire = door.plain_client().await;
    let payload = "x".repeat(1 << 20);
    wire.say(&format!("SUB a 1\r\nPUB a {}\r\n{payload}\r\n", payload.len()))
        .await;
    wire.expect_message("MSG a 1", &payload).await;
    wire.sync().await;
}

#[tokio::test]
async fn a_silent_client_is_asked_twice_and_then_cut() {
    let door = Door::start("a", &[], |settings| settings.ping_interval = Duration::from_millis(600)).await;
    let mut wire = door.plain_client().await;
    wire.expect("PING").await;
    wire.say("PONG\r\n").await;
    wire.expect("PING").await;
    wire.expect("PING").await;
    wire.expect_end("-ERR 'Stale Connection'").await;
}

#[tokio::test]
async fn one_client_too_many_is_told_so() {
    let door = Door::start("a", &[], |settings| settings.max_connections = 2).await;
    let _one = door.plain_client().await;
    let mut two = door.plain_client().await;
    Wire::connect(door.addr)
        .await
        .expect_end("-ERR 'Maximum Connections Exceeded'")
        .await;
    two.sync().await;
    drop(two);
    // There is room again once the door has noticed.
    for attempt in 0.. {
        assert!(attempt < 500, "the door still counts a client that has gone");
        let mut wire = Wire::connect(door.addr).await;
        wire.say("PING\r\n").await;
        if wire.line().await == "PONG" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Publishes so many messages of this size that whoever subscribed to `flood` should get.
async fn flood(door: &Door, messages: usize, bytes: usize) {
    let draft = Draft::new(Topic::new("flood").unwrap(), "e").text("x".repeat(bytes));
    for _ in 0..messages {
        door.node.publish(Instance::Events, &draft).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn who_leaves_too_much_unread_is_told_behind_whole_messages() {
    let door = Door::alone().await;
    let (mut stuck, mut reader) = (door.plain_client().await, door.plain_client().await);
    for wire in [&mut stuck, &mut reader] {
        wire.say("SUB events.flood 1\r\n").await;
        wire.sync().await;
    }
    let reading = async {
        for _ in 0..100 {
            assert_eq!(reader.message().await.payload.len(), 1 << 20);
        }
    };
    // The other one is not harmed by it.
    tokio::join!(flood(&door, 100, 1 << 20), reading);
    let mut messages = 0;
    loop {
        // The line of what comes next decides: a message, or the end.
        let line = stuck.line().await;
        if line.starts_with("MSG ") {
            assert_eq!(stuck.line().await.len(), 1 << 20);
            messages += 1;
            continue;
        }
        assert_eq!(line, "-ERR 'Slow Consumer'");
        break;
    }
    assert!(messages < 64, "{messages}");
    stuck.expect("").await;
}

#[tokio::test]
async fn who_takes_nothing_for_too_long_is_cut_though_little_waits() {
    let door = Door::start("a", &[], |settings| {
        settings.write_deadline = Duration::from_millis(200)
    })
    .await;
    let mut stuck = door.plain_client().await;
    stuck.say("SUB events.flood 1\r\n").await;
    stuck.sync().await;
    // More than the system takes for it, less than its limit.
    flood(&door, 20, 1 << 20).await;
    eventually("its subscription is gone", || {
        door.node.subscribers(Some(Instance::Events), None).is_empty()
    })
    .await;
}
