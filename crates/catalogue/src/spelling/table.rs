//! The table of spellings.

use bellwether_message::Instance::{
    self, Alerts, Audit, Diagnostics, Events, Health, Lifecycle, Logging, Metrics, Security, System,
};

use super::Spelling;

/// A topic by its own name.
const fn topic(instance: Instance, topic: &'static str, written_by: &'static str) -> Spelling {
    Spelling {
        instance,
        spelling: topic,
        topic,
        receives: &[],
        written_by,
    }
}

/// A topic by its own name, whose subscribers mean other topics too.
const fn wide(
    instance: Instance,
    topic: &'static str,
    receives: &'static [&'static str],
    written_by: &'static str,
) -> Spelling {
    Spelling {
        instance,
        spelling: topic,
        topic,
        receives,
        written_by,
    }
}

/// Another name of a topic. `receives` begins with that topic.
const fn alias(
    instance: Instance,
    spelling: &'static str,
    topic: &'static str,
    receives: &'static [&'static str],
    written_by: &'static str,
) -> Spelling {
    Spelling {
        instance,
        spelling,
        topic,
        receives,
        written_by,
    }
}

const QUICK: &str = "quick reference";
const ARCHITECTURE: &str = "architecture page";
const EVENT_DRIVEN: &str = "event-driven design";
const MODULE: &str = "messages module";
const SOURCE: &str = "source";

/// Alerts go to a topic named after their type; here are the types that say by themselves how bad they are. The last two
/// may be either.
const CRITICAL: &[&str] = &[
    "system_alerts:critical",
    "node_failure",
    "store_startup_failed",
    "process_failure",
    "resource_critical",
    "health_critical",
    "store_failure",
    "persistence_failure",
];
const WARNING: &[&str] = &[
    "system_alerts:warning",
    "store_shutdown_failed",
    "resource_warning",
    "health_degraded",
    "store_failure",
    "persistence_failure",
];

/// Every spelling in the documents and the source, by instance.
pub const SPELLINGS: &[Spelling] = &[
    topic(Events, "event_stream:{stream_id}", ARCHITECTURE),
    topic(Events, "projection_updates:{projection}", ARCHITECTURE),
    topic(Events, "aggregate_events:{aggregate_id}", ARCHITECTURE),
    topic(Events, "{store}:{sub_topic}", SOURCE),
    //
    topic(System, "lifecycle", QUICK),
    topic(System, "config", QUICK),
    topic(System, "features", SOURCE),
    topic(System, "system_status:{component}", ARCHITECTURE),
    topic(System, "configuration_changes:{service}", ARCHITECTURE),
    topic(System, "service_discovery:{node}", ARCHITECTURE),
    topic(System, "store_metrics:{store}", EVENT_DRIVEN),
    topic(System, "metrics_summary:{store}", EVENT_DRIVEN),
    //
    topic(Health, "cluster:health", SOURCE),
    alias(Health, "cluster_health", "cluster:health", &["cluster:health"], QUICK),
    alias(Health, "node_health", "cluster:health", &["cluster:health"], MODULE),
    topic(Health, "component_health", QUICK),
    topic(Health, "{store}:health", SOURCE),
    // A store's subscriptions say how they are once, on their own topic; whoever listens to the store means them too.
    alias(
        Health,
        "store_health:{store}",
        "{store}:health",
        &["{store}:health", "subscription_health:{store}:+"],
        EVENT_DRIVEN,
    ),
    topic(Health, "health_summary:{store}", EVENT_DRIVEN),
    topic(Health, "subscription_health:{store}:{subscription}", ARCHITECTURE),
    topic(Health, "process_health:{component}", ARCHITECTURE),
    topic(Health, "circuit_breaker_status:{service}", ARCHITECTURE),
    //
    // Publishers use the component's name as topic, so whoever wants performance wants every topic of one level.
    wide(Metrics, "performance", &["+", "performance_metrics:+"], QUICK),
    topic(Metrics, "persistence", QUICK),
    topic(Metrics, "throughput", SOURCE),
    topic(Metrics, "latency", SOURCE),
    topic(Metrics, "resource_usage", SOURCE),
    topic(Metrics, "metric_alerts", SOURCE),
    topic(Metrics, "emitter", SOURCE),
    topic(Metrics, "cluster_health", SOURCE),
    topic(Metrics, "system_resources", SOURCE),
    topic(Metrics, "subscription_metrics:{store}:{subscription}", ARCHITECTURE),
    wide(
        Metrics,
        "performance_metrics:{component}",
        &["performance_metrics:{component}", "{component}"],
        ARCHITECTURE,
    ),
    topic(Metrics, "throughput_stats:{service}", ARCHITECTURE),
    topic(Metrics, "gater:{kind}", SOURCE),
    topic(Metrics, "esdb:{kind}", SOURCE),
    //
    topic(Lifecycle, "process_lifecycle", QUICK),
    topic(Lifecycle, "process_lifecycle:{component}", ARCHITECTURE),
    wide(
        Lifecycle,
        "process_lifecycle:*",
        &["process_lifecycle:*", "process_lifecycle"],
        ARCHITECTURE,
    ),
    topic(Lifecycle, "node_lifecycle", SOURCE),
    topic(Lifecycle, "supervision", SOURCE),
    topic(Lifecycle, "cluster_membership", SOURCE),
    topic(Lifecycle, "cluster:topology", SOURCE),
    //
    wide(Alerts, "system_alerts:critical", CRITICAL, ARCHITECTURE),
    wide(Alerts, "system_alerts:warning", WARNING, ARCHITECTURE),
    topic(Alerts, "system_alerts:{severity}", ARCHITECTURE),
    alias(Alerts, "critical", "system_alerts:critical", CRITICAL, SOURCE),
    alias(Alerts, "warnings", "system_alerts:warning", WARNING, SOURCE),
    topic(Alerts, "incident_alerts:{severity}", ARCHITECTURE),
    topic(Alerts, "node_failure", QUICK),
    topic(Alerts, "persistence_failure", QUICK),
    topic(Alerts, "store_failure", QUICK),
    topic(Alerts, "process_failure", SOURCE),
    topic(Alerts, "resource_critical", SOURCE),
    topic(Alerts, "resource_warning", SOURCE),
    topic(Alerts, "health_degraded", SOURCE),
    topic(Alerts, "health_critical", SOURCE),
    topic(Alerts, "store_startup_failed", SOURCE),
    topic(Alerts, "store_shutdown_failed", SOURCE),
    topic(Alerts, "acknowledgements", SOURCE),
    topic(Alerts, "escalations", SOURCE),
    topic(Alerts, "notifications", SOURCE),
    //
    topic(Audit, "data_changes", SOURCE),
    alias(Audit, "data_change", "data_changes", &["data_changes"], QUICK),
    topic(Audit, "admin_actions", SOURCE),
    alias(Audit, "admin_action", "admin_actions", &["admin_actions"], QUICK),
    topic(Audit, "access_logs", SOURCE),
    wide(Audit, "compliance", &["compliance", "compliance_events:+"], SOURCE),
    wide(
        Audit,
        "audit_trail:user_actions",
        &["audit_trail:user_actions", "data_changes", "access_logs"],
        ARCHITECTURE,
    ),
    wide(
        Audit,
        "audit_trail:admin_operations",
        &["audit_trail:admin_operations", "admin_actions"],
        ARCHITECTURE,
    ),
    topic(Audit, "compliance_events:{regulation}", ARCHITECTURE),
    wide(
        Audit,
        "compliance_events:*",
        &["compliance_events:*", "compliance"],
        ARCHITECTURE,
    ),
    //
    topic(Diagnostics, "debug_traces", SOURCE),
    // The helper of the integration module sends its traces to `diagnostics`.
    alias(
        Diagnostics,
        "debug_trace",
        "debug_traces",
        &["debug_traces", "diagnostics"],
        QUICK,
    ),
    topic(Diagnostics, "performance_analysis", QUICK),
    topic(Diagnostics, "system_state", SOURCE),
    topic(Diagnostics, "error_analysis", SOURCE),
    topic(Diagnostics, "diagnostics", SOURCE),
    topic(Diagnostics, "diagnostics:{kind}", ARCHITECTURE),
    //
    topic(Security, "auth_events", SOURCE),
    alias(
        Security,
        "auth_event",
        "auth_events",
        &["auth_events", "security_events:authentication"],
        QUICK,
    ),
    topic(Security, "access_violations", SOURCE),
    alias(
        Security,
        "access_violation",
        "access_violations",
        &[
            "access_violations",
            "access_violations:+",
            "security_events:authorization",
        ],
        QUICK,
    ),
    topic(Security, "security_alerts", SOURCE),
    topic(Security, "session_events", SOURCE),
    wide(
        Security,
        "security_events:authentication",
        &["security_events:authentication", "auth_events", "session_events"],
        ARCHITECTURE,
    ),
    wide(
        Security,
        "security_events:authorization",
        &[
            "security_events:authorization",
            "access_violations",
            "access_violations:+",
        ],
        ARCHITECTURE,
    ),
    topic(Security, "threat_detection:{service}", ARCHITECTURE),
    wide(
        Security,
        "threat_detection:*",
        &["threat_detection:*", "security_alerts"],
        ARCHITECTURE,
    ),
    topic(Security, "access_violations:{resource}", ARCHITECTURE),
    wide(
        Security,
        "access_violations:*",
        &["access_violations:*", "access_violations"],
        ARCHITECTURE,
    ),
    //
    topic(Logging, "application_logs", SOURCE),
    topic(Logging, "system_logs", SOURCE),
    topic(Logging, "error_logs", SOURCE),
    topic(Logging, "audit_logs", SOURCE),
    alias(
        Logging,
        "log_entry",
        "application_logs",
        &[
            "application_logs",
            "system_logs",
            "error_logs",
            "audit_logs",
            "logs:+:+",
        ],
        QUICK,
    ),
    topic(Logging, "log_summary", QUICK),
    topic(Logging, "log_filters", SOURCE),
    topic(Logging, "log_rotations", SOURCE),
    topic(Logging, "logs:{service}:{level}", ARCHITECTURE),
    topic(Logging, "structured_logs:{component}", ARCHITECTURE),
    wide(
        Logging,
        "error_reports:{service}",
        &[
            "error_reports:{service}",
            "logs:{service}:error",
            "logs:{service}:critical",
        ],
        ARCHITECTURE,
    ),
    // The original sends each to the topic of the component and to that of the store; here it goes to one that has both.
    wide(
        Logging,
        "logging:{component}",
        &["logging:{component}", "logging:{component}:+"],
        SOURCE,
    ),
    wide(
        Logging,
        "logging:store:{store}",
        &["logging:store:{store}", "logging:+:{store}"],
        SOURCE,
    ),
];

/// An alias as the way of every message looks at it.
pub(super) struct Alias {
    /// Literal, or with one place at its end.
    pub(super) spelling: &'static str,
    /// What stands before the place.
    pub(super) prefix: Option<&'static str>,
    /// The place, in braces.
    pub(super) place: &'static str,
    pub(super) topic: &'static str,
}

/// The aliases of each instance, at its index.
pub(super) static ALIASES: std::sync::LazyLock<[Vec<Alias>; Instance::COUNT]> = std::sync::LazyLock::new(|| {
    Instance::ALL.map(|instance| {
        let aliases = SPELLINGS
            .iter()
            .filter(|spelling| spelling.instance == instance && spelling.is_alias());
        aliases.map(Alias::of).collect()
    })
});

impl Alias {
    fn of(spelling: &Spelling) -> Self {
        let (prefix, place) = match spelling.spelling.find('{') {
            Some(at) => {
                let (prefix, place) = spelling.spelling.split_at(at);
                (Some(prefix), place)
            }
            None => (None, ""),
        };
        Self {
            spelling: spelling.spelling,
            prefix,
            place,
            topic: spelling.topic,
        }
    }
}
