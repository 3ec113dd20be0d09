use std::time::Duration;

use bellwether_message::{Batch, ContentType, Epoch, NodeId, Topic};

use super::*;
use crate::{Delivery, DropReason};

fn broker_named(name: &str) -> Broker {
    let source = Source {
        node: NodeId::new(name).unwrap(),
        epoch: Epoch(1),
    };
    Broker::new("test", source, None, &Instance::ALL.map(InstanceSettings::default_for))
}

fn broker() -> Broker {
    broker_named("a")
}

fn draft(topic: &str) -> Draft {
    Draft::new(Topic::new(topic).unwrap(), "e").json("{}")
}

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

fn remote(topic: &str, seqs: impl IntoIterator<Item = u64>) -> Batch {
    let source = Arc::new(Source {
        node: NodeId::new("b").unwrap(),
        epoch: Epoch(5),
    });
    let sealer = Sealer::new("test", None, source, Instance::Alerts);
    let draft = draft(topic);
    let sealed = |seq| sealer.seal_one(&draft, seq, Timestamp::from_millis(0)).unwrap();
    let envelopes: Vec<Envelope> = seqs.into_iter().map(sealed).collect();
    Batch::copied(&envelopes).unwrap()
}

fn seqs(subscription: &mut Subscription) -> Vec<u64> {
    std::iter::from_fn(|| subscription.try_next())
        .map(|delivery| match delivery {
            Delivery::Message(envelope) => envelope.seq(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_message_reaches_every_matching_subscription_of_its_instance_once() {
    let broker = broker();
    let mut exact = broker.subscribe(Instance::Alerts, [pattern("a:b")]).unwrap();
    let mut twice = broker
        .subscribe(Instance::Alerts, [pattern("a:*"), pattern("+:b"), pattern("a:b")])
        .unwrap();
    let mut other_topic = broker.subscribe(Instance::Alerts, [pattern("a:c")]).unwrap();
    let mut other_instance = broker.subscribe(Instance::Audit, [pattern("*")]).unwrap();
    broker.publish(Instance::Alerts, &draft("a:b")).unwrap();
    assert_eq!(seqs(&mut exact), [1]);
    assert_eq!(seqs(&mut twice), [1]);
    assert_eq!(seqs(&mut other_topic), [] as [u64; 0]);
    assert_eq!(seqs(&mut other_instance), [] as [u64; 0]);
}

#[test]
fn seqs_have_no_holes_even_where_a_publish_is_refused() {
    let broker = broker();
    let mut all = broker.subscribe(Instance::Alerts, [pattern("*")]).unwrap();
    broker.publish(Instance::Alerts, &draft("a")).unwrap();
    let mut bad = draft("a");
    bad.event = "".into();
    assert!(matches!(
        broker.publish(Instance::Alerts, &bad),
        Err(PublishError::Draft(_))
    ));
    let id = broker.publish(Instance::Alerts, &draft("a")).unwrap();
    assert_eq!(id.to_string(), "alerts/a/1/2");
    assert_eq!(seqs(&mut all), [1, 2]);
    assert_eq!(
        broker.counters(Instance::Alerts).dropped(DropReason::Refused).value(),
        1
    );
}

#[test]
fn dropping_a_subscription_takes_its_interest_back() {
    let broker = broker();
    let one = broker.subscribe(Instance::Alerts, [pattern("a")]).unwrap();
    let two = broker.subscribe(Instance::Alerts, [pattern("a")]).unwrap();
    assert_eq!(broker.interest().entries().count(), 1);
    drop(one);
    assert_eq!(broker.interest().entries().count(), 1);
    drop(two);
    assert_eq!(broker.interest().entries().count(), 0);
    assert_eq!(*broker.interest_version().borrow(), 2);
    assert!(broker.subscriptions(Instance::Alerts).is_empty());
}

#[test]
fn queues_are_those_of_all_subscriptions_of_the_instance() {
    let broker = broker();
    assert_eq!(broker.queues(Instance::Alerts), Queues::default());
    let mut one = broker.subscribe(Instance::Alerts, [pattern("a")]).unwrap();
    let _same = broker.subscribe(Instance::Alerts, [pattern("a")]).unwrap();
    let _all = broker.subscribe(Instance::Alerts, [pattern("*")]).unwrap();
    let _elsewhere = broker.subscribe(Instance::Audit, [pattern("*")]).unwrap();
    for topic in ["a", "a", "b"] {
        broker.publish(Instance::Alerts, &draft(topic)).unwrap();
    }
    assert_eq!(seqs(&mut one), [1, 2]);
    let expected = Queues {
        subscriptions: 3,
        messages: 5,
        deepest: 3,
        fullest_percent: 0,
    };
    assert_eq!(broker.queues(Instance::Alerts), expected);
}

#[test]
fn a_queue_is_as_full_as_its_messages_or_its_bytes() {
    let broker = broker();
    let settings = broker.settings(Instance::Alerts);
    let _idle = broker.subscribe(Instance::Alerts, [pattern("*")]).unwrap();
    let large = draft("a").payload(ContentType::Bytes, vec![0; settings.max_payload_bytes]);
    let half = settings.queue_bytes / settings.max_payload_bytes / 2;
    for _ in 0..half {
        broker.publish(Instance::Alerts, &large).unwrap();
    }
    let queues = broker.queues(Instance::Alerts);
    assert_eq!(queues.messages, half);
    assert!((50..55).contains(&queues.fullest_percent), "{queues:?}");
}

#[test]
fn a_source_has_confirmed_all_once_no_pattern_is_left() {
    let broker = broker();
    let node = NodeId::new("b").unwrap();
    let slot = broker.attach(Arc::new(Source { node, epoch: Epoch(5) }), false);
    let all = |slot| broker.has_confirmed_all(slot, Instance::Alerts);
    assert!(all(Some(slot)) && all(None), "nothing is wanted");
    let _wide = broker.subscribe(Instance::Alerts, [pattern("a:*")]).unwrap();
    let exact = broker.subscribe(Instance::Alerts, [pattern("b")]).unwrap();
    assert!(!all(Some(slot)) && !all(None));
    let entries: Vec<_> = broker.interest().entries().collect();
    let wide = entries.iter().find(|entry| entry.pattern.as_str() == "a:*").unwrap();
    assert!(broker.open(slot, Instance::Alerts, &wide.pattern, wide.added, 1));
    assert!(!all(Some(slot)), "one is left");
    drop(exact);
    assert!(all(Some(slot)) && !all(None));
}

#[test]
fn two_spellings_of_one_pattern_live_side_by_side() {
    let broker = broker();
    let star = broker.subscribe(Instance::Alerts, [pattern("a:*:b")]).unwrap();
    let mut plus = broker.subscribe(Instance::Alerts, [pattern("a:+:b")]).unwrap();
    drop(star);
    broker.publish(Instance::Alerts, &draft("a:x:b")).unwrap();
    assert_eq!(seqs(&mut plus), [1]);
}

#[test]
fn another_sources_messages_come_from_where_it_confirmed() {
    let broker = broker();
    let slot = broker.attach(
        Arc::new(Source {
            node: NodeId::new("b").unwrap(),
            epoch: Epoch(5),
        }),
        false,
    );
    let mut wide = broker.subscribe(Instance::Alerts, [pattern("a:*")]).unwrap();
    let added = broker.interest().entries().next().unwrap().added;
    broker.deliver(slot, Instance::Alerts, &remote("a:b", [1, 2]));
    assert!(!wide.is_confirmed_by(slot));
    assert!(
        !broker.open(slot, Instance::Alerts, &pattern("a:*"), added + 1, 1),
        "another entry's confirmation"
    );
    assert!(broker.open(slot, Instance::Alerts, &pattern("a:*"), added, 4));
    assert!(wide.is_confirmed_by(slot));
    broker.deliver(slot, Instance::Alerts, &remote("a:b", [3, 4, 5]));
    assert_eq!(seqs(&mut wide), [4, 5]);
    let mut same = broker.subscribe(Instance::Alerts, [pattern("a:*")]).unwrap();
    assert!(same.is_confirmed_by(slot), "an equal subscription is live at once");
    broker.deliver(slot, Instance::Alerts, &remote("a:b", [6]));
    assert_eq!(seqs(&mut same), [6]);
    broker.detach(slot);
    broker.deliver(slot, Instance::Alerts, &remote("a:b", [7]));
    assert_eq!(seqs(&mut same), [] as [u64; 0]);
}

#[test]
fn a_new_source_is_wanted_from_its_first_message() {
    let broker = broker();
    let mut before = broker.subscribe(Instance::Alerts, [pattern("*")]).unwrap();
    let slot = broker.attach(
        Arc::new(Source {
            node: NodeId::new("b").unwrap(),
            epoch: Epoch(5),
        }),
        true,
    );
    let mut after = broker.subscribe(Instance::Alerts, [pattern("a")]).unwrap();
    assert_eq!(broker.live_from(slot, Instance::Alerts, &pattern("*")), Some(1));
    assert_eq!(broker.live_from(slot, Instance::Alerts, &pattern("a")), None);
    broker.deliver(slot, Instance::Alerts, &remote("a", [1]));
    assert_eq!(seqs(&mut before), [1]);
    assert_eq!(seqs(&mut after), [] as [u64; 0]);
}

#[test]
fn a_links_gap_is_told_from_where_the_subscription_was_live() {
    let broker = broker();
    let source = Arc::new(Source {
        node: NodeId::new("b").unwrap(),
        epoch: Epoch(5),
    });
    let slot = broker.attach(source.clone(), false);
    let mut live = broker.subscribe(Instance::Alerts, [pattern("*")]).unwrap();
    let mut later = broker.subscribe(Instance::Alerts, [pattern("a")]).unwrap();
    let added: Vec<u64> = broker.interest().entries().map(|entry| entry.added).collect();
    broker.open(slot, Instance::Alerts, &pattern("*"), added[0], 5);
    broker.open(slot, Instance::Alerts, &pattern("a"), added[1], 20);
    let gap = Gap {
        source,
        instance: Instance::Alerts,
        first: 3,
        last: 9,
        count: 7,
        exact: false,
        cause: crate::GapCause::LinkOverrun,
    };
    broker.deliver_gap(slot, &gap);
    assert!(matches!(live.try_next(), Some(Delivery::Gap(gap)) if (gap.first, gap.last, gap.count) == (5, 9, 5)));
    assert!(later.try_next().is_none());
}

#[test]
fn a_feed_is_read_from_the_backlog_and_says_where_it_begins() {
    let broker = broker();
    for _ in 0..3 {
        broker.publish(Instance::Alerts, &draft("a")).unwrap();
    }
    let mut out = Vec::new();
    let read = broker.read_feed(Instance::Alerts, 2, 10, &mut out);
    assert_eq!((read.oldest, read.head), (1, 3));
    assert_eq!(out.iter().map(Envelope::seq).collect::<Vec<_>>(), [2, 3]);
    broker.tick(Duration::from_secs(7200));
    out.clear();
    assert_eq!(
        broker.read_feed(Instance::Alerts, 2, 10, &mut out),
        FeedRead { oldest: 4, head: 3 }
    );
    assert!(out.is_empty());
}

#[tokio::test]
async fn a_waiting_subscriber_is_woken_and_ends_with_the_node() {
    let broker = broker();
    let mut subscription = broker.subscribe(Instance::Events, [pattern("*")]).unwrap();
    let publisher = broker.clone();
    let reader = tokio::spawn(async move {
        let mut seen = 0;
        while subscription.next().await.is_some() {
            seen += 1;
        }
        seen
    });
    tokio::task::yield_now().await;
    for _ in 0..1000 {
        publisher.publish(Instance::Events, &draft("t")).unwrap();
    }
    tokio::task::yield_now().await;
    publisher.end_subscriptions();
    assert_eq!(reader.await.unwrap(), 1000);
    assert!(matches!(
        publisher.publish(Instance::Events, &draft("t")),
        Err(PublishError::Closed)
    ));
    assert!(matches!(
        publisher.subscribe(Instance::Events, [pattern("t")]),
        Err(SubscribeError::Closed)
    ));
}

#[tokio::test]
async fn a_feed_watch_sees_what_is_published_after_it_was_cleared() {
    let broker = broker();
    let watch = broker.watch_feed(Instance::Events);
    broker.publish(Instance::Events, &draft("t")).unwrap();
    watch.changed().await;
    watch.clear();
    assert!(
        tokio::time::timeout(Duration::from_millis(10), watch.changed())
            .await
            .is_err()
    );
    broker.publish(Instance::Events, &draft("t")).unwrap();
    watch.changed().await;
}

#[test]
fn bounds_that_change_hold_at_once_for_what_is_there_and_what_comes() {
    let broker = broker();
    let instance = Instance::Alerts;
    let settings = |messages: usize, payload: usize| InstanceSettings {
        queue_messages: messages,
        backlog_messages: messages,
        max_payload_bytes: payload,
        ..InstanceSettings::default_for(instance)
    };
    let mut slow = broker.subscribe(instance, [pattern("t")]).unwrap();
    let publish = || broker.publish(instance, &draft("t")).map(|id| id.seq);
    (1..=6).for_each(|seq| assert_eq!(publish().unwrap(), seq));

    broker.change_settings(instance, settings(4, 2));
    assert_eq!(broker.settings(instance), settings(4, 2));
    assert_eq!(broker.backlog_size(instance).0, 4);
    assert!(matches!(slow.try_next(), Some(Delivery::Gap(gap)) if (gap.count, gap.exact) == (2, true)));
    assert_eq!(seqs(&mut slow), [3, 4, 5, 6]);
    assert_eq!(broker.counters(instance).dropped(DropReason::SlowSubscriber).value(), 2);

    // A subscription of before has room for more.
    broker.change_settings(instance, settings(6, 2));
    (7..=12).for_each(|seq| assert_eq!(publish().unwrap(), seq));
    assert_eq!(seqs(&mut slow), [7, 8, 9, 10, 11, 12]);
    assert_eq!(broker.backlog_size(instance).0, 6);

    broker.change_settings(instance, settings(6, 1));
    assert!(matches!(publish(), Err(PublishError::Draft(_))), "`{{}}` has two bytes");
    assert_eq!(broker.max_payload_bytes(instance), 1);
    let other = broker.publish(Instance::Audit, &draft("t"));
    assert_eq!(other.unwrap().seq, 1, "the others are as they were");
}

#[test]
fn of_a_queue_group_one_gets_each_message_and_others_get_all() {
    let broker = broker();
    let queue = || pattern("$queue:w:a:*");
    let mut one = broker.subscribe(Instance::Alerts, [queue()]).unwrap();
    let mut two = broker.subscribe(Instance::Alerts, [queue()]).unwrap();
    let mut other = broker.subscribe(Instance::Alerts, [pattern("$queue:v:a:*")]).unwrap();
    let mut plain = broker.subscribe(Instance::Alerts, [pattern("a:*")]).unwrap();
    for _ in 0..6 {
        broker.publish(Instance::Alerts, &draft("a:b")).unwrap();
    }
    broker.publish(Instance::Alerts, &draft("b")).unwrap();
    let (first, second) = (seqs(&mut one), seqs(&mut two));
    let mut both: Vec<u64> = first.iter().chain(&second).copied().collect();
    both.sort_unstable();
    assert_eq!(both, [1, 2, 3, 4, 5, 6]);
    assert_eq!((first.len(), second.len()), (3, 3), "who has less to do is chosen");
    assert_eq!(seqs(&mut other), [1, 2, 3, 4, 5, 6]);
    assert_eq!(seqs(&mut plain), [1, 2, 3, 4, 5, 6]);
    drop(one);
    broker.publish(Instance::Alerts, &draft("a:b")).unwrap();
    assert_eq!(seqs(&mut two), [8]);
    assert_eq!(broker.subscriptions(Instance::Alerts).len(), 3);
    drop((two, other, plain));
    assert!(!broker.is_wanted(Instance::Alerts, "a:b"));
}

#[test]
fn who_does_not_read_gets_less_of_a_queue_group() {
    let broker = broker();
    let mut busy = broker.subscribe(Instance::Alerts, [pattern("$queue:w:a")]).unwrap();
    let mut idle = broker.subscribe(Instance::Alerts, [pattern("$queue:w:a")]).unwrap();
    broker.publish(Instance::Alerts, &draft("a")).unwrap();
    broker.publish(Instance::Alerts, &draft("a")).unwrap();
    let mut read = seqs(&mut idle);
    for _ in 0..5 {
        broker.publish(Instance::Alerts, &draft("a")).unwrap();
        read.extend(seqs(&mut idle));
    }
    assert_eq!((read.len(), seqs(&mut busy).len()), (6, 1));
}

#[test]
fn a_queue_group_stands_alone_in_its_subscription() {
    let refused = broker().subscribe(Instance::Alerts, [pattern("$queue:w:a"), pattern("b")]);
    assert_eq!(refused.err(), Some(SubscribeError::QueueNotAlone));
}

#[test]
fn peers_are_chosen_only_where_nobody_here_is() {
    let broker = broker();
    let peer = Arc::new(Source {
        node: NodeId::new("b").unwrap(),
        epoch: Epoch(5),
    });
    let queue = pattern("$queue:w:a");
    let seat = broker.queue_seat(Instance::Alerts, peer.clone());
    let chosen = |seat: &QueueSeat| {
        let mut found = Vec::new();
        seat.chosen(1..=99, &mut found);
        found.into_iter().map(|(seq, _)| seq).collect::<Vec<_>>()
    };
    broker.publish(Instance::Alerts, &draft("a")).unwrap();
    assert_eq!(seat.join(&queue), 1);
    assert!(broker.is_wanted(Instance::Alerts, "a") && !broker.is_wanted(Instance::Alerts, "b"));
    broker.publish(Instance::Alerts, &draft("a")).unwrap();
    let mut here = broker.subscribe(Instance::Alerts, [queue.clone()]).unwrap();
    broker.publish(Instance::Alerts, &draft("a")).unwrap();
    assert_eq!(seqs(&mut here), [3]);
    drop(here);
    broker.publish(Instance::Alerts, &draft("a")).unwrap();
    assert_eq!(chosen(&seat), [2, 4]);
    // Another link of the same peer finds what was chosen before it.
    let next = broker.queue_seat(Instance::Alerts, peer);
    drop(seat);
    broker.publish(Instance::Alerts, &draft("a")).unwrap();
    assert_eq!(chosen(&next), [2, 4]);
    assert!(!broker.is_wanted(Instance::Alerts, "a"), "it has not joined");
}

#[test]
fn a_chosen_message_of_another_source_goes_to_one_member() {
    let broker = broker();
    let source = Arc::new(Source {
        node: NodeId::new("b").unwrap(),
        epoch: Epoch(5),
    });
    let slot = broker.attach(source, false);
    let queue = pattern("$queue:w:a");
    let mut one = broker.subscribe(Instance::Alerts, [queue.clone()]).unwrap();
    let mut two = broker.subscribe(Instance::Alerts, [queue.clone()]).unwrap();
    let mut plain = broker.subscribe(Instance::Alerts, [pattern("a")]).unwrap();
    for (wanted, added) in [(&queue, 1), (&pattern("a"), 2)] {
        assert!(broker.open(slot, Instance::Alerts, wanted, added, 1));
    }
    broker.deliver_chosen(slot, Instance::Alerts, &remote("a", [1, 2, 3]), &[(1, queue.clone())]);
    broker.deliver_chosen(slot, Instance::Alerts, &remote("a", [4]), &[(0, queue)]);
    broker.deliver_chosen(
        slot,
        Instance::Alerts,
        &remote("a", [5]),
        &[(0, pattern("$queue:gone:a"))],
    );
    let mut both = seqs(&mut one);
    both.extend(seqs(&mut two));
    both.sort_unstable();
    assert_eq!(both, [2, 4]);
    assert_eq!(seqs(&mut plain), [1, 2, 3, 4, 5]);
}
