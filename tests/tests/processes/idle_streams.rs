//! What it costs a node that many clients listen.

use bellwether_tests::{Lab, memory};

/// Fewer than a node serves at once.
const STREAMS: usize = 1_000;
const MAX_BYTES: u64 = 30 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_streams_of_events_cost_little() {
    let lab = Lab::default();
    let node = lab.node("a").start().await;
    let mut warm = node.client().await.subscribe_from(&["events/*"], "live").await;
    node.client().await.publish("events", "t", "warm").await;
    assert_eq!(warm.message().await.text(), "warm");
    let before = memory::resident(node.pid());
    let mut streams = Vec::new();
    for number in 0..STREAMS {
        let pattern = format!("events/room:{number}");
        streams.push(node.client().await.subscribe_from(&[&pattern], "live").await);
    }
    let idle = memory::resident(node.pid()).saturating_sub(before);
    assert!(idle <= MAX_BYTES, "{} KiB for {STREAMS} idle streams", idle >> 10);
    println!("{} KiB for {STREAMS} idle streams", idle >> 10);

    // They are no less there for that.
    let mut client = node.client().await;
    for number in [0, STREAMS / 2, STREAMS - 1] {
        client
            .publish("events", &format!("room:{number}"), number.to_string())
            .await;
        assert_eq!(streams[number].message().await.text(), number.to_string());
    }
    drop(streams);
}
