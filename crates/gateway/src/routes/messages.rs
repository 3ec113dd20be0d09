//! Paths that carry messages.

use bellwether::catalogue::Broadcast;
use bellwether::{TRACEPARENT, TRACESTATE};

use super::Routes;
use super::operation::{Operation, get, post};
use super::schema::Schema;
use crate::error::Reason;
use crate::{broadcast, publish, socket, subscribe, typed_publish};

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const CLOUD_EVENT: &str = "application/cloudevents+json";
const CLOUD_EVENTS: &str = "application/cloudevents-batch+json";

pub(super) fn add(routes: Routes) -> Routes {
    routes
        .at("/v1/publish/{instance}/{*topic}", [publish_one()])
        .at("/v1/publish", [publish_many()])
        .at("/v1/messages/{instance}/{tag}", [publish_typed()])
        .at("/v1/validate/{instance}/{tag}", [validate()])
        .at("/v1/broadcast/{helper}", [call()])
        .at("/v1/broadcast", [calls()])
        .at("/v1/subscribe", [receive()])
        .at("/v1/socket", [open_socket()])
}

/// What a request may say of the trace that it is part of.
fn traced(operation: Operation) -> Operation {
    operation
        .header(
            TRACEPARENT,
            Schema::text().example("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            "W3C trace context, for each message that has none of its own",
        )
        .header(TRACESTATE, Schema::text(), "what belongs to it")
}

/// What every publish may be asked to wait for.
fn waits(operation: Operation) -> Operation {
    operation
        .query(
            "wait",
            Schema::text().example("true"),
            "first wait for room: true, false or at most so many seconds, to 30",
        )
        .query(
            "confirm",
            Schema::text().example("all"),
            "then until so many peers hold it: none, local (default), all or a number",
        )
        .query(
            "confirm_within",
            Schema::whole(1, 60),
            "how long that may take, in seconds; default 10",
        )
        .refuses([
            Reason::BadQuery,
            Reason::NoRoom,
            Reason::TooFewPeers,
            Reason::NoResponders,
            Reason::Stopping,
        ])
}

fn publish_one() -> Operation {
    let operation = post("publish", publish::publish)
        .summary("Publish the body")
        .says(
            "The Content-Type says what the payload is. A header `Bellwether-Header-NAME` is one of the message. With headers \
             `ce-…` or as application/cloudevents+json it is a CloudEvent, which says the rest itself.",
        )
        .path("instance", Schema::instance(), "where it is published")
        .path("topic", Schema::text_within(240).example("orders:new"), "levels joined by `:`, at most 16, without wildcards")
        .query("event", Schema::text_within(128), "the event tag; default `message`")
        .query("originating_node", Schema::text_within(128), "where it arose, if not on this node")
        .query("correlation_id", Schema::text_within(256), "ties messages of one story together")
        .query("causation_id", Schema::text_within(256), "the id of the message that led to this one")
        .query("schema_version", Schema::whole(1, 65_535), "of the payload's form; default 1")
        .query("reply_to", Schema::text_within(256).example("events/answers:7"), "where an answer is awaited: instance/topic")
        .takes("application/octet-stream", Schema::binary())
        .takes("text/plain", Schema::text())
        .takes(JSON, Schema::any())
        .takes(CLOUD_EVENT, Schema::named("CloudEvent"))
        .answers_json(200, Schema::named("Published"), "published, and confirmed as was asked for")
        .answers_json(202, Schema::named("Published"), "published; confirmed by fewer, or asked for by nobody")
        .refuses([
            Reason::BadInstance,
            Reason::BadTopic,
            Reason::ReservedTopic,
            Reason::BadField,
            Reason::BadContentType,
            Reason::BadJson,
            Reason::BadCloudEvent,
        ]);
    waits(traced(operation))
}

fn publish_many() -> Operation {
    let operation = post("publish_body", publish::publish_body)
        .summary("Publish what the body says")
        .says(
            "As application/x-ndjson a MessageLine per line, of any number: the answer has a line for each, in their order, while \
             the body is still being read, and ends with `{\"done\":{\"published\",\"failed\"}}`. A client must read while it \
             writes. As CloudEvents one, or a list of at most 10,000. With headers `ce-…` the body is the data of an event.",
        )
        .header("ce-specversion", Schema::one_of(["1.0"]), "of an event in headers")
        .header("ce-id", Schema::text_within(256), "of an event in headers")
        .header("ce-source", Schema::text_within(256), "of an event in headers")
        .header("ce-type", Schema::text_within(128), "of an event in headers: the event tag")
        .header("ce-subject", Schema::text_within(240), "of an event in headers: the topic")
        .header("ce-instance", Schema::instance(), "of an event in headers: the instance; default `events`")
        .takes(CLOUD_EVENT, Schema::named("CloudEvent"))
        .takes(CLOUD_EVENTS, Schema::list(Schema::named("CloudEvent")))
        .takes(NDJSON, Schema::text())
        .answers_json(
            200,
            Schema::any_of([
                Schema::named("Published"),
                Schema::object([
                    ("published", Schema::count()),
                    ("failed", Schema::count()),
                    ("results", Schema::list(Schema::any_of([Schema::named("Published"), Schema::named("Error")]))),
                ]),
            ]),
            "an event is published; of a list, what became of each",
        )
        .answers(200, NDJSON, Schema::text(), "lines: what became of each")
        .answers_json(202, Schema::named("Published"), "published; confirmed by fewer, or asked for by nobody")
        .refuses([
            Reason::BadInstance,
            Reason::BadTopic,
            Reason::ReservedTopic,
            Reason::BadField,
            Reason::BadContentType,
            Reason::BadJson,
            Reason::BadCloudEvent,
            Reason::TooManyCalls,
        ]);
    waits(traced(operation))
}

/// Where typed messages are.
fn typed(operation: Operation) -> Operation {
    operation
        .path("instance", Schema::instance(), "the instance of the type")
        .path(
            "tag",
            Schema::text_within(128).example("node_health_updated"),
            "the type's tag or name",
        )
        .takes(JSON, Schema::object([]))
        .refuses([
            Reason::BadInstance,
            Reason::BadQuery,
            Reason::BadJson,
            Reason::BadField,
            Reason::UnknownInstance,
            Reason::UnknownType,
        ])
}

fn publish_typed() -> Operation {
    let operation = post("publish_typed", typed_publish::publish)
        .summary("Publish a message of a type")
        .says("The body is its JSON object; what is left out is filled in, and the answer has it whole. 422 names the fields that are wrong.")
        .query("topic", Schema::text_within(240), "default: the type's own")
        .query("correlation_id", Schema::text_within(256), "ties messages of one story together")
        .query("causation_id", Schema::text_within(256), "the id of the message that led to this one")
        .answers_json(200, Schema::named("PublishedMessage"), "published")
        .answers_json(202, Schema::named("PublishedMessage"), "published; confirmed by fewer, or asked for by nobody")
        .refuses([Reason::BadTopic, Reason::ReservedTopic]);
    waits(traced(typed(operation)))
}

fn validate() -> Operation {
    typed(post("validate", typed_publish::validate))
        .summary("Judge a message as its receivers do; publish nothing")
        .answers_json(
            200,
            Schema::object([("valid", Schema::flag()), ("payload", Schema::object([]))]),
            "the message is one of its type",
        )
}

fn call() -> Operation {
    post("broadcast", broadcast::broadcast)
        .summary("Call a helper of the integration")
        .path("helper", Schema::one_of(Broadcast::NAMES), "its name")
        .takes(JSON, Schema::object([]))
        .answers_json(
            200,
            Schema::any_of([
                Schema::object([("id", Schema::text())]),
                Schema::object([("disabled", Schema::flag())]),
            ]),
            "the message of the call is published, or the integration is switched off",
        )
        .refuses([
            Reason::UnknownHelper,
            Reason::BadJson,
            Reason::BadField,
            Reason::BadTopic,
            Reason::ReservedTopic,
            Reason::Stopping,
            Reason::UnknownType,
        ])
}

fn calls() -> Operation {
    post("broadcast_batch", broadcast::batch)
        .summary("Call many helpers of the integration")
        .takes(JSON, Schema::list(Schema::object([])))
        .answers_json(
            200,
            Schema::object([
                ("success", Schema::count()),
                ("errors", Schema::count()),
                ("disabled?", Schema::flag()),
                (
                    "failures",
                    Schema::list(Schema::object([
                        ("index", Schema::count()),
                        ("reason", Schema::text()),
                        ("error", Schema::text()),
                    ])),
                ),
            ]),
            "each was called by itself",
        )
        .refuses([Reason::BadJson, Reason::BadField, Reason::TooManyCalls])
}

fn receive() -> Operation {
    get("subscribe", subscribe::subscribe)
        .summary("Receive what is published")
        .says(
            "A stream without an end: JSON lines, each a Message, `{\"gap\"}`, `{\"epoch_ended\"}`, `{\"live\"}` or \
             `{\"subscribed\"}`; server-sent events around the same JSON; or a CloudEvent per line. It ends with \
             `{\"error\",\"reason\"}` where its client may not have it any more.",
        )
        .query(
            "pattern",
            Schema::list(Schema::text()).example("alerts/*"),
            "instance/pattern, at most 256 times",
        )
        .needed()
        .query(
            "format",
            Schema::one_of(["ndjson", "sse", "cloudevents"]),
            "default: ndjson; sse if that is accepted",
        )
        .query(
            "from",
            Schema::text().example("last:10"),
            "live, earliest, last:N, id:ID or time:RFC3339",
        )
        .query(
            "session",
            Schema::text_within(96),
            "a name, under which its health is told and heeded",
        )
        .query("store", Schema::text_within(96), "the store of that name")
        .header(
            "last-event-id",
            Schema::text(),
            "the `id:` of the last event, to go on behind it",
        )
        .answers(200, NDJSON, Schema::text(), "lines")
        .answers(200, "text/event-stream", Schema::text(), "server-sent events")
        .refuses([
            Reason::BadQuery,
            Reason::BadInstance,
            Reason::BadPattern,
            Reason::MissingPattern,
            Reason::TooManyPatterns,
            Reason::BadToken,
            Reason::Stopping,
        ])
}

fn open_socket() -> Operation {
    get("socket", socket::socket)
        .summary("Publish and receive over one WebSocket")
        .says(
            "Sub-protocol `bellwether.v1`: text frames of JSON, `subscribe`, `credit`, `unsubscribe`, `publish` and `ping` one \
             way, `hello`, `subscribed`, `deliver`, `gap`, `epoch_ended`, `live`, `unsubscribed`, `ended`, `published`, `error` \
             and `pong` the other.",
        )
        .answers_nothing(101, "the connection is a WebSocket from here on")
        .refuses([Reason::BadUpgrade])
}
