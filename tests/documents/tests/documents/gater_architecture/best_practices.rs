//! "Best Practices".

use std::time::Duration;

use bellwether::catalogue::type_of;
use bellwether::{Confirm, Draft, Instance, PublishWaitingError};
use serde_json::json;
use tokio::time::timeout;

use crate::lab::*;

/// "Use appropriate PubSub instance", "include comprehensive metadata", "handle publication failures gracefully".
#[tokio::test]
async fn for_publishers() {
    let pair = Pair::new().await;
    let message_type = type_of(Instance::Security, "auth_event").unwrap();
    assert!(
        type_of(Instance::Metrics, "auth_event").is_none(),
        "a tag has its instance"
    );
    let mut heard = pair.subscribe(message_type.instance, &["auth_event"]).await;
    let metadata = json!({"attempt_count": 5, "session_id": "sess_abc123"});
    let event = json!({
        "user_id": "user_1", "event_type": "login_failure", "auth_method": "password", "metadata": metadata,
    });
    let refused = pair
        .a
        .publish_payload(message_type, json!({"user_id": "user_1"}), None)
        .unwrap_err();
    assert!(refused.to_string().contains("`event_type` is missing"), "{refused}");
    pair.publish_typed(message_type, event, None);
    says(
        &hear_typed(&mut heard, "auth_events", "auth_event").await,
        json!({"metadata": metadata}),
    );
}

/// "Implement backpressure mechanisms", "use appropriate acknowledgment patterns".
#[tokio::test]
async fn for_consumers() {
    let lab = Lab::new();
    let b = lab
        .builder("b")
        .instance(Instance::Events, |events| events.queue_messages = 16);
    let a = lab.builder("a");
    let pair = Pair::of(lab, a, b).await;
    let mut slow = pair.subscribe(Instance::Events, &["event_stream:orders"]).await;
    let order = Draft::new(topic("event_stream:orders"), "order_placed").json("{}");

    let held = pair
        .a
        .publish_confirmed(Instance::Events, &order, Confirm::All, Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!((held.is_confirmed(), held.confirmed()), (true, 1));

    let publishing = async {
        for _ in 1..200 {
            match pair
                .a
                .publish_waiting(Instance::Events, &order, Duration::from_secs(20))
                .await
            {
                Ok(_) => {}
                Err(err @ PublishWaitingError::NoRoom { .. }) => panic!("{err}"),
                Err(err) => panic!("{err}"),
            }
        }
    };
    let reading = async {
        for seq in 1..=200 {
            assert_eq!(next(&mut slow).await.seq(), seq, "nothing is lost to a small queue");
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), async { tokio::join!(publishing, reading) })
        .await
        .unwrap();
}

/// "Monitor each instance independently".
#[tokio::test]
async fn for_operations() {
    let pair = Pair::new().await;
    for (times, instance) in Instance::ALL.into_iter().enumerate() {
        let _heard = pair.subscribe(instance, &["watched"]).await;
        for _ in 0..times {
            pair.publish(instance, "watched", "said", &json!({}));
        }
    }
    for (times, info) in pair.a.instances().iter().enumerate() {
        assert_eq!((info.published, info.instance.index()), (times as u64, times));
    }
}
