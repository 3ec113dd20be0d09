use serde_json::Value;

use crate::program::fake_node::{FakeNode, accept, answer, request};
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

#[test]
fn who_may_not_look_is_told_so() {
    let node = FakeNode::bind();
    let url = node.url.clone();
    let playing = node.play(|listener| {
        let mut connection = accept(listener);
        request(&mut connection).unwrap();
        answer(&mut connection, "200 OK", "[]");
        request(&mut connection).unwrap();
        let words = r#"{"reason":"denied","error":"web may not look at the node"}"#;
        answer(&mut connection, "403 Forbidden", words);
        connection
    });
    let refused = run(&["--node", &url, "top", "--once"]);
    playing.join().unwrap();
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:?}");
    assert!(refused.stderr.contains("web may not look at the node"), "{refused:?}");
}
