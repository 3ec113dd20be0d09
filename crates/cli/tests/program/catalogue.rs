use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::program::run::{Run, bellwether, run};

fn with_input(arguments: &[&str], input: &str) -> Run {
    let mut child = bellwether(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn the_catalogue_needs_no_node() {
    for (arguments, parts) in [
        (
            &["catalogue"][..],
            &["node_health_updated", "SystemAlert", "quick reference"][..],
        ),
        (
            &["catalogue", "health"],
            &["quorum_status", "subscription_health", "cluster_health"],
        ),
        (
            &["catalogue", "NodeHealth"],
            &["The health of a node.", "health/cluster:health", "required"],
        ),
    ] {
        let run = run(arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        for part in parts {
            assert!(run.stdout.contains(part), "{part}: {run:?}");
        }
    }
    let json = |arguments: &[&str]| -> Value {
        let run = run(&[&["catalogue"], arguments].concat());
        serde_json::from_str(&run.stdout).unwrap_or_else(|err| panic!("{err}: {run:?}"))
    };
    assert_eq!(json(&["--format", "json"])["instances"].as_array().unwrap().len(), 10);
    assert_eq!(json(&["health", "--format", "json"])["family"], "HealthMessages");
    assert_eq!(json(&["NodeHealth", "--format", "json"])["tag"], "node_health_updated");
    assert_eq!(json(&["node_health_updated", "--json-schema"])["title"], "NodeHealth");
    let schemas = json(&["health", "--json-schema"]);
    assert!(
        schemas
            .as_array()
            .unwrap()
            .iter()
            .any(|schema| schema["title"] == "NodeHealth")
    );
    assert_eq!(json(&["NodeHealth", "--example"])["status"], "healthy");
}

#[test]
fn an_example_is_valid_and_comes_back_in_its_present_shape() {
    let example = run(&["catalogue", "SystemAlert", "--example"]).stdout;
    let valid = with_input(
        &["validate", "alerts", "SystemAlert", "@-", "--format", "json"],
        &example,
    );
    assert_eq!(valid.code, Some(0), "{valid:?}");
    let told: Value = serde_json::from_str(&valid.stdout).unwrap();
    let example: Value = serde_json::from_str(&example).unwrap();
    assert_eq!(
        (&told["valid"], &told["payload"]["severity"]),
        (&true.into(), &example["severity"])
    );

    let text = run(&[
        "validate",
        "health",
        "node_health_updated",
        r#"{"node":"a","status":"healthy","timestamp":1723723200000}"#,
    ]);
    let payload: Value = serde_json::from_str(&text.stdout).unwrap();
    assert_eq!(payload["timestamp"], "2024-08-15T12:00:00.000Z");
    assert!(text.stdout.lines().count() > 1, "for people: {text:?}");
}

#[test]
fn what_is_not_valid_is_told_with_its_reason() {
    for (arguments, words) in [
        (
            &["health", "NodeHealth"][..],
            "error: missing_fields: `node` is missing",
        ),
        (&["health", "NodeHealth", "[]"], "error: invalid_payload: "),
        (
            &["health", "nothing", "{}"],
            "error: unknown_type: health has no message type `nothing`",
        ),
        (&["events", "events", "{}"], "error: unknown_instance: "),
        (&["health", "NodeHealth", "{"], "error: the message is not JSON"),
    ] {
        let run = run(&[&["validate"], arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert!(run.stderr.starts_with(words), "{words}: {run:?}");
    }
    let run = run(&["validate", "health", "NodeHealth", "{}", "--format", "json"]);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(run.code, Some(1));
    assert_eq!(
        (&told["valid"], &told["reason"]),
        (&false.into(), &"missing_fields".into())
    );
    assert_eq!(told["fields"], serde_json::json!(["node", "status", "timestamp"]));
}
