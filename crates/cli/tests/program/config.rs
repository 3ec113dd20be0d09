use std::fs;

use tempfile::TempDir;

use crate::program::run::{Run, bellwether, run};

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_nearest_key() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bellwether.toml");
    fs::write(&file, "name = \"a\"\nlisen = \"127.0.0.1:7400\"\n").unwrap();
    for command in ["check", "show"] {
        let run = run(&["config", command, "--config", file.to_str().unwrap()]);
        assert_eq!(run.code, Some(2));
        assert!(
            run.stderr
                .contains("bellwether.toml:2: unknown key `lisen`; did you mean `listen`?"),
            "{run:?}"
        );
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn flags_are_stronger_than_the_environment_and_that_than_the_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bellwether.toml");
    fs::write(
        &file,
        "name = \"of-file\"\ncluster = \"of-file\"\nlisten = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let mut command = bellwether(&["config", "show", "--name", "of-flag"]);
    command.env("BELLWETHER_CONFIG", &file);
    command.env("BELLWETHER_NAME", "of-variable");
    command.env("BELLWETHER_CLUSTER", "of-variable");
    let shown = Run::of(&mut command);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for line in [
        "name = \"of-flag\"",
        "cluster = \"of-variable\"",
        "listen = \"127.0.0.1:1\"",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {shown:?}");
    }
}

#[test]
fn a_secret_is_checked_and_never_shown() {
    let secret = run(&["secret", "new"]).stdout.trim().to_owned();
    let with = |command: &str, secret: &str| Run::of(bellwether(&["config", command]).env("SECRET_KEY_BASE", secret));
    assert_eq!(with("check", &secret).stdout, "ok\n");
    let shown = with("show", &secret);
    assert!(shown.stdout.contains("# secrets: 1"), "{shown:?}");
    assert!(!shown.stdout.contains(&secret));

    let short = with("check", "too-short-to-be-one");
    assert_eq!(short.code, Some(2));
    assert!(
        short.stderr.contains("SECRET_KEY_BASE") && !short.stderr.contains("too-short"),
        "{short:?}"
    );
}

#[test]
fn the_example_is_a_configuration() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bellwether.toml");
    fs::write(&file, run(&["config", "show", "--example"]).stdout).unwrap();
    let checked = run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert_eq!(
        (checked.code, checked.stdout.as_str()),
        (Some(0), "ok\n"),
        "{}",
        checked.stderr
    );
}

#[test]
fn a_log_filter_that_is_none_is_wrong_usage() {
    let run = Run::of(bellwether(&["secret", "new"]).env("BELLWETHER_LOG", "info,=x=y"));
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("BELLWETHER_LOG"), "{run:?}");
}
