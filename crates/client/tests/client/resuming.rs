//! Subscriptions that outlive their connections.

use std::time::Duration;

use bellwether::Overflow;
use bellwether_client::{
    Beginning, Client, Continuation, Cursor, Delivery, Instance, Loss, StreamError, SubscribeError, Subscription,
};
use tokio::io::AsyncWriteExt;

use crate::cutter::Cutter;
use crate::script::{LIVE, STREAM, Script, answer, event, message, request};
use crate::served::{Lab, draft, next_message, pattern, soon};

const INSTANCE: Instance = Instance::Events;

/// Numbers that look random, the same each time.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |state| {
        Some(
            state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407),
        )
    })
    .map(|state| state >> 33)
}

async fn subscribe(client: &Client, from: Beginning) -> Subscription {
    let wanted = [(INSTANCE, pattern("t:*"))];
    client.subscribe(wanted).from(from).open().await.unwrap()
}

/// Goal: however the connections are cut, each message comes once, in order.
/// Method: connections are cut after 700 to 6,700 bytes, most in the middle of an event, while messages are published.
#[tokio::test]
async fn nothing_is_lost_or_doubled_where_connections_are_cut_anywhere() {
    const MESSAGES: u64 = 150;
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    for (seed, from) in [
        (1, Beginning::Live),
        (2, Beginning::Earliest),
        (3, Beginning::Time(bellwether_client::Timestamp::from_millis(0))),
    ] {
        let limits: Vec<usize> = numbers(seed).take(12).map(|n| 700 + (n % 6000) as usize).collect();
        let cutter = Cutter::start(a.addr, limits).await;
        let client = Client::options().client(cutter.url.clone()).unwrap();
        let topic = format!("t:{seed}");
        let wanted = [(INSTANCE, pattern(&topic))];
        let mut subscription = loop {
            // The first try of all is not repeated for us.
            match client.subscribe(wanted.clone()).from(from.clone()).open().await {
                Ok(subscription) => break subscription,
                Err(SubscribeError::Call { source }) if source.may_heal() => {}
                Err(err) => panic!("{err}"),
            }
        };
        let publishing = async {
            for n in 0..MESSAGES {
                a.node.publish(INSTANCE, &draft(&topic, n.to_string())).unwrap();
                tokio::time::sleep(Duration::from_millis(n % 7)).await;
            }
        };
        let receiving = async {
            for n in 0..MESSAGES {
                assert_eq!(
                    next_message(&mut subscription).await.text(),
                    Ok(n.to_string().as_str()),
                    "{from}"
                );
            }
        };
        tokio::join!(publishing, receiving);
        assert!(cutter.cuts() > 3, "{}", cutter.cuts());
    }
}

/// Goal: a subscription goes on across a restart of its node, without loss of what others publish meanwhile.
#[tokio::test]
async fn a_subscription_outlives_its_node() {
    let lab = Lab::new();
    let b = lab.start("b", &[]).await;
    let a = lab.start("a", &[&b]).await;
    let (listen, http) = (a.node.listen_addr().unwrap(), a.addr);
    let client = a.client().await;
    let mut subscription = subscribe(&client, Beginning::Live).await;
    let publish = |n: u64| b.node.publish(INSTANCE, &draft("t:1", n.to_string())).unwrap();
    for n in 0..20 {
        publish(n);
    }
    for n in 0..10 {
        assert_eq!(next_message(&mut subscription).await.text(), Ok(n.to_string().as_str()));
    }
    a.shutdown().await;
    for n in 20..40 {
        publish(n);
    }
    let restarting = async {
        // It is found gone before it is back.
        let mut told = Vec::new();
        let mut received = Vec::new();
        while received.len() < 50 {
            match soon(subscription.next()).await.unwrap().unwrap() {
                Delivery::Message(message) => received.push(message.text().unwrap().parse::<u64>().unwrap()),
                Delivery::Lost(_) => told.push("lost"),
                Delivery::Reconnected(again) => {
                    assert_eq!(again.how, Continuation::Resumed);
                    told.push("reconnected");
                }
                Delivery::Gap(gap) => panic!("{gap:?}"),
                _ => {}
            }
        }
        (received, told)
    };
    let publishing = async {
        let a = lab.start_at("a", listen, http, &[&b], |_| {}).await;
        for n in 40..60 {
            publish(n);
        }
        a
    };
    let ((received, told), _a) = tokio::join!(restarting, publishing);
    assert_eq!(received, (10..60).collect::<Vec<_>>());
    assert_eq!(told, ["lost", "reconnected"]);
}

/// Goal: what a program keeps is enough for its next run to go on, at another node too.
#[tokio::test]
async fn a_cursor_goes_on_in_another_run_at_another_node() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let b = lab.start("b", &[&a]).await;
    let mut subscription = subscribe(&a.client().await, Beginning::Live).await;
    for n in 0..10 {
        a.node.publish(INSTANCE, &draft("t:1", n.to_string())).unwrap();
    }
    for _ in 0..4 {
        next_message(&mut subscription).await;
    }
    let kept = subscription.cursor().unwrap().to_string();
    drop(subscription);
    let cursor: Cursor = kept.parse().unwrap();
    let mut subscription = subscribe(&b.client().await, Beginning::Cursor(cursor)).await;
    for n in 4..10 {
        assert_eq!(next_message(&mut subscription).await.text(), Ok(n.to_string().as_str()));
    }
}

/// Goal: a reader that is disconnected for being slow gets everything all the same, and is told.
#[tokio::test]
async fn a_slow_reader_that_is_disconnected_resumes_by_itself() {
    const MESSAGES: u64 = 3_000;
    let lab = Lab::new();
    let any = || "127.0.0.1:0".parse().unwrap();
    let a = lab
        .start_at("a", any(), any(), &[], |events| {
            events.queue_messages = 64;
            events.overflow = Overflow::Disconnect;
        })
        .await;
    let mut subscription = subscribe(&a.client().await, Beginning::Live).await;
    // 24 MB: more than the sockets between hold.
    for n in 0..MESSAGES {
        a.node.publish(INSTANCE, &draft("t:1", format!("{n:<8192}"))).unwrap();
        if n % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut next = 0;
    let mut losses = 0;
    while next < MESSAGES {
        match soon(subscription.next()).await.unwrap().unwrap() {
            Delivery::Message(message) => {
                assert_eq!(message.text().unwrap().trim_end(), next.to_string());
                next += 1;
            }
            Delivery::Gap(gap) => assert!(gap.is_disconnection(), "{gap:?}"),
            Delivery::Lost(Loss::TooSlow { .. }) => losses += 1,
            Delivery::Lost(loss) => panic!("{loss}"),
            _ => {}
        }
    }
    assert!(losses > 0);
}

/// Goal: the last few messages, cut before the node has said how to go on, are asked for anew and do not come twice.
#[tokio::test]
async fn a_replay_that_is_cut_is_asked_for_anew_without_doubles() {
    let script = Script::bind().await;
    let client = Client::options().client(script.url.clone()).unwrap();
    let playing = tokio::spawn(async move {
        let mut requests = Vec::new();
        for (last, place) in [(2, None), (4, Some("place"))] {
            let mut stream = script.accept().await;
            requests.push(request(&mut stream).await.unwrap());
            let mut text = STREAM.to_owned() + &event(None, LIVE);
            for seq in 1..=last {
                text += &event(place.filter(|_| seq == last), &message(seq));
            }
            // Cut in the middle of an event.
            text += "20\r\ndata: {\"id\":\"al";
            stream.write_all(text.as_bytes()).await.unwrap();
        }
        let mut stream = script.accept().await;
        requests.push(request(&mut stream).await.unwrap());
        stream
            .write_all(answer("400 Bad Request", r#"{"error":"what is this","reason":"bad_token"}"#).as_bytes())
            .await
            .unwrap();
        requests
    });
    let wanted = [(Instance::Alerts, pattern("t"))];
    let mut subscription = client.subscribe(wanted).from(Beginning::Last(4)).open().await.unwrap();
    let mut told = Vec::new();
    let err = loop {
        told.push(match soon(subscription.next()).await.unwrap() {
            Ok(Delivery::Message(message)) => message.id.seq.to_string(),
            Ok(Delivery::Subscribed(_)) => "subscribed".to_owned(),
            Ok(Delivery::Lost(_)) => "lost".to_owned(),
            Ok(Delivery::Reconnected(again)) => format!("{:?}", again.how),
            Ok(other) => panic!("{other:?}"),
            Err(err) => break err,
        });
    };
    let expected = ["subscribed", "1", "2", "lost", "Anew", "subscribed", "3", "4", "lost"];
    assert_eq!(told, expected);
    assert!(
        matches!(&err, StreamError::NotResumed { source } if source.reason() == Some("bad_token")),
        "{err}"
    );
    assert!(subscription.next().await.is_none());
    let requests = playing.await.unwrap();
    for request in &requests {
        assert!(
            request.contains("GET /v1/subscribe?format=sse&pattern=alerts%2Ft&from=last:4 "),
            "{request}"
        );
    }
    let places = requests
        .iter()
        .map(|request| request.contains("last-event-id: place\r\n"));
    assert_eq!(places.collect::<Vec<_>>(), [false, false, true]);
}

#[tokio::test]
async fn a_stream_that_says_nothing_counts_as_lost() {
    let script = Script::bind().await;
    let client = Client::options()
        .silence_timeout(Duration::from_millis(50))
        .client(script.url.clone())
        .unwrap();
    let playing = tokio::spawn(async move {
        let mut open = Vec::new();
        for _ in 0..2 {
            let mut stream = script.accept().await;
            request(&mut stream).await.unwrap();
            stream
                .write_all((STREAM.to_owned() + &event(Some("place"), LIVE)).as_bytes())
                .await
                .unwrap();
            open.push(stream);
        }
        open
    });
    let wanted = [(Instance::Alerts, pattern("t"))];
    let mut subscription = client.subscribe(wanted.clone()).open().await.unwrap();
    assert!(matches!(
        soon(subscription.next()).await,
        Some(Ok(Delivery::Subscribed(_)))
    ));
    let lost = soon(subscription.next()).await.unwrap().unwrap();
    assert!(
        matches!(&lost, Delivery::Lost(loss) if loss.to_string().contains("has not answered")),
        "{lost:?}"
    );
    assert!(matches!(
        soon(subscription.next()).await,
        Some(Ok(Delivery::Reconnected(_)))
    ));
    let _open = playing.await.unwrap();
}

#[tokio::test]
async fn one_that_is_not_to_reconnect_ends_with_an_error() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let client = a.client().await;
    let wanted = [(INSTANCE, pattern("t:*"))];
    let mut subscription = client.subscribe(wanted).without_reconnect().open().await.unwrap();
    a.shutdown().await;
    let err = loop {
        match soon(subscription.next()).await.unwrap() {
            Ok(Delivery::Lost(loss)) => panic!("{loss}"),
            Ok(_) => {}
            Err(err) => break err,
        }
    };
    assert!(matches!(err, StreamError::Lost { .. }), "{err}");
    assert!(subscription.next().await.is_none());
}
