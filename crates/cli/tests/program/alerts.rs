use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::node::RunningNode;
use crate::program::run::{Run, bellwether, run};

/// Longest wait for an alert to come back to its own node.
const DEADLINE: Duration = Duration::from_secs(10);

fn rows(run: &Run) -> Vec<Value> {
    assert_eq!(run.code, Some(0), "{run:?}");
    serde_json::from_str(&run.stdout).unwrap_or_else(|err| panic!("{err}: {run:?}"))
}

#[test]
fn an_alert_is_listed_and_acknowledged() {
    let node = RunningNode::start();
    let ask = |arguments: &[&str]| run(&[&["--node", &node.url], arguments].concat());
    let alert = |id: &str, severity: &str| {
        let payload = json!({"alert_id": id, "severity": severity, "category": "system", "title": "disk\u{1b}[2J full",
            "description": "d", "source": "s", "metadata": {"alert_key": format!("disk:{id}")}});
        let said = ask(&["say", "alerts", "SystemAlert", &payload.to_string()]);
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    alert("x/1", "warning");
    alert("x/2", "critical");
    let began = Instant::now();
    let is_ours = |row: &Value| row["alert_id"].as_str().is_some_and(|id| id.starts_with("x/"));
    let ours = |arguments: &[&str]| -> Vec<Value> {
        let all = rows(&ask(&[arguments, &["--format", "json"]].concat()));
        all.into_iter().filter(is_ours).collect()
    };
    while ours(&["alerts"]).len() < 2 {
        assert!(began.elapsed() < DEADLINE, "the node does not know its alerts");
    }
    let text = ask(&["alerts"]);
    let mut lines = text.stdout.lines();
    let titles: Vec<&str> = lines
        .next()
        .unwrap()
        .split("  ")
        .filter(|title| !title.is_empty())
        .collect();
    assert_eq!(
        titles.iter().map(|title| title.trim()).collect::<Vec<_>>(),
        [
            "ALERT",
            "SEVERITY",
            "STATE",
            "LEVEL",
            "COUNT",
            "NODE",
            "RAISED",
            "ACKNOWLEDGED BY",
            "KEY",
            "TITLE"
        ]
    );
    let worst = lines.next().unwrap();
    let words: Vec<&str> = worst.split_whitespace().collect();
    assert_eq!(
        words[..6],
        ["x/2", "critical", "open", "level1", "1", "a"],
        "the worst first"
    );
    assert_eq!(words[7..9], ["-", "disk:x/2"]);
    assert!(worst.ends_with("disk\\u{1b}[2J full"), "{worst:?}");

    let seen = ask(&["ack", "x/2", "--by", "ops", "--note", "looking"]);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    let row = seen.stdout.lines().nth(1).unwrap_or_default();
    assert!(row.contains(" acknowledged ") && row.contains(" ops "), "{seen:?}");
    assert_eq!(ours(&["alerts"]).len(), 1);
    let all = ours(&["alerts", "--all"]);
    let of = |id: &str| all.iter().find(|row| row["alert_id"] == id).unwrap();
    assert_eq!(
        (&of("x/2")["state"], &of("x/2")["ack_note"], &of("x/1")["state"]),
        (&json!("acknowledged"), &json!("looking"), &json!("open"))
    );

    let by_user = bellwether(&["--node", &node.url, "ack", "x/1", "--format", "json"])
        .env("USER", "eve")
        .output()
        .unwrap();
    let by_user: Value = serde_json::from_slice(&by_user.stdout).unwrap();
    assert_eq!(by_user["acknowledged_by"], "eve");
    let unknown = ask(&["ack", "nothing"]);
    assert_eq!(
        (unknown.code, unknown.stdout.as_str()),
        (Some(0), "published; this node does not know nothing yet\n"),
        "{unknown:?}"
    );
    let unknown = ask(&["ack", "nothing", "--format", "json"]);
    let told: Value = serde_json::from_str(&unknown.stdout).unwrap();
    assert_eq!(
        (&told["acknowledged_by"], &told["known"]),
        (&json!("cli"), &json!(false))
    );

    node.signal("-TERM");
    assert_eq!(node.wait().0, Some(0));
}

#[test]
fn a_threshold_is_set_listed_and_removed() {
    let node = RunningNode::start();
    let ask = |arguments: &[&str]| run(&[&["--node", &node.url], arguments].concat());
    let limits = ["--metric", "queue_depth", "--max", "--warning", "100"];
    let set = ask(&[&["thresholds", "set", "deep/queue"][..], &limits].concat());
    assert_eq!(set.code, Some(0), "{set:?}");
    let words: Vec<&str> = set
        .stdout
        .lines()
        .nth(1)
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    assert_eq!(
        words,
        [
            "deep/queue",
            "queue_depth",
            "-",
            "max",
            "100.0",
            "-",
            "1",
            "0.05",
            "yes"
        ]
    );
    let listed = ask(&["thresholds"]);
    assert_eq!(listed.stdout, set.stdout);
    let listed = rows(&ask(&["thresholds", "list", "--format", "json"]));
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!("deep/queue")));

    let metric = r#"{"metric_name":"queue_depth","value":101,"unit":"messages"}"#;
    assert_eq!(ask(&["say", "metrics", "PerformanceMetric", metric]).code, Some(0));
    let kept = ["sub", "metrics", "*", "--from", "earliest", "--format", "json"];
    let mut subscriber = bellwether(&[&["--node", &node.url][..], &kept].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let crossed = BufReader::new(subscriber.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
        .find(|message| message["event"] == "metric_alert")
        .unwrap();
    subscriber.kill().unwrap();
    subscriber.wait().unwrap();
    assert_eq!(
        (&crossed["payload"]["metric_name"], &crossed["payload"]["severity"]),
        (&json!("queue_depth"), &json!("warning"))
    );

    let removed = ask(&["thresholds", "remove", "deep/queue"]);
    assert_eq!(
        (removed.code, removed.stdout.as_str()),
        (Some(0), "removed deep/queue\n")
    );
    let again = ask(&["thresholds", "remove", "deep/queue"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(1), ""), "{again:?}");
    assert!(
        again
            .stderr
            .contains("the node refused: this node has no threshold `deep/queue`"),
        "{again:?}"
    );
    assert!(rows(&ask(&["thresholds", "--format", "json"])).is_empty());

    node.signal("-TERM");
    assert_eq!(node.wait().0, Some(0));
}
