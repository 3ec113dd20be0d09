use crate::program::run::run;

#[test]
fn every_secret_is_new_and_long_enough() {
    let (one, other) = (run(&["secret", "new"]), run(&["secret", "new"]));
    for secret in [&one, &other] {
        assert_eq!(secret.code, Some(0));
        assert!(secret.stdout.trim_end().len() >= 32, "{secret:?}");
        assert_eq!(secret.stdout.lines().count(), 1);
        assert_eq!(secret.stderr, "");
    }
    assert_ne!(one.stdout, other.stdout);
}

#[test]
fn what_is_malformed_is_told_before_anything_is_dialed() {
    for (arguments, hint) in [
        (
            &["pub", "alrts", "system_alerts:critical", "x"][..],
            "did you mean `alerts`",
        ),
        (&["pub", "alerts", "system_alerts::critical", "x"], "level 2 is empty"),
        (&["pub", "alerts", "system_alerts:*", "x"], "a topic names every level"),
        (&["say", "helth", "NodeHealth"], "did you mean `health`"),
        (&["broadcast", "health_updates"], "did you mean `health_update`?"),
        (
            &["catalogue", "node_helth_updated"],
            "did you mean `node_health_updated`?",
        ),
        (&["sub", "alerts", "a:"], "level 2 is empty"),
        (
            &["thresholds", "set", "x", "--metric", "m", "--max"],
            "give `warning`, `critical` or both",
        ),
        (&["sub", "alert", "a"], "did you mean `alerts`"),
        (&["--node", "127.0.0.1", "members"], "http://127.0.0.1:7480"),
        (&["start", "--seed", "nowhere"], "the port is missing"),
        (&["start", "--name", "A_b"], "--name"),
        (&["start", "--seed", "127.0.0.1:7400"], "bellwether secret new"),
    ] {
        let run = run(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(hint), "{arguments:?}: {run:?}");
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn without_a_node_every_client_command_says_how_to_get_one() {
    let closed = crate::program::fake_node::FakeNode::bind().url;
    for arguments in [
        &["members"][..],
        &["instances"],
        &["subscribers"],
        &["sub", "alerts", "*"],
        &["tail"],
        &["trace", "7"],
        &["top"],
        &["pub", "alerts", "a", "x"],
        &["pub", "alerts", "a", "--lines", "/dev/null"],
        &["say", "health", "NodeHealth"],
        &["broadcast", "health_update"],
        &["broadcast", "--batch", "/dev/null"],
        &["integration", "status"],
        &["integration", "disable"],
        &["request", "events", "a", "x"],
        &["reply", "events", "a", "x"],
        &["alerts"],
        &["ack", "7"],
        &["thresholds"],
        &["thresholds", "remove", "x"],
        &["thresholds", "set", "x", "--metric", "m", "--max", "--warning", "1"],
    ] {
        let run = run(&[&["--node", &closed], arguments].concat());
        assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
        assert!(
            run.stderr
                .starts_with(&format!("error: cannot reach a node at {closed}: ")),
            "{run:?}"
        );
        assert!(run.stderr.contains("bellwether start"), "{run:?}");
    }
}

#[test]
fn a_payload_file_that_is_missing_is_named() {
    let run = run(&["pub", "events", "a", "@/nowhere/order.json"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("cannot read /nowhere/order.json"), "{run:?}");
}
