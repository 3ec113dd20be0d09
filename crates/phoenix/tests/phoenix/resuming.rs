//! Going on where one stood.

use bellwether::Instance;
use serde_json::json;

use crate::served::Served;

#[tokio::test]
async fn since_a_cursor_nothing_is_lost_and_nothing_comes_twice() {
    let served = Served::start().await;
    let mut first = served.client().await;
    let (_, response) = first.join("events:a", json!({})).await;
    let mut last = response["cursor"].as_str().unwrap().to_owned();
    let mut received = Vec::new();
    for round in 0..5_u64 {
        for n in 0..3 {
            served.publish(Instance::Events, "a", "made", json!({"n": round * 3 + n}).to_string());
            served.publish(Instance::Events, "b", "made", "{}");
        }
        let mut client = served.client().await;
        client.join("events:a", json!({"since": last, "from": "live"})).await;
        loop {
            let frame = client.next().await;
            frame.cursor().clone_into(&mut last);
            match &*frame.event {
                "made" => received.push(frame.payload["n"].as_u64().unwrap()),
                "live" => break,
                other => panic!("{other}"),
            }
        }
        client.expect_nothing().await;
    }
    assert_eq!(received, (0..15).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_beginning_can_be_said_as_in_http() {
    let served = Served::start().await;
    let ids: Vec<_> = (0..5)
        .map(|n| served.publish(Instance::Events, "a", "made", json!({"n": n}).to_string()))
        .collect();
    let mut client = served.client().await;
    for (params, expected) in [
        (json!({"from": "earliest"}), vec![0, 1, 2, 3, 4]),
        (json!({"from": "last:2"}), vec![3, 4]),
        (json!({"from": format!("id:{}", ids[1])}), vec![2, 3, 4]),
        (json!({"since": ids[3].to_string()}), vec![4]),
        (json!({"since": null, "from": "last:1"}), vec![4]),
    ] {
        let join_ref = client.push(None, "events:a", "phx_join", params.clone()).await;
        let mut received = Vec::new();
        loop {
            let frame = client.next().await;
            if frame.event == "phx_close" {
                continue;
            }
            assert_eq!(frame.join_ref.as_ref(), Some(&join_ref));
            match &*frame.event {
                "phx_reply" => assert_eq!(frame.payload["status"], "ok", "{params}: {frame:?}"),
                "made" => received.push(frame.payload["n"].as_u64().unwrap()),
                "live" => {
                    assert_eq!(frame.payload["replayed"], expected.len(), "{params}");
                    break;
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!(received, expected, "{params}");
    }
}

#[tokio::test]
async fn what_is_no_longer_kept_is_told_as_a_gap() {
    let served = Served::start_with(|config| {
        config.instances[Instance::Events.index()].backlog_messages = 4;
    })
    .await;
    let mut client = served.client().await;
    let (_, response) = client.join("events:a", json!({})).await;
    let (join_ref, _) = client.join("events:b", json!({})).await;
    client.push(Some(&join_ref), "events:b", "phx_leave", json!({})).await;
    let cursor = response["cursor"].clone();
    drop(client);
    for n in 0..3000 {
        served.publish(Instance::Events, "a", "made", json!({"n": n}).to_string());
    }
    let mut client = served.client().await;
    client.join("events:a", json!({"since": cursor})).await;
    let gap = client.next().await;
    assert_eq!(
        (&*gap.event, &gap.payload["cause"]),
        ("gap", &json!("backlog_overrun")),
        "{gap:?}"
    );
    let (first, last) = (
        gap.payload["first"].as_u64().unwrap(),
        gap.payload["last"].as_u64().unwrap(),
    );
    assert_eq!(first, 1);
    assert!(
        gap.payload["_bellwether"]["id"].is_null() && !gap.cursor().is_empty(),
        "{gap:?}"
    );
    for seq in last + 1..=3000 {
        assert_eq!(client.next().await.payload["n"], seq - 1);
    }
    assert_eq!(client.next().await.event, "live");
}
