use bellwether::{Draft, Instance, Overflow, Topic};
use serde_json::{Value, json};

use crate::client::{Event, Lines};
use crate::served::{Served, soon};

const QUERY: &str = "pattern=alerts/t";

fn publish(served: &Served, topic: &str, payload: &str) -> String {
    let draft = Draft::new(Topic::new(topic).unwrap(), "tag").text(payload);
    served.node.publish(Instance::Alerts, &draft).unwrap().to_string()
}

/// The seqs of the messages up to the live marker, and that.
async fn replayed(events: &mut Lines) -> (Vec<u64>, Event) {
    let mut seqs = Vec::new();
    loop {
        let event = events.next_event().await.expect("the stream goes on");
        match event.name.as_str() {
            "message" => seqs.push(seq(&event.data)),
            "live" => return (seqs, event),
            _ => panic!("{event:?}"),
        }
    }
}

fn seq(message: &Value) -> u64 {
    let id = message["id"].as_str().unwrap();
    id.rsplit('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_stream_begins_where_it_is_asked_to() {
    let served = Served::start().await;
    let ids: Vec<String> = (0..5).map(|_| publish(&served, "t", "x")).collect();
    publish(&served, "other", "x");
    let after_the_second = ids[1].replace('/', "%2F");
    for (from, seqs) in [
        ("earliest".to_owned(), &[1, 2, 3, 4, 5][..]),
        ("last:2".to_owned(), &[4, 5]),
        ("last:0".to_owned(), &[]),
        ("time:1970-01-01T00:00:00%2B01:00".to_owned(), &[1, 2, 3, 4, 5]),
        ("time:9999-01-01T00:00:00Z".to_owned(), &[]),
        (format!("id:{after_the_second}"), &[3, 4, 5]),
    ] {
        let query = format!("{QUERY}&from={from}");
        let (mut events, _) = served.client().await.events(&query, None).await;
        let (replayed, live) = replayed(&mut events).await;
        assert_eq!(replayed, seqs, "{from}");
        let told = json!({"live": {"instance": "alerts", "replayed": seqs.len(), "incomplete": []}});
        assert_eq!(live.data, told, "{from}");
    }
    let mut live = served.client().await.subscribe(&format!("{QUERY}&from=live")).await;
    let mut lines = served.client().await.subscribe(&format!("{QUERY}&from=last:1")).await;
    assert_eq!(seq(&lines.next_json().await), 5);
    assert_eq!(lines.next_json().await["live"]["replayed"], 1);
    publish(&served, "t", "now");
    assert_eq!(lines.next_json().await["payload"], "now");
    assert_eq!(live.next_json().await["payload"], "now");
}

#[tokio::test]
async fn a_client_goes_on_behind_the_last_event_it_has_received() {
    let served = Served::start().await;
    publish(&served, "t", "before");
    let (mut events, began) = served.client().await.events(QUERY, None).await;
    for _ in 2..=3 {
        publish(&served, "t", "x");
    }
    let ids = [
        began.unwrap(),
        events.next_event().await.unwrap().id.unwrap(),
        events.next_event().await.unwrap().id.unwrap(),
    ];
    drop(events);
    publish(&served, "t", "while nobody listens");
    for (received, id) in ids.iter().enumerate() {
        let missing: Vec<u64> = (2 + received as u64..=4).collect();
        // What a browser sends stands above the query, which it repeats as it was.
        let query = format!("{QUERY}&from=earliest");
        let (mut events, again) = served.client().await.events(&query, Some(id)).await;
        assert_eq!(again.as_ref(), Some(id));
        assert_eq!(replayed(&mut events).await.0, missing);
        let query = format!("{QUERY}&from=id:{id}");
        let (mut events, _) = served.client().await.events(&query, None).await;
        let (seqs, live) = replayed(&mut events).await;
        assert_eq!(seqs, missing);
        // The marker has an id as well, and is not repeated with messages.
        let (mut events, _) = served.client().await.events(QUERY, live.id.as_deref()).await;
        assert_eq!(replayed(&mut events).await.0, [0; 0]);
    }
}

/// Nothing was published when it began: every feed is resumed from its first message.
#[tokio::test]
async fn a_client_that_has_received_nothing_resumes_too() {
    let served = Served::start().await;
    let query = format!("{QUERY}&pattern=audit/*");
    let (events, began) = served.client().await.events(&query, None).await;
    drop(events);
    publish(&served, "t", "x");
    let (mut events, _) = served.client().await.events(&query, began.as_deref()).await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(events.next_event().await.unwrap().name);
    }
    names.sort();
    assert_eq!(names, ["live", "live", "message"]);
}

#[tokio::test]
async fn the_last_few_have_no_id_before_they_are_over() {
    let served = Served::start().await;
    for _ in 0..3 {
        publish(&served, "t", "x");
    }
    for from in ["last:2", "time:1970-01-01T00:00:00Z"] {
        let query = format!("{QUERY}&from={from}");
        let (mut events, began) = served.client().await.events(&query, None).await;
        assert_eq!((began, events.next_event().await.unwrap().id), (None, None), "{from}");
        let (_, live) = replayed(&mut events).await;
        publish(&served, "t", "x");
        assert!(
            live.id.is_some() && events.next_event().await.unwrap().id.is_some(),
            "{from}"
        );
    }
}

#[tokio::test]
async fn a_beginning_that_is_none_is_refused_in_words() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (from, reason, words) in [
        ("", "bad_query", "is none of `live`, `earliest`"),
        ("newest", "bad_query", "`newest` is none of `live`"),
        ("last:x", "bad_query", "write for example `last:100`"),
        ("last:65537", "bad_query", "65536 is the most"),
        ("time:noon", "bad_query", "`noon` is not a time in RFC 3339"),
        ("time:2026-01-01T00:00:00+01:00", "bad_query", "for `+` write %2B"),
        ("id:alerts/a/1", "bad_query", "3 of the four parts"),
        ("id:nonsense", "bad_token", "give that word as it came"),
        ("id:", "bad_token", "it is empty"),
    ] {
        let answer = client.get(&format!("/v1/subscribe?{QUERY}&from={from}")).await;
        answer.expect_error(400, reason, words);
    }
    for id in ["17", "é"] {
        let headers = [("last-event-id", id)];
        let answer = client
            .send("GET", &format!("/v1/subscribe?{QUERY}"), &headers, "")
            .await;
        answer.expect_error(400, "bad_token", "the header Last-Event-ID is wrong");
    }
    // An empty one is what a client sends that has received nothing.
    let (_, began) = served.client().await.events(QUERY, Some("")).await;
    assert!(began.is_some());
    assert!(served.node.subscribers(None, None).len() <= 1);
}

/// By the policy `disconnect` a client that does not read is told and its whole stream ends; a resume brings what had no
/// room.
#[tokio::test]
async fn a_disconnected_client_resumes_without_a_hole() {
    const MESSAGES: u64 = 6_000;
    let served = Served::start_with(
        |config| {
            let alerts = &mut config.instances[Instance::Alerts.index()];
            alerts.queue_messages = 64;
            alerts.overflow = Overflow::Disconnect;
        },
        |gateway| gateway,
    )
    .await;
    let query = format!("{QUERY}&pattern=audit/*");
    let (mut events, _) = served.client().await.events(&query, None).await;
    // 24 MB: more than the sockets between hold.
    for n in 0..MESSAGES {
        publish(&served, "t", &"x".repeat(4096));
        if n % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut seen = 0;
    let mut place = None;
    loop {
        let event = events.next_event().await.expect("a gap before the end");
        if event.name == "gap" {
            let gap = &event.data["gap"];
            assert_eq!(
                (&gap["cause"], &gap["first"]),
                (&"disconnected".into(), &(seen + 1).into())
            );
            assert_eq!(
                event.id, place,
                "a gap that is to be resumed has the id of what came before"
            );
            break;
        }
        seen += 1;
        assert_eq!(seq(&event.data), seen);
        place = event.id;
    }
    assert!(seen < MESSAGES);
    assert!(events.next_event().await.is_none(), "the other instance ends as well");

    let (mut events, _) = served.client().await.events(&query, place.as_deref()).await;
    soon(async {
        while seen < MESSAGES {
            let event = events.next_event().await.expect("the stream goes on");
            if event.name == "message" {
                seen += 1;
                assert_eq!(seq(&event.data), seen);
            }
        }
    })
    .await;
}
