//! The boxes.

use serde_json::{Value, json};

use super::super::columns::columns;
use super::*;

fn lifecycle(event: &str, details: Value) -> Value {
    json!({"pid": "#PID<0.511.0>", "module": "emitter", "event": event, "node": "a", "metadata": details})
}

#[test]
fn a_worker_that_starts_has_a_single_line_around_it() {
    let payload = lifecycle(
        "emitter_worker_started",
        json!({"store": "my_store", "topic": "my_store:stream_name", "scheduler_id": 2, "subscriber": "#PID<0.312.0>"}),
    );
    let banner = "\
┌──────────────────────────────────────────────────────────────────────┐
│  ★ EMITTER WORKER ACTIVATION ★ [#PID<0.511.0>]                       │
├──────────────────────────────────────────────────────────────────────┤
│  Topic:      my_store:stream_name                                    │
│  Store:      my_store                                                │
│  Scheduler:  2                                                       │
│  PID:        #PID<0.511.0>                                           │
│  Subscriber: #PID<0.312.0>                                           │
└──────────────────────────────────────────────────────────────────────┘";
    assert_eq!(
        on_terminal("lifecycle", "process_lifecycle", "process_lifecycle_event", &payload),
        banner
    );
}

#[test]
fn a_worker_that_ends_has_a_double_line_around_it() {
    let payload = lifecycle(
        "emitter_worker_terminated",
        json!({"store": "main", "selector": "世界", "reason": "shutdown"}),
    );
    let banner = "\
╔══════════════════════════════════════════════════════════════════════╗
║  💀 EMITTER WORKER TERMINATION 💀 [#PID<0.511.0>]                    ║
╠══════════════════════════════════════════════════════════════════════╣
║  Reason:     shutdown                                                ║
║  Store:      main                                                    ║
║  Selector:   世界                                                    ║
║  Subscriber: -                                                       ║
║  PID:        #PID<0.511.0>                                           ║
╚══════════════════════════════════════════════════════════════════════╝";
    assert_eq!(
        on_terminal("lifecycle", "process_lifecycle", "process_lifecycle_event", &payload),
        banner
    );
}

#[test]
fn a_pool_has_a_heavy_line_around_it() {
    let started = lifecycle(
        "emitter_pool_started",
        json!({"store": "main", "sub_topic": "$all", "emitter_count": 3}),
    );
    let banner = "\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃  🚀 EMITTER POOL STARTUP 🚀 [#PID<0.511.0>]                            ┃
┣━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┫
┃  Pool Name: main:$all_emitter_pool                                     ┃
┃  Store ID:  main                                                       ┃
┃  Topic:     $all                                                       ┃
┃  Workers:   3                                                          ┃
┃  PID:       #PID<0.511.0>                                              ┃
┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛";
    assert_eq!(
        on_terminal("lifecycle", "process_lifecycle", "process_lifecycle_event", &started),
        banner
    );
    let stopped = json!({
        "event": "emitter_pool_stopped", "name": "pool", "store": "main", "sub_topic": "$all", "reason": "Manual Stop",
    });
    let banner = "\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃  🚨 EMITTER POOL SHUTDOWN 🚨 [a]                                       ┃
┣━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┫
┃  Pool Name: pool                                                       ┃
┃  Store ID:  main                                                       ┃
┃  Topic:     $all                                                       ┃
┃  Reason:    Manual Stop                                                ┃
┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛";
    assert_eq!(
        on_terminal("lifecycle", "process_lifecycle", "process_lifecycle_event", &stopped),
        banner
    );
}

#[test]
fn the_system_stands_between_rules() {
    let payload = log_event(
        "emitter_system",
        "startup",
        json!({"components": 3, "max_restarts": "10/60s"}),
    );
    let banner = "\
═══════════════════════════════════════════════════════════════
  🔥 EMITTER SYSTEM STARTUP 🔥 [<0.9.0>]
═══════════════════════════════════════════════════════════════
  as it is
  Components:   3
  Max Restarts: 10/60s
═══════════════════════════════════════════════════════════════";
    assert_eq!(
        on_terminal("logging", "logging:emitter_system", "log_event", &payload),
        banner
    );
    let payload = log_event("emitter_system", "shutdown", json!({}));
    let banner = "\
═══════════════════════════════════════════════════════════════
  🚨 EMITTER SYSTEM SHUTDOWN 🚨 [<0.9.0>]
═══════════════════════════════════════════════════════════════
  as it is
  Reason: -
═══════════════════════════════════════════════════════════════";
    assert_eq!(
        on_terminal("logging", "logging:emitter_system", "log_event", &payload),
        banner
    );
}

#[test]
fn off_a_terminal_a_box_is_as_wide_as_its_content_up_to_a_bound() {
    let banner = |reason: &str| {
        let payload = json!({"event": "emitter_pool_stopped", "store": "世界", "reason": reason});
        on_pipe("lifecycle", "process_lifecycle", "process_lifecycle_event", &payload)
    };
    assert_eq!(
        banner("x"),
        "\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃  🚨 EMITTER POOL SHUTDOWN 🚨 [a]  ┃
┣━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┫
┃  Pool Name: -                     ┃
┃  Store ID:  世界                  ┃
┃  Topic:     -                     ┃
┃  Reason:    x                     ┃
┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛"
    );
    let wide = banner(&"x".repeat(100_000));
    assert!(wide.lines().all(|line| columns(line) == 206), "{wide}");
}

#[test]
fn boxes_shrink_with_the_terminal_and_go_when_it_is_too_narrow() {
    let payload = lifecycle("emitter_worker_terminated", json!({"reason": "x".repeat(50)}));
    let json = message("lifecycle", "process_lifecycle", "process_lifecycle_event", &payload);
    let narrow = Classic::new(|| Screen::plain(20)).render(&json).unwrap();
    assert_eq!(
        narrow,
        "\
╔══════════════════╗
║  💀 EMITTER WO…  ║
╠══════════════════╣
║  Reason:     x…  ║
║  Store:      -   ║
║  Selector:   -   ║
║  Subscriber: -   ║
║  PID:        #…  ║
╚══════════════════╝"
    );
    let unboxed = Classic::new(|| Screen::plain(19)).render(&json).unwrap();
    assert_eq!(
        unboxed,
        "💀 EMITTER WORKER …\nReason:     xxxxxx…\nStore:      -\nSelector:   -\nSubscriber: -\nPID:        #PID<0…"
    );
}
