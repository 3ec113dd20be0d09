//! Publishing with care: nobody loses anything to a fast publisher, and it hears who holds its messages.

use std::time::Duration;

use bellwether_tests::program::{Finished, bellwether};
use bellwether_tests::{Answer, Lab, all_see_all};
use serde_json::{Value, json};

const LINES: usize = 4_000;

/// 16 MB: more than the sockets between hold. Reads by far slower than is published, but does read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_waits_loses_nothing_to_a_slow_subscriber() {
    let lab = Lab::default();
    let small = |name: &str| lab.node(name).variable("BELLWETHER_EVENTS_QUEUE_MESSAGES", "64");
    let a = small("a").start().await;
    let b = small("b").seed(a.mesh()).start().await;
    all_see_all(&[&a, &b]).await;
    let mut on_b = b.client().await.subscribe(&["events/*"]).await;
    let text: String = (0..LINES).map(|n| format!("{n:05} {}\n", "x".repeat(4000))).collect();
    let mut publish = bellwether();
    publish.args([
        "--node",
        &a.url(),
        "pub",
        "events",
        "t",
        "--lines",
        "-",
        "--wait",
        "--format",
        "json",
    ]);
    let publishing = Finished::reading(&mut publish, text.as_bytes());
    let reading = async {
        for number in 0..LINES {
            // Panics at a gap.
            let message = on_b.message().await;
            assert_eq!(message.text().split(' ').next(), Some(format!("{number:05}").as_str()));
            if number % 64 == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    let (published, ()) = tokio::join!(publishing, reading);
    published.expect(0, &[]);
    assert_eq!(published.last_line(), format!(r#"{{"published":{LINES},"failed":0}}"#));
}

#[tokio::test]
async fn a_publisher_hears_which_peers_hold_its_message() {
    let lab = Lab::default();
    let [a, b, c] = lab.three().await;
    let _on_b = b.client().await.subscribe(&["events/t"]).await;
    let mut on_c = c.client().await.subscribe(&["events/t"]).await;
    let mut client = a.client().await;
    let mut post = async |query: &str| {
        client
            .post(&format!("/v1/publish/events/t?{query}"), "text/plain", query.to_owned())
            .await
    };
    let body = |answer: &Answer| -> Value { answer.parse() };

    let all = post("confirm=all").await;
    assert_eq!(all.status, 200, "{all:?}");
    let both = json!([{"node": "b", "outcome": "confirmed"}, {"node": "c", "outcome": "confirmed"}]);
    assert_eq!((&body(&all)["confirmed"], &body(&all)["peers"]), (&2.into(), &both));
    let one = post("confirm=1").await;
    assert_eq!((one.status.as_u16(), &body(&one)["required"]), (200, &1.into()));
    post("confirm=3")
        .await
        .expect_error(409, "too_few_peers", "3 peers are to confirm, but 2 want");
    let none = post("confirm=none").await;
    assert_eq!(none.status, 202, "{none:?}");

    let run = async |rest: &[&str]| {
        let mut publish = bellwether();
        publish
            .args(["--node", &a.url(), "pub", "events", "t", "by the program"])
            .args(rest);
        Finished::of(&mut publish).await
    };
    run(&["--confirm", "all"]).await.expect(0, &[]);
    run(&["--confirm", "3"])
        .await
        .expect(1, &["3 peers are to confirm, but 2 want"]);

    c.pause();
    let (late, program) = tokio::join!(
        post("confirm=all&confirm_within=1"),
        run(&["--confirm", "2", "--confirm-within", "1", "--format", "json"]),
    );
    c.resume();
    assert_eq!(late.status, 202, "{late:?}");
    let one = json!([{"node": "b", "outcome": "confirmed"}, {"node": "c", "outcome": "timed_out"}]);
    assert_eq!((&body(&late)["confirmed"], &body(&late)["peers"]), (&1.into(), &one));
    program.expect(1, &["is published, but 1 of the 2 peers", "c: timed_out"]);
    assert_eq!(program.last_line(), r#"{"published":0,"failed":1}"#);
    // It was published all the same.
    on_c.until("confirm=all&confirm_within=1").await;
}
