//! The W3C trace context of requests and messages, carried from every form to every form.

use serde_json::{Value, json};

use crate::client::Lines;
use crate::served::Served;

const REQUEST: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OWN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const CLOUD_EVENT: &str = "application/cloudevents+json";

async fn events(served: &Served) -> Lines {
    let mut lines = served
        .client()
        .await
        .open("format=cloudevents&pattern=events/*&pattern=health/*")
        .await;
    assert_eq!(lines.next_json().await["type"], "dev.bellwether.subscribed");
    lines
}

/// The context of a message, as JSON and as a CloudEvent tell it.
async fn told(messages: &mut Lines, events: &mut Lines) -> (Value, Value) {
    let (message, event) = (messages.next_json().await, events.next_json().await);
    assert_eq!(
        message["headers"]["traceparent"], event["traceparent"],
        "{message} {event}"
    );
    (message["headers"]["traceparent"].clone(), event["tracestate"].clone())
}

fn event(attributes: &Value) -> Value {
    let mut event = json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "subject": "t"});
    event
        .as_object_mut()
        .unwrap()
        .extend(attributes.as_object().unwrap().clone());
    event
}

#[tokio::test]
async fn what_a_request_says_goes_to_each_of_its_messages_that_says_nothing() {
    let served = Served::start().await;
    let mut messages = served
        .client()
        .await
        .subscribe("pattern=events/*&pattern=health/*")
        .await;
    let mut events = events(&served).await;
    let mut client = served.client().await;
    let mut post = async |path: &str, headers: &[(&str, &str)], body: String| {
        let context = [("traceparent", REQUEST), ("tracestate", "a=1"), ("tracestate", "b=2")];
        let headers: Vec<_> = context.into_iter().chain(headers.iter().copied()).collect();
        let answer = client.send("POST", path, &headers, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let of_request = (json!(REQUEST), json!("a=1,b=2"));
    let own = (json!(OWN), json!("o=7"));
    let own_headers = json!({"Traceparent": OWN, "tracestate": "o=7"});
    let own_attributes = json!({"traceparent": OWN, "tracestate": "o=7"});

    post("/v1/publish/events/t", &[], "x".to_owned()).await;
    assert_eq!(told(&mut messages, &mut events).await, of_request);
    let headers = [
        ("bellwether-header-traceparent", OWN),
        ("bellwether-header-tracestate", "o=7"),
    ];
    post("/v1/publish/events/t", &headers, "x".to_owned()).await;
    assert_eq!(told(&mut messages, &mut events).await, own);

    for path in ["/v1/publish/events/t", "/v1/publish"] {
        let headers = [("content-type", CLOUD_EVENT)];
        post(path, &headers, event(&json!({})).to_string()).await;
        assert_eq!(told(&mut messages, &mut events).await, of_request);
        post(path, &headers, event(&own_attributes).to_string()).await;
        assert_eq!(told(&mut messages, &mut events).await, own);
    }

    let headers = [("content-type", "application/cloudevents-batch+json")];
    let list = json!([event(&own_attributes), event(&json!({}))]);
    post("/v1/publish", &headers, list.to_string()).await;
    assert_eq!(told(&mut messages, &mut events).await, own);
    assert_eq!(told(&mut messages, &mut events).await, of_request);

    let line =
        |headers: &Value| json!({"instance": "events", "topic": "t", "text": "x", "headers": headers}).to_string();
    let lines = [line(&own_headers), line(&json!({"n": "1"}))].join("\n");
    post("/v1/publish", &[("content-type", "application/x-ndjson")], lines).await;
    let message = messages.next_json().await;
    assert_eq!(message["headers"], own_headers, "untouched, in its own case");
    assert_eq!(events.next_json().await["traceparent"], OWN);
    assert_eq!(told(&mut messages, &mut events).await, of_request);

    let health = r#"{"node":"db-1","status":"healthy"}"#;
    post("/v1/messages/health/node_health_updated", &[], health.to_owned()).await;
    assert_eq!(told(&mut messages, &mut events).await, of_request);
}

#[tokio::test]
async fn a_message_without_a_context_has_none_and_what_is_malformed_is_carried_as_it_is() {
    let served = Served::start().await;
    let mut messages = served
        .client()
        .await
        .subscribe("pattern=events/*&pattern=health/*")
        .await;
    let mut events = events(&served).await;
    let mut client = served.client().await;
    client.post("/v1/publish/events/t", "text/plain", "x").await;
    assert_eq!(messages.next_json().await.get("headers"), None);
    let event = events.next_json().await;
    assert_eq!((event.get("traceparent"), event.get("tracestate")), (None, None));
    let headers = [("traceparent", "01-zz"), ("x-other", "y")];
    client.send("POST", "/v1/publish/events/t", &headers, "x").await;
    assert_eq!(messages.next_json().await["headers"], json!({"traceparent": "01-zz"}));
    assert_eq!(events.next_json().await["traceparent"], "01-zz");
}
