//! The commands that look at a whole mesh, typed at any node of it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use bellwether_tests::deadline::eventually;
use bellwether_tests::program::{Finished, bellwether};
use bellwether_tests::{Lab, Process};
use serde_json::Value;

/// Runs a command at this node.
async fn at(node: &Process, arguments: &[&str]) -> Finished {
    Finished::of(bellwether().args(["--node", &node.url()]).args(arguments)).await
}

/// Publishes a message at this node, for what `cause` has led to, and gives its id.
async fn publish(node: &Process, instance: &str, cause: Option<&str>) -> String {
    let mut arguments = vec!["pub", instance, "order:step", "{}", "--correlation-id", "order-7"];
    arguments.extend(cause.into_iter().flat_map(|cause| ["--causation-id", cause]));
    let published = at(node, &arguments).await;
    published.expect(0, &[]);
    published.stdout.trim().to_owned()
}

/// What the doctor finds out about the mesh through this node, by the names of the checks.
async fn verdicts(node: &Process) -> Vec<(String, String)> {
    let report = at(node, &["doctor", "--format", "json"]).await;
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| (text(&finding["check"]), text(&finding["verdict"])))
        .collect()
}

#[tokio::test]
async fn a_story_is_traced_and_tailed_across_nodes_from_any_of_them() {
    let lab = Lab::default();
    let [a, b, c] = lab.three().await;
    let first = publish(&a, "events", None).await;
    let second = publish(&b, "audit", Some(&first)).await;
    let third = publish(&c, "metrics", Some(&second)).await;
    for (node, word) in [(&a, third.as_str()), (&b, "order-7"), (&c, first.as_str())] {
        let traced = at(node, &["trace", word, "--format", "json"]).await;
        traced.expect(0, &[]);
        let steps: Vec<Value> = traced
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let told: Vec<_> = steps
            .iter()
            .map(|step| (step["message"]["id"].as_str().unwrap(), step["depth"].as_u64().unwrap()))
            .collect();
        assert_eq!(told, [(&*first, 0), (&*second, 1), (&*third, 2)], "{word}");
        assert!(steps[1]["two_clocks"].as_bool().unwrap(), "{traced:?}");

        let arguments = [
            "tail", "--last", "1000", "--origin", "b", "--grep", "order:", "--count", "1",
        ];
        let tailed = at(node, &arguments).await;
        tailed.expect(0, &[]);
        assert_eq!(tailed.stdout.lines().count(), 1, "{tailed:?}");
        assert!(
            tailed.stdout.contains("audit") && tailed.stdout.contains("b→b"),
            "{tailed:?}"
        );
    }
}

#[tokio::test]
async fn any_node_shows_all_and_the_doctor_sees_who_is_gone() {
    let lab = Lab::default();
    let [a, b, mut c] = lab.three().await;
    let table = at(&b, &["top", "--once"]).await;
    table.expect(0, &["3 nodes"]);
    for name in ["a ", "b ", "c "] {
        let row = table.stdout.lines().find(|line| line.starts_with(name));
        assert!(
            row.is_some_and(|row| row.contains("alive") && row.contains("2/2")),
            "{table:?}"
        );
    }
    let mesh = ["node", "members", "links", "versions", "clocks", "mtu"];
    let of_mesh = |found: &[(String, String)], verdict: &str| -> Vec<String> {
        let found = found
            .iter()
            .filter(|(check, is)| mesh.contains(&check.as_str()) && is == verdict);
        found.map(|(check, _)| check.clone()).collect()
    };
    let found = verdicts(&a).await;
    assert_eq!(of_mesh(&found, "ok"), mesh, "{found:?}");

    c.kill().await;
    eventually("the doctor misses the node that is gone", async || {
        let found = verdicts(&a).await;
        (of_mesh(&found, "warning") == ["members"]).then_some(())
    })
    .await;
    eventually("top shows that it is gone", async || {
        let table = at(&a, &["top", "--once"]).await;
        let row = table.stdout.lines().find(|line| line.starts_with("c "))?;
        row.contains("down").then_some(())
    })
    .await;
}
