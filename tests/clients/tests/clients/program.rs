//! Running a program of `programs/` with what `scripts/install-clients` has installed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// A program that takes longer hangs.
const WITHIN: Duration = Duration::from_secs(60);
/// One that has the test do something meanwhile. The browser shares two cores with the nodes.
const CONVERSES_WITHIN: Duration = Duration::from_secs(150);

/// Runs a Python program of `programs/` to its end.
pub(crate) async fn python(name: &str, arguments: &[&str]) {
    run(&installed().join("python/bin/python"), name, arguments).await;
}

/// Runs a JavaScript program of `programs/` in Node.js to its end.
pub(crate) async fn node_js(name: &str, arguments: &[&str]) {
    run(Path::new("node"), name, arguments).await;
}

async fn run(interpreter: &Path, name: &str, arguments: &[&str]) {
    let mut command = Command::new(interpreter);
    command.arg(programs().join(name)).args(arguments).kill_on_drop(true);
    // Modules are looked for beside the program and above it; ours are elsewhere.
    command.env("BELLWETHER_NODE_MODULES", installed().join("node/node_modules"));
    let ran = tokio::time::timeout(WITHIN, command.output()).await;
    let output = ran
        .unwrap_or_else(|_| panic!("{name} did not end within {} s", WITHIN.as_secs()))
        .unwrap_or_else(|err| {
            panic!(
                "{} cannot be started ({err}): run scripts/install-clients",
                interpreter.display()
            )
        });
    assert!(
        output.status.success(),
        "{name} {}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a JavaScript program of `programs/` to its end, which has the test `act`: a line that it writes is a verb and
/// the name of a node, and is answered once that is done; after `say:` a line is for people. Its pictures are kept in
/// `target/screenshots`.
pub(crate) async fn converse(name: &str, arguments: &[String], mut act: impl AsyncFnMut(&str, &str)) {
    let mut command = Command::new("node");
    command.arg(programs().join(name)).args(arguments);
    command.env("BELLWETHER_NODE_MODULES", installed().join("node/node_modules"));
    command.env("BELLWETHER_SCREENSHOTS", target().join("screenshots"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("Node.js is installed");
    let mut input = child.stdin.take().expect("its input is a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is a pipe")).lines();
    let conversation = async {
        while let Some(line) = lines.next_line().await.expect("it speaks UTF-8") {
            match line.split_once(' ') {
                Some(("say:", words)) => println!("{name}: {words}"),
                Some((verb, node)) => {
                    act(verb, node).await;
                    input.write_all(b"done\n").await.expect("it listens");
                }
                None => panic!("{name} says: {line}"),
            }
        }
        child.wait().await.expect("it can be waited for")
    };
    let ended = tokio::time::timeout(CONVERSES_WITHIN, conversation).await;
    let status = ended.unwrap_or_else(|_| panic!("{name} did not end within {} s", CONVERSES_WITHIN.as_secs()));
    assert!(status.success(), "{name}: {status}");
}

/// What is built and made, of which nothing is kept in the repository.
pub(crate) fn target() -> &'static Path {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("it is in the target folder")
}

/// Where the programs are.
pub(crate) fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs")
}

/// Where `scripts/install-clients` puts what it installs.
pub(crate) fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("installed")
}
