use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::program::node::RunningNode;
use crate::program::run::{bellwether, run};

/// Publishes a message and gives its id.
fn publish(node: &RunningNode, instance: &str, correlation: Option<&str>, causation: Option<&str>) -> String {
    let mut arguments = vec!["--node", &node.url, "pub", instance, "step:done", r#"{"n":1}"#];
    for (flag, id) in [("--correlation-id", correlation), ("--causation-id", causation)] {
        arguments.extend(id.into_iter().flat_map(|id| [flag, id]));
    }
    let published = run(&arguments);
    assert_eq!(published.code, Some(0), "{published:?}");
    published.stdout.trim().to_owned()
}

#[test]
fn what_a_message_led_to_stands_below_it_whatever_was_asked_for() {
    let node = RunningNode::start();
    // The second of its feed: it is asked for behind the first.
    publish(&node, "events", None, None);
    let cause = publish(&node, "events", None, None);
    let effect = publish(&node, "audit", Some("order-7"), Some(&cause));
    let last = publish(&node, "metrics", Some("order-7"), Some(&effect));
    publish(&node, "metrics", Some("order-8"), None);
    for word in [&cause, &effect, &last, "order-7"] {
        let text = run(&["--node", &node.url, "trace", word]);
        assert_eq!(text.code, Some(0), "{text:?}");
        let lines: Vec<_> = text.stdout.lines().collect();
        assert_eq!(lines.len(), 4, "{text:?}");
        for (line, expected) in lines.iter().zip([
            "AFTER CAUSE".to_owned(),
            format!("a         {cause}  step:done  message  {{\"n\":1}}"),
            format!("a         └─ {effect}  "),
            format!("a            └─ {last}  "),
        ]) {
            assert!(line.contains(&expected), "{expected}: {text:?}");
        }
        let json = run(&["--node", &node.url, "trace", word, "--format", "json"]);
        let steps: Vec<Value> = json
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let told: Vec<_> = steps
            .iter()
            .map(|step| (&step["message"]["id"], &step["depth"]))
            .collect();
        assert_eq!(
            told,
            [
                (&Value::from(&*cause), &Value::from(0)),
                (&Value::from(&*effect), &Value::from(1)),
                (&Value::from(&*last), &Value::from(2))
            ]
        );
    }
    let narrow = run(&["--node", &node.url, "trace", "order-7", "--instance", "metrics"]);
    assert_eq!(narrow.stdout.lines().count(), 2, "{narrow:?}");
    assert!(
        narrow
            .stdout
            .contains(&format!("(caused by {effect}, which was not found)")),
        "{narrow:?}"
    );
    let bound = run(&["--node", &node.url, "trace", "order-7", "--count", "1"]);
    assert!(
        bound.stderr.contains("ended at 1 messages; there may be more"),
        "{bound:?}"
    );
}

#[test]
fn a_story_that_nobody_knows_is_told_with_a_way_out() {
    let node = RunningNode::start();
    for word in ["order-9", "events/a/1/7", "alerts/nobody/1/1"] {
        let nothing = run(&["--node", &node.url, "trace", word]);
        assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), ""), "{nothing:?}");
        assert!(
            nothing.stderr.contains(&format!("is or names `{word}`")) && nothing.stderr.contains("--follow"),
            "{nothing:?}"
        );
    }
}

#[test]
fn a_story_is_followed_as_it_goes_on() {
    let node = RunningNode::start();
    let cause = publish(&node, "events", Some("order-7"), None);
    let mut following = bellwether(&["--node", &node.url, "trace", "order-7", "--follow", "--count", "3"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(following.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(told.any(|line| line.starts_with("following what is published")));
    publish(&node, "events", Some("order-8"), None);
    let effect = publish(&node, "alerts", None, Some(&cause));
    let last = publish(&node, "alerts", None, Some(&effect));
    let lines: Vec<_> = BufReader::new(following.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .collect();
    assert_eq!(following.wait().unwrap().code(), Some(0));
    // Titles, the first, and what the mark says.
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(lines[1].contains(&cause), "{lines:?}");
    assert!(lines[3].contains(&format!("└─ {effect}")), "{lines:?}");
    assert!(lines[4].contains(&format!("   └─ {last}")), "{lines:?}");
    assert!(told.any(|line| line.starts_with("ended at 3 messages")));
}
