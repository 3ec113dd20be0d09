use std::collections::BTreeMap;

use serde_json::Value;

use crate::program::run::run;

#[test]
fn every_node_of_the_demo_receives_every_message() {
    let run = run(&["demo", "--for", "3s", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let mut received: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in run.stdout.lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        assert_eq!(message["signed"], true);
        let text = |key: &str| message[key].as_str().unwrap().to_owned();
        assert!(["a", "b", "c"].contains(&text("reporting_node").as_str()), "{line}");
        received.entry(text("id")).or_default().push(text("received_on"));
    }
    assert!(received.len() >= 3, "{run:?}");
    for (id, mut nodes) in received {
        nodes.sort();
        assert_eq!(nodes, ["a", "b", "c"], "{id}");
    }
    assert!(
        run.stderr.contains(" 0 missing") && run.stderr.contains("bellwether start --name a"),
        "{run:?}"
    );
}
