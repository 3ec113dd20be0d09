//! `alerts`: what needs somebody to act.

use bellwether_message::Timestamp;
use serde_json::Value;

use crate::define::messages;
use crate::field::Object;
use crate::word::words;

/// Who raised an alert that does not say.
const DEFAULT_SOURCE: &str = "ExESDB";

words! {
    /// How bad it is.
    AlertSeverity { Info "info", Warning "warning", Error "error", Critical "critical" | "high" }
    /// What it is about.
    AlertCategory {
        System "system", Performance "performance", Security "security", Data "data", Network "network",
    }
    /// How far up an alert has been taken.
    EscalationLevel { Level1 "level1", Level2 "level2", Level3 "level3" }
    /// How somebody was told.
    DeliveryMethod { Email "email", Sms "sms", Webhook "webhook", Push "push" }
    /// Whether he was.
    DeliveryStatus { Sent "sent", Delivered "delivered", Failed "failed", Bounced "bounced" }
}

impl AlertCategory {
    /// What an alert of this type is about.
    pub fn of(alert_type: &str) -> Self {
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| alert_type.starts_with(prefix));
        match alert_type {
            "store_failure" | "store_startup_failed" | "store_shutdown_failed" | "persistence_failure" => Self::Data,
            "node_failure" => Self::Network,
            _ if begins(&["cluster_"]) => Self::Network,
            _ if begins(&["resource_", "health_", "slow_"]) => Self::Performance,
            _ if begins(&["auth_", "access_", "security_"]) => Self::Security,
            _ => Self::System,
        }
    }
}

messages! {
    /// Something needs somebody to act.
    SystemAlert "system_alert" in Alerts on "system_alerts:{severity}" by node reads alert_of_other_shape {
        required {
            /// How bad it is.
            severity: AlertSeverity => "critical",
            /// What it is about.
            category: AlertCategory => "network",
            /// In short.
            title: String => "Node down",
            /// In full.
            description: String => "Node node2 has become unresponsive",
            /// What raised it.
            source: String => "node_monitor",
        }
        default {
            /// Whatever else there is to say; `context` of other shapes is merged into it.
            metadata: Object = Object::new() => {"failed_node": "node2", "cluster_size": 3},
        }
        optional {
            /// What kind of alert.
            alert_type: String => "node_failure",
            /// In the words of the quick reference.
            message: String => "Node node2 has become unresponsive",
            /// Whatever there is to say, in the words of the quick reference.
            context: Object => {"failed_node": "node2", "cluster_size": 3},
            /// Which part it is about.
            component: String => "node_monitor",
        }
        filled {
            /// Its id: 16 hexadecimal digits.
            alert_id: String = |stamp, _| stamp.object_id("") => "9f86d081884c7d65",
            /// Whether somebody has to say that he has seen it; by default where it is an error or critical.
            requires_ack: bool = |_, alert| matches!(alert.severity, AlertSeverity::Error | AlertSeverity::Critical),
        }
    }

    /// Somebody has seen an alert.
    AlertAck "alert_acknowledged" in Alerts on "acknowledgements" {
        required {
            /// Which alert.
            alert_id: String => "9f86d081884c7d65",
            /// Who.
            ack_by: String as "acknowledged_by" => "ops",
        }
        default {
            /// Whether a machine did.
            auto_ack: bool = false,
        }
        optional {
            /// What he says to it.
            ack_note: String as "ack_message" => "looking",
            /// How it was solved.
            resolution: String => "restarted",
            /// Where.
            node: crate::NodeName,
        }
        filled {
            /// When.
            ack_timestamp: Timestamp = |stamp, _| stamp.now,
        }
    }

    /// An alert was taken further up.
    AlertEscalation "alert_escalated" in Alerts on "escalations" reads levels {
        required {
            /// Which alert.
            alert_id: String as "original_alert_id" => "9f86d081884c7d65",
            /// From where.
            from_level: EscalationLevel => "level1",
            /// To where.
            to_level: EscalationLevel => "level2",
            /// Why.
            escalation_reason: String => "nobody has seen it for 15 minutes",
        }
        default {
            /// Who did it.
            escalated_by: String = "system",
            /// Whom to tell.
            notify_contacts: Vec<String> as "escalated_to" = Vec::<String>::new() => ["oncall"],
        }
        optional {
            /// `to_level` as a number.
            escalation_level: u64 => 2,
        }
    }

    /// Somebody was told of an alert, or was to be.
    NotificationStatus "notification_status" in Alerts on "notifications" {
        required {
            /// Which alert.
            alert_id: String => "9f86d081884c7d65",
            /// Who.
            recipient: String => "oncall@example.org",
            /// How.
            delivery_method: DeliveryMethod,
            /// Whether it arrived.
            status: DeliveryStatus,
        }
        default {
            /// How often it was tried.
            attempts: u64 = 1_u64,
        }
        optional {
            /// Why it did not arrive.
            error_reason: String => "mailbox full",
        }
    }
}

/// The shape of the quick reference has a type, a message and a context; the one of the architecture page a component
/// and a message.
fn alert_of_other_shape(map: &mut Object) {
    let text = |map: &Object, key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(message) = text(map, "message") {
        super::or_insert(map, "title", message.clone());
        super::or_insert(map, "description", message);
    }
    if let Some(Value::Object(context)) = map.get("context").cloned()
        && let Some(metadata) = super::object(map, "metadata")
    {
        context.into_iter().for_each(|(key, value)| {
            metadata.entry(key).or_insert(value);
        });
    }
    let is_other_shape = map.contains_key("message") || map.contains_key("alert_type");
    if is_other_shape {
        let source = text(map, "component").unwrap_or_else(|| DEFAULT_SOURCE.to_owned());
        super::or_insert(map, "source", source);
        let alert_type = text(map, "alert_type").unwrap_or_default();
        super::or_insert(map, "category", AlertCategory::of(&alert_type).to_string());
    }
}

/// `escalation_level` 2 is `to_level` `level2`, and comes from the level below.
fn levels(map: &mut Object) {
    let number = |level: &Value| level.as_str()?.strip_prefix("level")?.parse::<u64>().ok();
    if let Some(level) = map.get("escalation_level").and_then(Value::as_u64) {
        super::or_insert(map, "to_level", format!("level{level}"));
    } else if let Some(level) = map.get("to_level").and_then(number) {
        super::or_insert(map, "escalation_level", level);
    }
    if let Some(level) = map.get("to_level").and_then(number) {
        super::or_insert(map, "from_level", format!("level{}", level.saturating_sub(1).max(1)));
    }
}
