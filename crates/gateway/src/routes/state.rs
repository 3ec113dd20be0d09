//! Paths that show or change what a node does.

use bellwether::MAX_ALERT_ID_BYTES;

use super::Routes;
use super::operation::{Operation, delete, get, post, put};
use super::schema::Schema;
use crate::api::index;
use crate::error::Reason;
use crate::{alerts, catalogue, integration, keys, mesh_view, metrics, subscription_health, thresholds, topics, views};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn add(routes: Routes) -> Routes {
    let routes = watching(health(routes));
    let routes = catalogues(routes);
    let list = |name: &str| Schema::list(Schema::named(name));
    routes
        .at(
            "/v1/mesh",
            [get("mesh", mesh_view::mesh)
                .summary("What every node is like, from any of them")
                .says(
                    "Waits at most 2.5 s until every member has spoken. As server-sent events: an event `snapshot` for each node \
                     and second, until the client goes.",
                )
                .query("format", Schema::one_of(["json", "sse"]), "default: by Accept")
                .answers_json(
                    200,
                    Schema::object([("snapshots", list("Snapshot")), ("missing", Schema::list(Schema::text()))]),
                    "what each said of itself, and who said nothing",
                )
                .answers(200, "text/event-stream", Schema::any(), "the same as it comes")
                .refuses([Reason::BadQuery, Reason::LimitExceeded, Reason::Stopping])],
        )
        .at(
            "/v1/members",
            [get("members", views::members)
                .summary("The nodes that this one knows, itself among them")
                .answers_json(200, list("Member"), "all of them")],
        )
        .at(
            "/v1/instances",
            [get("instances", views::instances)
                .summary("The ten instances, their totals and bounds")
                .answers_json(200, list("InstanceInfo"), "all of them")],
        )
        .at(
            "/v1/subscribers",
            [get("subscribers", views::subscribers)
                .summary("Who receives what")
                .query("instance", Schema::instance(), "only of this one")
                .query(
                    "topic",
                    Schema::text_within(240),
                    "only those that a message on this topic would reach",
                )
                .answers_json(
                    200,
                    list("Subscriber"),
                    "local subscriptions, and what peers have announced",
                )
                .refuses([Reason::BadQuery, Reason::BadInstance, Reason::BadTopic])],
        )
        .at(
            "/v1/topics",
            [get("topics", topics::topics)
                .summary("Which topics have the most messages, on this node")
                .query("instance", Schema::instance(), "only of this one")
                .query("limit", Schema::whole(0, topics::MAX_LIMIT as u64), "at most so many; default: 20")
                .answers_json(
                    200,
                    Schema::list(Schema::object([
                        ("instance", Schema::instance()),
                        ("topic", Schema::text()),
                        ("messages", Schema::count()),
                    ])),
                    "the busiest first",
                )
                .refuses([Reason::BadQuery, Reason::BadInstance])],
        )
        .at(
            "/v1/keys",
            [get("keys", keys::keys)
                .summary("The keys of this node and, as they tell, of the other members, by their ids")
                .answers_json(
                    200,
                    Schema::object([
                        ("keys", list("Key")),
                        (
                            "members",
                            Schema::list(Schema::object([
                                ("node", Schema::text()),
                                ("state", Schema::one_of(["alive", "suspect", "down"])),
                                ("keys", list("Key").or_null()),
                            ])),
                        ),
                    ]),
                    "each list with the signing key first; null while no link from the member is up",
                )],
        )
        .at(
            "/healthz",
            [get("healthz", views::healthz)
                .summary("Whether this process answers")
                .answers(200, TEXT, Schema::text(), "it does")],
        )
        .at(
            "/readyz",
            [get("readyz", views::readyz)
                .summary("Whether the node has joined, and does not stop")
                .query("verbose", Schema::text_within(5), "anything: what was looked at, too")
                .answers_json(200, Schema::named("Readiness"), "it has")
                .answers_json(503, Schema::named("Readiness"), "it has not yet, or stops")
                .refuses([Reason::BadQuery])],
        )
        .at(
            "/metrics",
            [get("metrics", metrics::metrics)
                .summary("Totals for Prometheus")
                .answers(
                    200,
                    "text/plain; version=0.0.4; charset=utf-8",
                    Schema::text(),
                    "the text form 0.0.4",
                )
                .answers(
                    200,
                    "application/openmetrics-text; version=1.0.0; charset=utf-8",
                    Schema::text(),
                    "OpenMetrics, if that is asked for",
                )],
        )
        .at(
            "/",
            [get("index", index)
                .summary("The paths, for people")
                .answers(200, TEXT, Schema::text(), "a list")
                .answers_nothing(303, "to the page, where HTML is accepted")],
        )
}

fn catalogues(routes: Routes) -> Routes {
    let form = |operation: Operation| {
        operation
            .query(
                "form",
                Schema::one_of(["json-schema", "example"]),
                "schemas or examples of the types instead",
            )
            .refuses([Reason::BadQuery])
    };
    let whole = form(get("catalogue", catalogue::whole))
        .summary("The types of messages, and the spellings of topics")
        .answers_json(
            200,
            Schema::any_of([Schema::object([]), Schema::list(Schema::any())]),
            "all of them",
        );
    let of_instance = form(get("catalogue_of_instance", catalogue::instance))
        .summary("The types of one instance")
        .path("instance", Schema::instance(), "the instance")
        .answers_json(
            200,
            Schema::any_of([Schema::object([]), Schema::list(Schema::any())]),
            "those",
        )
        .refuses([Reason::BadInstance]);
    let of_type = form(get("catalogue_of_type", catalogue::message_type))
        .summary("One type")
        .path("instance", Schema::instance(), "its instance")
        .path(
            "tag",
            Schema::text_within(128).example("node_health_updated"),
            "its tag or name",
        )
        .answers_json(200, Schema::object([]), "its fields, or its schema or example")
        .refuses([Reason::BadInstance, Reason::NoSuchType]);
    routes
        .at("/v1/catalogue", [whole])
        .at("/v1/catalogue/{instance}", [of_instance])
        .at("/v1/catalogue/{instance}/{tag}", [of_type])
}

fn watching(routes: Routes) -> Routes {
    let states = Schema::one_of(["open", "acknowledged", "cleared", "all"]);
    let list = get("alerts", alerts::list)
        .summary("The alerts of the mesh, the worst first")
        .query("state", states, "default: open")
        .answers_json(200, Schema::list(Schema::named("Alert")), "those")
        .refuses([Reason::BadQuery]);
    let one = get("alert", alerts::one)
        .summary("One alert")
        .path(
            "alert_id",
            Schema::text_within(MAX_ALERT_ID_BYTES),
            "its id, or that of a repetition",
        )
        .answers_json(200, Schema::named("Alert"), "as it is now")
        .refuses([Reason::BadQuery, Reason::UnknownAlert]);
    let acknowledge = post("acknowledge", alerts::acknowledge)
        .summary("Say on every node that somebody has taken an alert up")
        .path("alert_id", Schema::text_within(MAX_ALERT_ID_BYTES), "its id")
        .takes(
            JSON,
            Schema::object([
                ("by", Schema::text().example("ops")),
                ("note?", Schema::text().or_null()),
                ("resolution?", Schema::text().or_null()),
            ])
            .closed(),
        )
        .answers_json(200, Schema::named("Alert"), "as it is now")
        .answers_json(
            202,
            Schema::object([
                ("alert_id", Schema::text()),
                ("acknowledged_by", Schema::text()),
                ("ack_note", Schema::text().or_null()),
                ("resolution", Schema::text().or_null()),
                ("known", Schema::flag()),
            ]),
            "said, of one that is not known here yet",
        )
        .refuses([
            Reason::BadQuery,
            Reason::BadJson,
            Reason::BadField,
            Reason::UnknownType,
            Reason::Stopping,
        ]);
    let rules = get("thresholds", thresholds::list)
        .summary("The figures that this node watches, and their limits")
        .answers_json(200, Schema::list(Schema::named("ThresholdRule")), "by id")
        .refuses([Reason::BadQuery]);
    let watch = put("put_threshold", thresholds::put)
        .summary("Watch a figure, until this node stops")
        .path("id", Schema::text_within(128), "what the rule is called")
        .takes(JSON, Schema::named("ThresholdRule"))
        .answers_json(200, Schema::named("ThresholdRule"), "the rule, whole")
        .refuses([
            Reason::BadQuery,
            Reason::BadJson,
            Reason::BadField,
            Reason::TooManyThresholds,
            Reason::UnknownType,
        ]);
    let forget = delete("delete_threshold", thresholds::delete)
        .summary("Watch a figure no more")
        .path("id", Schema::text_within(128), "what the rule is called")
        .answers_json(
            200,
            Schema::object([("id", Schema::text()), ("removed", Schema::flag())]),
            "removed",
        )
        .refuses([Reason::BadQuery, Reason::UnknownThreshold]);
    routes
        .at("/v1/alerts", [list])
        .at("/v1/alerts/{alert_id}", [one])
        .at("/v1/alerts/{alert_id}/acknowledge", [acknowledge])
        .at("/v1/thresholds", [rules])
        .at("/v1/thresholds/{id}", [watch, forget])
}

fn health(routes: Routes) -> Routes {
    let status = get("integration", integration::status)
        .summary("Whether helpers and reporters publish, and how often")
        .answers_json(200, Schema::named("Integration"), "as it is");
    let switch = put("switch_integration", integration::switch)
        .summary("Switch them on or off, on this node, until it stops")
        .takes(JSON, Schema::object([("enabled", Schema::flag())]).closed())
        .answers_json(200, Schema::named("Integration"), "as it is now")
        .refuses([Reason::BadJson, Reason::BadField]);
    let compatibility = get("compatibility", integration::compatibility)
        .summary("Whether this node's messages are as the catalogue has them")
        .answers_json(
            200,
            Schema::object([
                ("operational_helpers", Schema::flag()),
                ("gater_integration", Schema::flag()),
                ("node_consistency", Schema::flag()),
                ("timestamp_precision", Schema::flag()),
            ]),
            "what was looked at",
        );
    let name = || Schema::text_within(96);
    let stores = get("subscription_health", subscription_health::stores)
        .summary("How the subscriptions of stores are")
        .answers_json(
            200,
            Schema::list(Schema::object([("store_id", Schema::text())])),
            "every store",
        );
    let store = get("subscription_health_of_store", subscription_health::store)
        .summary("How the subscriptions of one store are")
        .path("store", name(), "the store")
        .answers_json(
            200,
            Schema::object([
                ("subscriptions", Schema::list(Schema::named("SubscriptionHealth"))),
                ("changes", Schema::list(Schema::object([]))),
            ]),
            "each of them, and the last changes",
        )
        .refuses([Reason::BadField, Reason::UnknownSubscription]);
    let one = get("subscription_health_of_one", subscription_health::one)
        .summary("How one subscription is")
        .path("store", name(), "its store")
        .path("name", name(), "its name")
        .answers_json(200, Schema::named("SubscriptionHealth"), "as it is")
        .refuses([Reason::BadField, Reason::UnknownSubscription]);
    let report = post("report_subscription_health", subscription_health::report)
        .summary("Tell the mesh what became of a subscription")
        .path("store", name(), "its store")
        .path("name", name(), "its name")
        .path("event", name().example("registration_success"), "what happened")
        .may_take(JSON, Schema::object([]))
        .answers_json(
            200,
            Schema::any_of([
                Schema::object([("id", Schema::text())]),
                Schema::object([("disabled", Schema::flag())]),
            ]),
            "told, or the integration is switched off",
        )
        .refuses([
            Reason::BadField,
            Reason::BadJson,
            Reason::BadTopic,
            Reason::UnknownType,
            Reason::Stopping,
        ]);
    let breakers = get("circuit_breakers", subscription_health::breakers)
        .summary("What guards subscriptions")
        .answers_json(
            200,
            Schema::list(Schema::object([
                ("service", Schema::text()),
                ("guards", Schema::object([]).or_null()),
                ("state", Schema::text()),
                ("statistics", Schema::object([])),
            ])),
            "the breakers of this node",
        );
    let reset = post("reset_circuit_breaker", subscription_health::reset)
        .summary("Close a breaker")
        .path("service", Schema::text_within(256), "what it guards")
        .answers_json(
            200,
            Schema::object([("service", Schema::text()), ("state", Schema::text())]),
            "closed",
        )
        .refuses([Reason::BadField, Reason::UnknownSubscription]);
    routes
        .at("/v1/integration", [status, switch])
        .at("/v1/integration/compatibility", [compatibility])
        .at("/v1/subscription_health", [stores])
        .at("/v1/subscription_health/{store}", [store])
        .at("/v1/subscription_health/{store}/{name}", [one])
        .at("/v1/subscription_health/{store}/{name}/{event}", [report])
        .at("/v1/circuit_breakers", [breakers])
        .at("/v1/circuit_breakers/{service}/reset", [reset])
}
