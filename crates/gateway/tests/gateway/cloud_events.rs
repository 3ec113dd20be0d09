use serde_json::{Value, json};

use crate::served::Served;

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";

/// What a subscriber of any form is told first is where it is live.
async fn events(served: &Served, patterns: &str) -> crate::client::Lines {
    let mut lines = served
        .client()
        .await
        .open(&format!("format=cloudevents&{patterns}"))
        .await;
    let subscribed = lines.next_json().await;
    assert_eq!(subscribed["type"], "dev.bellwether.subscribed");
    assert_eq!(
        (&subscribed["source"], &subscribed["data"]["live"]),
        (&"a".into(), &1.into())
    );
    lines
}

fn event(changes: &Value) -> Value {
    let mut event = json!({
        "specversion": "1.0", "id": "order-7", "source": "/shop/orders", "type": "order_placed", "subject": "orders:new",
        "time": "2026-01-02T03:04:05.678Z", "dataschema": "https://example.com/order", "datacontenttype": "application/json",
        "correlationid": "c-1", "tenant": "blue", "sampled": true, "level": 3, "data": {"n": 1.0},
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => event.as_object_mut().unwrap().remove(name),
            value => event.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    event
}

#[tokio::test]
async fn an_event_comes_out_as_it_went_in() {
    let served = Served::start().await;
    let mut lines = events(&served, "pattern=events/*").await;
    let mut messages = served.client().await.subscribe("pattern=events/*").await;
    let given = event(&json!({}));
    let mut client = served.client().await;
    let answer = client.post("/v1/publish", STRUCTURED, given.to_string()).await;
    let id = format!("events/a/{}/1", served.node.epoch());
    assert_eq!(answer.json(), json!({"id": id}));
    let mut expected = given.clone();
    expected.as_object_mut().unwrap().extend(
        json!({"instance": "events", "messageid": id, "reportingnode": "a", "originatingnode": "a", "schemaversion": 1,
               "sampled": "true", "level": "3"})
        .as_object()
        .unwrap()
        .clone(),
    );
    assert_eq!(lines.next_json().await, expected);
    let message = messages.next_json().await;
    assert_eq!(message["event"], "order_placed");
    assert_eq!(message["topic"], "orders:new");
    assert_eq!(message["correlation_id"], "c-1");
    assert_eq!(message["payload"], json!({"n": 1.0}));
    assert_eq!(
        message["headers"],
        json!({"ce-id": "order-7", "ce-source": "/shop/orders", "ce-time": "2026-01-02T03:04:05.678Z",
               "ce-dataschema": "https://example.com/order", "ce-tenant": "blue", "ce-sampled": "true", "ce-level": "3"})
    );

    // In the headers of a request, to a topic that its path names.
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "caf%C3%A9"),
        ("ce-source", "db-1"),
        ("ce-type", "t"),
        ("content-type", "text/plain"),
    ];
    let answer = client
        .send("POST", "/v1/publish/events/x:y?confirm=all", &headers, "hello")
        .await;
    assert_eq!(answer.json()["confirmed"], 0);
    let told = lines.next_json().await;
    assert_eq!(
        (&told["id"], &told["source"], &told["subject"], &told["data"]),
        (&"café".into(), &"db-1".into(), &"x:y".into(), &"hello".into())
    );
    assert_eq!(messages.next_json().await["originating_node"], "db-1");

    let in_headers: Vec<_> = headers
        .into_iter()
        .chain([("ce-subject", "z"), ("ce-instance", "events")])
        .collect();
    client.send("POST", "/v1/publish", &in_headers, vec![0_u8, 255]).await;
    assert_eq!(lines.next_json().await["data_base64"], "AP8=");
}

#[tokio::test]
async fn any_message_is_an_event_and_what_is_told_beside_messages_too() {
    let small = |config: &mut bellwether::Config| {
        config.instances[bellwether::Instance::Events.index()].queue_messages = 4;
    };
    let served = Served::start_with(small, |gateway| gateway).await;
    let mut client = served.client().await;
    for number in 0..3 {
        client
            .post("/v1/publish/events/t?event=e", "text/plain", number.to_string())
            .await;
    }
    let mut lines = events(&served, "pattern=events/*&from=last:2").await;
    for number in 1..3 {
        let told = lines.next_json().await;
        let id = format!("events/a/{}/{}", served.node.epoch(), number + 1);
        assert_eq!(
            (&told["id"], &told["type"], &told["source"], &told["data"]),
            (&id.into(), &"e".into(), &"a".into(), &number.to_string().into())
        );
    }
    let live = lines.next_json().await;
    assert_eq!(live["type"], "dev.bellwether.live");
    assert_eq!(live["data"]["replayed"], 2);
    assert!(live["id"].is_string() && live["time"].is_string());
}

#[tokio::test]
async fn what_is_no_event_is_said_in_words() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (changes, reason, words) in [
        (
            json!({"specversion": null}),
            "bad_cloud_event",
            "needs the attribute `specversion`",
        ),
        (
            json!({"specversion": "0.3"}),
            "bad_cloud_event",
            "`specversion` is `0.3`",
        ),
        (json!({"id": ""}), "bad_cloud_event", "needs the attribute `id`"),
        (
            json!({"source": null}),
            "bad_cloud_event",
            "needs the attribute `source`",
        ),
        (json!({"type": null}), "bad_cloud_event", "needs the attribute `type`"),
        (
            json!({"subject": null}),
            "bad_cloud_event",
            "`subject` says which topic",
        ),
        (json!({"subject": "a::b"}), "bad_topic", "the topic is wrong"),
        (json!({"instance": "nowhere"}), "bad_instance", "nowhere"),
        (json!({"time": "yesterday"}), "bad_cloud_event", "`time` is wrong"),
        (json!({"schemaversion": 0}), "bad_cloud_event", "`schemaversion`"),
        (json!({"Tenant": "x"}), "bad_cloud_event", "no name of an attribute"),
        (
            json!({"tenant": {"a": 1}}),
            "bad_cloud_event",
            "`tenant` must be a text",
        ),
        (json!({"tenant": "a\nb"}), "bad_cloud_event", "cannot be kept"),
        (
            json!({"data_base64": "AA=="}),
            "bad_cloud_event",
            "one of `data` and `data_base64`",
        ),
        (json!({"data": null, "data_base64": "!"}), "bad_field", "base64"),
        (json!({"datacontenttype": "image/png"}), "bad_field", "must be a string"),
        (json!({"type": "x".repeat(129)}), "bad_field", "event"),
    ] {
        let given = event(&changes).to_string();
        let answer = client.post("/v1/publish", STRUCTURED, given).await;
        answer.expect_error(400, reason, words);
    }
    for body in ["", "[]", "{", "3"] {
        let answer = client.post("/v1/publish", STRUCTURED, body).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    let answer = client
        .post(
            "/v1/publish/events/t?event=e",
            STRUCTURED,
            event(&json!({})).to_string(),
        )
        .await;
    answer.expect_error(400, "bad_query", "a CloudEvent says in its attributes");
    for (headers, words) in [
        (vec![("ce-id", "1")], "needs the attribute `specversion`"),
        (vec![("ce-specversion", "1.0"), ("ce-id", "%zz")], "percent-encoded"),
        (
            vec![("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-id", "2")],
            "given twice",
        ),
        (
            vec![("ce-specversion", "1.0"), ("ce-a-b", "1")],
            "no name of an attribute",
        ),
    ] {
        let answer = client.send("POST", "/v1/publish", &headers, "x").await;
        answer.expect_error(400, "bad_cloud_event", words);
    }
}

#[tokio::test]
async fn a_list_of_events_is_answered_one_by_one() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let list = json!([
        event(&json!({})),
        event(&json!({"id": null})),
        event(&json!({"instance": "alerts"})),
        3
    ]);
    let content_type = "application/cloudevents-batch+json";
    let answer = client.post("/v1/publish", content_type, list.to_string()).await.json();
    assert_eq!(
        (&answer["published"], &answer["failed"]),
        (&2.into(), &2.into()),
        "{answer}"
    );
    let epoch = served.node.epoch();
    assert_eq!(answer["results"][0], json!({"id": format!("events/a/{epoch}/1")}));
    assert_eq!(answer["results"][1]["reason"], "bad_cloud_event");
    assert_eq!(answer["results"][2], json!({"id": format!("alerts/a/{epoch}/1")}));
    assert_eq!(answer["results"][3]["reason"], "bad_field");
    let empty = client.post("/v1/publish", content_type, "[]").await.json();
    assert_eq!(empty, json!({"published": 0, "failed": 0, "results": []}));
    let many = format!("[{}3]", "3,".repeat(10_000));
    let answer = client.post("/v1/publish", content_type, many).await;
    answer.expect_error(413, "too_many_calls", "at most 10000");
}
