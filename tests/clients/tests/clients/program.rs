//! Running a program of `programs/` with what `scripts/install-clients` has installed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

/// A program that takes longer hangs.
const WITHIN: Duration = Duration::from_secs(60);

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

/// Where the programs are.
pub(crate) fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs")
}

/// Where `scripts/install-clients` puts what it installs.
pub(crate) fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("installed")
}
