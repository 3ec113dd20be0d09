//! A node is told by a client to end.

use bellwether_tests::deadline::eventually;
use bellwether_tests::program::{Finished, bellwether, spawn};
use bellwether_tests::{Item, Lab, Process};
use serde_json::{Value, json};

async fn tell(node: &Process, command: &str) -> Finished {
    let mut bellwether = bellwether();
    bellwether.args(["--node", &node.url(), command, "--format", "json"]);
    Finished::of(&mut bellwether).await
}

/// Publishes until the node takes no more, and says how many it has taken.
async fn publish_to_the_end(mut client: bellwether_tests::Client) -> u64 {
    let mut number = 0;
    loop {
        let answer = client
            .try_post("/v1/publish/events/of:b?event=test", number.to_string())
            .await;
        match answer {
            Some(answer) if answer.status == 200 => number += 1,
            // Refused, or the connection is gone: that it has no answer is said nowhere.
            Some(answer) => {
                answer.expect_error(503, "stopping", "");
                return number;
            }
            None => return number,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_drains_under_load_has_handed_over_all_that_it_accepted() {
    let lab = Lab::default();
    let [a, mut b, c] = lab.three().await;
    let mut on_c = c.client().await.subscribe(&["events/of:*"]).await;
    let on_b = b.client().await.subscribe(&["events/of:*"]).await;
    let publishing = tokio::spawn(publish_to_the_end(b.client().await));
    // Load is there when it is told.
    for expected in 0..100 {
        assert_eq!(on_c.message().await.text(), expected.to_string());
    }

    let drained = tell(&b, "drain").await;
    drained.expect(0, &[]);
    assert_eq!(
        serde_json::from_str::<Value>(&drained.stdout).unwrap(),
        json!({"unconfirmed": []})
    );
    assert_eq!(b.exit_code().await, 0);
    let accepted = publishing.await.unwrap();
    for expected in 100..accepted {
        assert_eq!(on_c.message().await.text(), expected.to_string());
    }
    let mut numbers = on_b.rest().await.into_iter().filter_map(|item| match item {
        Item::Message(message) => Some(message.text().parse::<u64>().unwrap()),
        _ => None,
    });
    assert!(
        numbers
            .by_ref()
            .take(usize::try_from(accepted).unwrap())
            .eq(0..accepted)
    );
    for node in [&a, &c] {
        eventually("b is forgotten", async || {
            node.member("b").await.is_none().then_some(())
        })
        .await;
        assert_eq!(node.log().lines_with("is down"), [""; 0]);
    }
}

#[tokio::test]
async fn a_node_that_leaves_is_forgotten_at_once_and_ends_well() {
    let lab = Lab::default();
    let [a, mut b, c] = lab.three().await;
    let mut on_c = c.client().await.subscribe(&["events/*"]).await;
    let on_b = b.client().await.subscribe(&["events/*"]).await;
    b.client().await.publish("events", "t", "the last").await;
    let left = tell(&b, "leave").await;
    left.expect(0, &[]);
    assert_eq!(b.exit_code().await, 0);
    assert_eq!(b.log().lines_with("leaving at once").len(), 1);
    on_b.rest().await;
    on_c.until("the last").await;
    for node in [&a, &c] {
        eventually("b is forgotten", async || {
            node.member("b").await.is_none().then_some(())
        })
        .await;
        assert_eq!(node.log().lines_with("is down"), [""; 0]);
    }
    // There is nobody left who could be told.
    tell(&b, "drain").await.expect(1, &["Is one running?"]);
}

/// The peer is alive and takes nothing.
#[tokio::test]
async fn who_was_not_handed_everything_is_named_and_the_exit_code_says_so() {
    let lab = Lab::default();
    let mut a = lab
        .node("a")
        .argument("--drain-timeout-ms")
        .argument("200")
        .start()
        .await;
    let b = lab.node("b").seed(a.mesh()).start().await;
    bellwether_tests::all_see_all(&[&a, &b]).await;
    let _on_b = b.client().await.subscribe(&["events/*"]).await;
    b.pause();
    a.client().await.publish("events", "t", "not heard").await;
    let looks = tell(&a, "leave").await;
    looks.expect(1, &["not everything was confirmed by b"]);
    assert_eq!(
        serde_json::from_str::<Value>(&looks.stdout).unwrap(),
        json!({"unconfirmed": ["b"]})
    );
    assert_eq!(a.exit_code().await, 1);
    b.resume();
}

#[tokio::test]
async fn how_far_a_node_is_can_be_seen_while_it_drains() {
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    let mut b = lab
        .node("b")
        .argument("--drain-timeout-ms")
        .argument("60000")
        .seed(a.mesh())
        .start()
        .await;
    bellwether_tests::all_see_all(&[&a, &b]).await;
    let _on_a = a.client().await.subscribe(&["events/*"]).await;
    // It keeps b waiting as long as it is to be seen, and answers in time not to be taken for dead.
    let mut look = b.client().await;
    assert_eq!(
        look.get("/v1/stopping").await.parse::<Value>(),
        json!({"stage": "running"})
    );
    a.pause();
    b.client().await.publish("events", "t", "x").await;
    let draining = {
        let mut command = bellwether();
        command.args(["--node", &b.url(), "drain"]);
        spawn(&mut command)
    };
    eventually("b hands over", async || {
        let seen: Value = look.get("/v1/stopping").await.parse();
        (seen == json!({"stage": "handing_over", "to": ["a"]})).then_some(())
    })
    .await;
    assert_eq!(look.get("/readyz").await.status, 503);
    let refused = look.post("/v1/publish/events/t", "text/plain", "x").await;
    refused.expect_error(503, "stopping", "");
    look.post("/v1/reload", "", "").await.expect_error(503, "stopping", "");
    // Who stops its host meanwhile asks for the same.
    b.ask_to_stop();
    eventually("b has heard it", async || {
        b.log().text().contains("stopping already").then_some(())
    })
    .await;
    a.resume();
    Finished::from_child(draining).await.expect(0, &[]);
    assert_eq!(b.exit_code().await, 0);
}
