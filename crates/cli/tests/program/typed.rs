use serde_json::{Value, json};

use crate::program::node::RunningNode;
use crate::program::run::run;

const HEALTH: &str = r#"{"node":"db-1","status":"healthy"}"#;

#[test]
fn typed_messages_and_broadcasts_go_through_a_node() {
    let node = RunningNode::start();
    let ask = |arguments: &[&str]| run(&[&["--node", &node.url], arguments].concat());

    let said = ask(&["say", "health", "NodeHealth", HEALTH]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.starts_with("health/a/"), "{said:?}");
    let said = ask(&[
        "say",
        "health",
        "NodeHealth",
        HEALTH,
        "--topic",
        "x:y",
        "--format",
        "json",
    ]);
    let whole: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        (&whole["topic"], &whole["payload"]["checks"]),
        (&json!("x:y"), &json!({}))
    );
    let refused = ask(&["say", "health", "NodeHealth", r#"{"node":"db-1","status":"fine"}"#]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("the node refused: `status` must be one of healthy"),
        "{refused:?}"
    );

    let update = r#"{"component":"store","status":"healthy"}"#;
    let sent = ask(&["broadcast", "health_update", update]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert!(sent.stdout.starts_with("health/a/"), "{sent:?}");
    let refused = ask(&["broadcast", "health_update"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("missing field `component`"), "{refused:?}");

    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("calls.json");
    std::fs::write(&file, format!(r#"[{{"health_update":{update}}},{{"nothing":{{}}}}]"#)).unwrap();
    let file = file.to_str().unwrap();
    let batch = ask(&["broadcast", "--batch", file]);
    assert_eq!(
        (batch.code, batch.stdout.as_str()),
        (Some(1), "1 published, 1 failed\n"),
        "{batch:?}"
    );
    assert!(
        batch
            .stderr
            .contains("call 1: unknown_event_type: there is no helper `nothing`"),
        "{batch:?}"
    );
    let batch = ask(&["broadcast", "--batch", &format!("@{file}"), "--format", "json"]);
    let counts: Value = serde_json::from_str(&batch.stdout).unwrap();
    assert_eq!(
        (batch.code, &counts["success"], &counts["errors"]),
        (Some(1), &json!(1), &json!(1))
    );

    let off = ask(&["integration", "disable", "--format", "json"]);
    let standing: Value = serde_json::from_str(&off.stdout).unwrap();
    assert_eq!((off.code, &standing["enabled"]), (Some(0), &json!(false)));
    for arguments in [
        &["broadcast", "health_update", update][..],
        &["broadcast", "--batch", file],
    ] {
        let silent = ask(arguments);
        assert_eq!(
            (silent.code, silent.stdout.as_str()),
            (Some(0), "disabled\n"),
            "{silent:?}"
        );
    }
    let status = ask(&["integration", "status"]);
    let row = status.stdout.lines().nth(1).unwrap_or_default();
    assert!(row.starts_with("no "), "{status:?}");
    let on = ask(&["integration", "enable"]);
    assert!(
        on.stdout.lines().nth(1).unwrap_or_default().starts_with("yes "),
        "{on:?}"
    );

    node.signal("-TERM");
    assert_eq!(node.wait().0, Some(0));
}
