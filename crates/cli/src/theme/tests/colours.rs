//! What has which colour.

use serde_json::json;

use super::*;

#[test]
fn only_the_process_id_has_the_colour_of_the_class() {
    for (component, event_type, escape) in [
        ("emitter_worker", "action", "\x1b[38;5;7;48;5;214m"),
        ("emitter_worker", "health", "\x1b[38;5;7;48;5;6m"),
        ("emitter_worker", "error", "\x1b[38;5;7;48;5;1m"),
    ] {
        let payload = log_event(component, event_type, json!({}));
        let shown = coloured("logging", "logging:x", "log_event", &payload);
        let start = format!("[{escape}<0.9.0>\x1b[0m] [\x1b[38;5;3;48;5;0mEMITTER\x1b[0m] \x1b[38;5;7;48;5;0m[Emitter");
        assert!(
            shown.starts_with(&start) && shown.ends_with("as it is\x1b[0m"),
            "{shown:?}"
        );
    }
    let payload = json!({"node": "c", "event": "down"});
    assert_eq!(
        coloured("lifecycle", "node_lifecycle", "node_lifecycle_event", &payload),
        "[\x1b[38;5;3;48;5;5ma\x1b[0m] [NodeMonitor] 🔴 NODE DOWN: c (down)"
    );
    let summary = coloured(
        "health",
        "health_summary:s",
        "health_summary",
        &json!({"healthy": 1, "failed": 0}),
    );
    assert!(summary.starts_with("[\x1b[38;5;7;48;5;6ma\x1b[0m] ["), "{summary:?}");
}

#[test]
fn a_banner_has_the_colours_of_its_class_too() {
    for (component, event_type, escape) in [
        ("emitter_system", "startup", "\x1b[38;5;7;48;5;2m"),
        ("emitter_pool", "startup", "\x1b[38;5;7;48;5;2m"),
        ("emitter_worker", "startup", "\x1b[38;5;7;48;5;4m"),
        ("emitter_worker", "shutdown", "\x1b[38;5;7;48;5;1m"),
        ("emitter_system", "shutdown", "\x1b[38;5;7;48;5;1m"),
    ] {
        let payload = log_event(component, event_type, json!({}));
        let shown = coloured("logging", "logging:x", "log_event", &payload);
        let title = shown.lines().nth(1).unwrap();
        assert!(
            title.contains(&format!("\x1b[0m [{escape}<0.9.0>\x1b[0m]")),
            "{title:?}"
        );
        assert!(title.contains("\x1b[38;5;3;48;5;0m"), "{title:?}");
    }
}
