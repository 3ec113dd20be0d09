use serde_json::Value;

use crate::program::node::RunningNode;
use crate::program::run::run;

#[test]
fn without_a_terminal_it_prints_one_table_and_ends() {
    let node = RunningNode::start();
    let ask = |more: &[&str]| run(&[&["--node", &node.url, "top"], more].concat());
    for (more, column, row) in [
        (&[][..], "PUBLISHED/s", "a "),
        (&["--view", "instances"], "BACKLOG", "alerts "),
        (&["--view", "subscribers", "--once"], "WAITING", "a "),
    ] {
        let table = ask(more);
        assert_eq!(table.code, Some(0), "{table:?}");
        let mut lines = table.stdout.lines();
        assert!(lines.next().unwrap().contains(column), "{table:?}");
        assert!(lines.any(|line| line.starts_with(row)), "{table:?}");
        assert!(!table.stdout.contains('\x1b'));
        // Rates are known: it has waited for two snapshots.
        assert!(
            table.stderr.starts_with("1 nodes, ") && !table.stderr.contains("- published"),
            "{table:?}"
        );
    }
    let json: Value = serde_json::from_str(&ask(&["--format", "json"]).stdout).unwrap();
    assert_eq!(
        (&json["snapshots"][0]["node"], &json["missing"]),
        (&"a".into(), &Value::Array(Vec::new()))
    );
}
