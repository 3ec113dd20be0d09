//! Publishing with back-pressure, and until peers confirm.

use std::time::Duration;

use bellwether::{Confirm, Delivery, Instance, Outcome, PublishConfirmedError, PublishWaitingError};
use tokio::time::timeout;

use crate::lab::*;

const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_waiting_publisher_loses_nothing_to_a_subscriber_with_a_small_queue_here_or_there() {
    let lab = Lab::new();
    let small = |name| {
        lab.builder(name)
            .instance(Instance::Events, |events| events.queue_messages = 16)
    };
    let a = small("a").start().await.unwrap();
    let b = small("b").seed(address(&a)).start().await.unwrap();
    let nodes = [a, b];
    all_see_all(&nodes).await;
    let [a, b] = nodes;
    let (here, _) = a.subscribe(Instance::Events, [pattern("t")]).await.unwrap();
    let (there, report) = b.subscribe(Instance::Events, [pattern("t")]).await.unwrap();
    assert!(report.is_complete());
    let read = |mut subscription: bellwether::Subscription| {
        tokio::spawn(async move {
            for seq in 1..=2000 {
                match timeout(DEADLINE, subscription.next())
                    .await
                    .expect("a delivery in time")
                {
                    Some(Delivery::Message(envelope)) => assert_eq!(envelope.seq(), seq),
                    other => panic!("{other:?}"),
                }
                if seq % 50 == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        })
    };
    let (here, there) = (read(here), read(there));
    for _ in 0..2000 {
        a.publish_waiting(Instance::Events, &draft("t", "x"), LONG)
            .await
            .unwrap();
    }
    here.await.unwrap();
    there.await.unwrap();
}

#[tokio::test]
async fn a_subscriber_that_never_reads_holds_a_waiting_publisher_back_for_a_moment_only() {
    let lab = Lab::new();
    let a = lab
        .builder("a")
        .instance(Instance::Events, |events| events.queue_messages = 16)
        .start()
        .await
        .unwrap();
    let (_asleep, _) = a.subscribe(Instance::Events, [pattern("t")]).await.unwrap();
    let short = Duration::from_millis(100);
    let refused = async {
        loop {
            if let Err(err) = a.publish_waiting(Instance::Events, &draft("t", "x"), short).await {
                return err;
            }
        }
    };
    let refused = timeout(DEADLINE, refused).await.unwrap();
    assert!(
        matches!(refused, PublishWaitingError::NoRoom { waited } if waited == short),
        "{refused}"
    );
    for _ in 0..100 {
        a.publish_waiting(Instance::Events, &draft("t", "x"), LONG)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_confirmed_message_is_held_by_every_peer_that_wants_it() {
    let lab = Lab::new();
    let [a, b, c] = lab.three().await;
    let confirmed = a
        .publish_confirmed(Instance::Audit, &draft("t", "x"), Confirm::All, LONG)
        .await
        .unwrap();
    assert!(
        confirmed.is_confirmed() && confirmed.peers.is_empty(),
        "nobody wants it: {confirmed:?}"
    );
    let (mut at_b, _) = b.subscribe(Instance::Audit, [pattern("t")]).await.unwrap();
    let (_at_c, _) = c.subscribe(Instance::Audit, [pattern("other")]).await.unwrap();
    let confirmed = a
        .publish_confirmed(Instance::Audit, &draft("t", "y"), Confirm::All, LONG)
        .await
        .unwrap();
    let outcomes: Vec<_> = confirmed
        .peers
        .iter()
        .map(|peer| (peer.node.as_str(), peer.outcome))
        .collect();
    assert_eq!(outcomes, [("b", Outcome::Confirmed)]);
    let Some(Delivery::Message(held)) = at_b.try_next() else {
        panic!("confirmed, so it must be there")
    };
    assert_eq!(held.seq(), confirmed.id.seq);

    let before = a.counters(Instance::Audit).published.value();
    let refused = a
        .publish_confirmed(Instance::Audit, &draft("t", "z"), Confirm::Peers(2), LONG)
        .await;
    assert!(
        matches!(
            refused,
            Err(PublishConfirmedError::TooFew {
                asked: 2,
                interested: 1
            })
        ),
        "{refused:?}"
    );
    assert_eq!(
        a.counters(Instance::Audit).published.value(),
        before,
        "nothing was published"
    );
    let local = a
        .publish_confirmed(Instance::Audit, &draft("t", "z"), Confirm::Local, LONG)
        .await
        .unwrap();
    assert!(local.is_confirmed() && local.peers.is_empty());
}

#[tokio::test]
async fn a_peer_that_stops_before_it_confirms_is_told_as_lost() {
    let lab = Lab::new();
    let [a, b, _c] = lab.three().await;
    let (_at_b, _) = b.subscribe(Instance::Audit, [pattern("t")]).await.unwrap();
    b.shutdown().await;
    let confirmed = a
        .publish_confirmed(Instance::Audit, &draft("t", "x"), Confirm::All, LONG)
        .await
        .unwrap();
    assert!(
        confirmed.peers.iter().all(|peer| peer.outcome == Outcome::Lost),
        "it has left, or is just leaving: {confirmed:?}"
    );
}
