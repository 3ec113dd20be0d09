use std::path::Path;

use crate::program::fake_node::{FakeNode, accept, answer, request};
use crate::program::run::{Run, bellwether};

/// Runs it with its configuration in this folder.
fn run(folder: &Path, arguments: &[&str]) -> Run {
    Run::of(bellwether(arguments).env("XDG_CONFIG_HOME", folder))
}

fn added(folder: &Path, name: &str, rest: &[&str]) {
    let run = run(folder, &[&["context", "add", name], rest].concat());
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
}

#[test]
fn a_context_is_added_shown_selected_and_removed_and_its_token_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |arguments: &[&str]| run(folder, arguments);
    let none = run(&["context", "show"]);
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.contains("no context is selected"), "{none:?}");

    added(
        folder,
        "prod",
        &[
            "--node",
            "https://node.example",
            "--token",
            "s3cret",
            "--description",
            "the real one",
        ],
    );
    added(
        folder,
        "test",
        &[
            "--node",
            "unix:/run/test.sock",
            "--token-file",
            "/run/token",
            "--ca",
            "/ca.pem",
        ],
    );
    assert_eq!(run(&["context", "select", "prod"]).code, Some(0));
    let mut shown = Vec::new();
    for arguments in [
        &["context", "list"][..],
        &["context", "list", "--format", "json"],
        &["context", "show"],
        &["context", "show", "prod", "--format", "json"],
        &["context", "show", "test"],
        &["context", "validate"],
    ] {
        let run = run(arguments);
        assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
        shown.push(run.stdout);
    }
    let list: Vec<serde_json::Value> = serde_json::from_str(&shown[1]).unwrap();
    assert_eq!(
        (&list[0]["context"], &list[0]["selected"]),
        (&"prod".into(), &true.into())
    );
    assert_eq!(
        (&list[1]["context"], &list[1]["selected"]),
        (&"test".into(), &false.into())
    );
    assert_eq!(list[1]["node"], "unix:/run/test.sock");
    assert!(
        shown[0].contains("the real one") && shown[0].contains("https://node.example:7480"),
        "{}",
        shown[0]
    );
    assert!(shown[2].contains("identity     token"), "{}", shown[2]);
    assert!(shown[4].contains("identity     /run/token"), "{}", shown[4]);

    assert_eq!(run(&["context", "remove", "prod"]).code, Some(0));
    let gone = run(&["context", "select", "prod"]);
    assert!(
        gone.stderr.contains("there is no context `prod`") && gone.stderr.contains("There are: test."),
        "{gone:?}"
    );
    assert_eq!(
        run(&["context", "list", "--format", "json"])
            .stdout
            .matches("true")
            .count(),
        0
    );
}

#[test]
fn the_selected_context_says_which_node_and_who_we_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let token = folder.join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let node = FakeNode::bind();
    added(
        folder,
        "here",
        &["--node", &node.url, "--token-file", token.to_str().unwrap()],
    );
    assert_eq!(run(folder, &["context", "select", "here"]).code, Some(0));
    let playing = node.play(|listener| {
        let mut seen = Vec::new();
        for _ in 0..3 {
            let mut connection = accept(listener);
            seen.push(request(&mut connection).unwrap());
            answer(&mut connection, "200 OK", "[]");
        }
        seen
    });
    assert_eq!(run(folder, &["members", "--format", "json"]).stdout, "[]\n");
    assert_eq!(
        run(folder, &["members", "--token", "other", "--format", "json"]).code,
        Some(0)
    );
    let valid = run(folder, &["context", "validate", "--connect"]);
    assert_eq!(
        (valid.code, valid.stdout.as_str()),
        (Some(0), "here: ok\n"),
        "{valid:?}"
    );
    let seen = playing.join().unwrap();
    let tokens: Vec<_> = seen.iter().map(|request| request.authorization.as_deref()).collect();
    assert_eq!(
        tokens,
        [Some("Bearer s3cret"), Some("Bearer other"), Some("Bearer s3cret")]
    );
}

#[test]
fn what_is_wrong_with_a_context_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    added(
        folder,
        "a",
        &["--node", "http://127.0.0.1", "--token-file", "/nowhere/token"],
    );
    let run_here = |arguments: &[&str]| run(folder, arguments);
    let wrong = run_here(&["context", "validate"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.stdout.starts_with("a: cannot read /nowhere/token"), "{wrong:?}");
    let used = run_here(&["--context", "a", "members"]);
    assert!(
        used.stderr.contains("the token file /nowhere/token cannot be read"),
        "{used:?}"
    );
    let unknown = run_here(&["--context", "b", "members"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("there is no context `b`"), "{unknown:?}");
    let clear = run_here(&["--node", "http://192.0.2.1", "--token", "s3cret", "members"]);
    assert_eq!(clear.code, Some(1));
    assert!(
        clear.stderr.contains("use https://") && !clear.stderr.contains("s3cret"),
        "{clear:?}"
    );
}
