//! What values are like, as JSON Schema (draft 2020-12) says it.

use bellwether::Instance;
use serde_json::{Map, Value, json};

/// A schema.
#[derive(Debug, Clone)]
pub(super) struct Schema(Value);

impl Schema {
    pub(super) fn into_value(self) -> Value {
        self.0
    }

    /// One of [`components`].
    pub(super) fn named(name: &str) -> Self {
        Self(json!({"$ref": format!("#/components/schemas/{name}")}))
    }

    /// Anything.
    pub(super) fn any() -> Self {
        Self(json!({}))
    }

    pub(super) fn text() -> Self {
        Self(json!({"type": "string"}))
    }

    pub(super) fn text_within(bytes: usize) -> Self {
        Self(json!({"type": "string", "minLength": 1, "maxLength": bytes}))
    }

    /// Bytes.
    pub(super) fn binary() -> Self {
        Self(json!({"type": "string", "format": "binary"}))
    }

    pub(super) fn time() -> Self {
        Self(json!({"type": "string", "format": "date-time"}))
    }

    pub(super) fn flag() -> Self {
        Self(json!({"type": "boolean"}))
    }

    /// A whole number from 0.
    pub(super) fn count() -> Self {
        Self(json!({"type": "integer", "minimum": 0}))
    }

    pub(super) fn whole(least: u64, most: u64) -> Self {
        Self(json!({"type": "integer", "minimum": least, "maximum": most}))
    }

    pub(super) fn number() -> Self {
        Self(json!({"type": "number"}))
    }

    pub(super) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self(json!({"type": "string", "enum": words.into_iter().collect::<Vec<_>>()}))
    }

    pub(super) fn list(of: Self) -> Self {
        Self(json!({"type": "array", "items": of.0}))
    }

    /// An object that has at least these fields; one whose name ends with `?` may be left out.
    pub(super) fn object<const N: usize>(fields: [(&str, Self); N]) -> Self {
        let mut properties = Map::new();
        let mut needed = Vec::new();
        for (name, schema) in fields {
            let bare = name.trim_end_matches('?');
            if bare == name {
                needed.push(bare);
            }
            properties.insert(bare.to_owned(), schema.0);
        }
        Self(json!({"type": "object", "properties": properties, "required": needed}))
    }

    /// An object that has no other fields.
    pub(super) fn closed(self) -> Self {
        let mut schema = self.0;
        schema["additionalProperties"] = false.into();
        Self(schema)
    }

    /// Not all of these fields at once.
    fn without<const N: usize>(self, fields: [&str; N]) -> Self {
        let mut schema = self.0;
        schema["not"] = json!({"required": fields.to_vec()});
        Self(schema)
    }

    /// It, or null.
    pub(super) fn or_null(self) -> Self {
        Self(json!({"anyOf": [self.0, {"type": "null"}]}))
    }

    pub(super) fn any_of<const N: usize>(schemas: [Self; N]) -> Self {
        Self(json!({"anyOf": schemas.map(|schema| schema.0).to_vec()}))
    }

    pub(super) fn example(self, example: impl Into<Value>) -> Self {
        let mut schema = self.0;
        schema["examples"] = json!([example.into()]);
        Self(schema)
    }

    pub(super) fn instance() -> Self {
        Self::named("Instance")
    }
}

/// The forms that several paths have in common, by name.
pub(super) fn components() -> Value {
    use Schema as S;
    let headers = S(json!({
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    }));
    let components = [
        (
            "Error",
            S::object([
                ("error", S::text()),
                ("reason", S::text()),
                ("fields?", S::list(S::text())),
            ]),
        ),
        ("Instance", S::one_of(Instance::ALL.map(Instance::name))),
        (
            "Message",
            S::object([
                ("id", S::text().example("events/a/1767225600000/1")),
                ("instance", S::instance()),
                ("topic", S::text()),
                ("event", S::text()),
                ("originating_node", S::text()),
                ("reporting_node", S::text()),
                ("timestamp", S::time()),
                ("correlation_id", S::text().or_null()),
                ("causation_id", S::text().or_null()),
                ("schema_version", S::count()),
                ("content_type", S::text()),
                ("signed", S::flag()),
                ("reply_to?", S::text()),
                ("headers?", headers.clone()),
                ("payload?", S::any()),
                ("payload_base64?", S::text()),
            ]),
        ),
        (
            "MessageLine",
            S::object([
                ("op?", S::one_of(["publish"])),
                ("ref?", S::text()),
                ("instance", S::instance()),
                ("topic", S::text().example("orders:new")),
                ("event?", S::text()),
                ("payload?", S::any()),
                ("text?", S::text()),
                ("payload_base64?", S::text()),
                ("content_type?", S::text()),
                ("originating_node?", S::text()),
                ("correlation_id?", S::text()),
                ("causation_id?", S::text()),
                ("schema_version?", S::whole(1, 65_535)),
                ("headers?", headers),
                ("reply_to?", S::text().example("events/answers:7")),
                ("wait?", S::text()),
                ("confirm?", S::text()),
                ("confirm_within?", S::text()),
            ])
            .closed(),
        ),
        (
            "CloudEvent",
            S::object([
                ("specversion", S::one_of(["1.0"])),
                ("id", S::text_within(256)),
                ("source", S::text_within(256).example("/shop/orders")),
                ("type", S::text_within(128)),
                ("subject?", S::text().example("orders:new")),
                ("time?", S::time()),
                ("datacontenttype?", S::text()),
                ("dataschema?", S::text()),
                ("instance?", S::instance()),
                ("data?", S::any()),
                ("data_base64?", S::text()),
            ])
            .without(["data", "data_base64"]),
        ),
        (
            "Published",
            S::object([
                ("id", S::text()),
                ("confirmed?", S::count()),
                ("required?", S::count()),
                (
                    "peers?",
                    S::list(S::object([("node", S::text()), ("outcome", S::text())])),
                ),
            ]),
        ),
        (
            "PublishedMessage",
            S::object([
                ("id", S::text()),
                ("confirmed?", S::count()),
                ("required?", S::count()),
                ("peers?", S::list(S::any())),
                ("topic", S::text()),
                ("payload", S::object([])),
            ]),
        ),
        (
            "Member",
            S::object([
                ("node", S::text()),
                ("epoch", S::count()),
                ("address", S::text()),
                ("state", S::one_of(["self", "alive", "suspect", "down"])),
                ("in", S::flag()),
                ("out", S::flag()),
                ("version", S::text()),
            ]),
        ),
        (
            "Snapshot",
            S::object([
                ("node", S::text()),
                ("epoch", S::count()),
                ("version", S::text()),
                ("at", S::text()),
                ("uptime_ms", S::count()),
                ("ready", S::flag()),
                ("signed", S::flag()),
                ("address", S::text().or_null()),
                ("members", S::list(S::named("Member"))),
                (
                    "links",
                    S::list(S::object([
                        ("peer", S::text()),
                        ("round_trip_us", S::count()),
                        (
                            "lanes",
                            S::list(S::object([
                                ("lane", S::one_of(["urgent", "events", "bulk"])),
                                ("sent_bytes", S::count()),
                                ("received_bytes", S::count()),
                                ("lost_packets", S::count()),
                                ("congestion_window_bytes", S::count()),
                                ("mtu_bytes", S::count()),
                            ])),
                        ),
                    ])),
                ),
                ("instances", S::list(S::object([("instance", S::instance())]))),
                ("process", S::object([("cpu_ms", S::count())])),
                ("open_alerts", S::count()),
            ]),
        ),
        (
            "Key",
            S::object([("id", S::text().example("0123456789abcdef")), ("signs", S::flag())]),
        ),
        (
            "InstanceInfo",
            S::object([
                ("instance", S::instance()),
                ("purpose", S::text()),
                ("published", S::count()),
                ("delivered", S::count()),
                ("forwarded", S::count()),
                ("received", S::count()),
                (
                    "dropped",
                    S(json!({"type": "object", "additionalProperties": {"type": "integer"}})),
                ),
                ("subscriptions", S::count()),
                ("queue_messages", S::count()),
                ("deepest_queue_messages", S::count()),
                ("fullest_queue_percent", S::whole(0, 100)),
                ("backlog_messages", S::count()),
                ("backlog_bytes", S::count()),
                ("max_payload_bytes", S::count()),
                ("backlog_limit_messages", S::count()),
                ("backlog_limit_bytes", S::count()),
                ("queue_limit_messages", S::count()),
                ("queue_limit_bytes", S::count()),
                ("overflow", S::text()),
            ]),
        ),
        (
            "Subscriber",
            S::object([
                ("node", S::text()),
                ("instance", S::instance()),
                ("patterns", S::list(S::text())),
                ("queue_messages", S::count().or_null()),
                ("queue_bytes", S::count().or_null()),
            ]),
        ),
        (
            "Alert",
            S::object([
                ("alert_id", S::text()),
                ("key", S::text()),
                ("severity", S::text()),
                ("title", S::text()),
                ("source", S::text()),
                ("node", S::text()),
                ("raised_at", S::time()),
                ("last_seen", S::time()),
                ("count", S::count()),
                ("state", S::one_of(["open", "acknowledged", "cleared"])),
                ("level", S::any()),
                ("acknowledged_by", S::text().or_null()),
                ("ack_note", S::text().or_null()),
                ("resolution", S::text().or_null()),
                ("requires_ack", S::flag()),
            ]),
        ),
        (
            "Integration",
            S::object([
                ("enabled", S::flag()),
                ("health_broadcast_interval", S::count()),
                ("metrics_broadcast_interval", S::count()),
                ("published", S::count()),
                ("failed", S::count()),
            ]),
        ),
        (
            "ThresholdRule",
            S::object([
                ("id?", S::text_within(128)),
                ("metric_name", S::text_within(128).example("queue_depth")),
                ("component?", S::text_within(128)),
                ("kind", S::one_of(["min", "max"])),
                ("warning?", S::number()),
                ("critical?", S::number()),
                ("sustained?", S::whole(1, 3600)),
                ("hysteresis?", S::number()),
                ("enabled?", S::flag()),
            ])
            .closed(),
        ),
        (
            "SubscriptionHealth",
            S::object([
                ("subscription_name", S::text()),
                ("current_status", S::text()),
                ("last_seen", S::time()),
                ("event_count", S::count()),
                ("last_event", S::text()),
                ("error_count", S::count()),
                ("last_error", S::text().or_null()),
                ("emission", S::text()),
            ]),
        ),
        (
            "Readiness",
            S::object([
                ("ready", S::flag()),
                ("waiting_for", S::text()),
                (
                    "checks?",
                    S::list(S::object([
                        ("name", S::text()),
                        ("ok", S::flag()),
                        ("found", S::text()),
                    ])),
                ),
            ]),
        ),
    ];
    components
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema.0))
        .collect::<Map<_, _>>()
        .into()
}
