//! The program under test: where it is, and running it to its end.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::deadline::soon;
use crate::net::Net;

/// A command of the program, without anything that this test's own environment says to it.
pub fn bellwether() -> Command {
    let mut command = Command::new(beside_the_test("bellwether"));
    prepare(&mut command);
    command
}

/// The same on a host of a net.
pub fn bellwether_at(net: &Net, host: &str) -> Command {
    let mut command = net.program(host, beside_the_test("bellwether"));
    prepare(&mut command);
    command
}

/// A line for the shell, as a user would type it: it finds `bellwether` by its name.
pub fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    prepare(&mut command);
    let folder = beside_the_test("bellwether")
        .parent()
        .map(PathBuf::from)
        .unwrap_or_default();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(folder).chain(std::env::split_paths(&paths));
    command.env(
        "PATH",
        std::env::join_paths(paths).expect("paths that were joined before"),
    );
    command
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` when a signal killed it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// Runs a command to its end.
    pub async fn of(command: &mut Command) -> Self {
        Self::reading(command, b"").await
    }

    /// Runs a command to its end, with this on its standard input.
    pub async fn reading(command: &mut Command, input: &[u8]) -> Self {
        let mut child = spawn(command.stdin(Stdio::piped()));
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A command that ends without reading its input closes it, which is no failure of the test.
        let feed = async move { stdin.write_all(input).await.ok() };
        let (finished, _) = tokio::join!(Self::from_child(child), feed);
        finished
    }

    /// Waits until a command that [`spawn`] has started ends.
    pub async fn from_child(child: Child) -> Self {
        let output = soon("the command ends", child.wait_with_output()).await;
        output.expect("the command's output can be read").into()
    }

    /// Panics unless it ended with this exit code and says all these words on standard error.
    pub fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for words in words {
            assert!(self.stderr.contains(words), "does not say `{words}`: {self:#?}");
        }
    }

    /// The last line of its standard output.
    pub fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Starts a command whose output is read later. It is killed when dropped.
pub fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    start(command)
}

/// Starts a command. It is killed when dropped.
pub(crate) fn start(command: &mut Command) -> Child {
    command.kill_on_drop(true);
    match command.spawn() {
        Ok(child) => child,
        Err(err) => panic!("cannot start {command:?}: {err}"),
    }
}

/// Sends a signal to a running command.
pub fn signal(child: &Child, signal: Signal) {
    let id = child.id().expect("a command that has not been waited for");
    let pid = i32::try_from(id)
        .ok()
        .and_then(Pid::from_raw)
        .expect("the system gives valid ids");
    kill_process(pid, signal).unwrap_or_else(|err| panic!("cannot send {signal:?} to {pid:?}: {err}"));
}

/// The exit code of a process that ended by itself.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| panic!("ended by a signal: {status}"))
}

/// Beside the folder of the running test: `target/debug/deps/<test>` belongs to `target/debug/bellwether`.
pub(crate) fn beside_the_test(program: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a file");
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let found = test.ancestors().skip(1).map(|folder| folder.join(&name));
    found.into_iter().find(|file| file.is_file()).unwrap_or_else(|| {
        panic!(
            "{program} is not built for {}: run `cargo build` with the same profile first",
            test.display()
        )
    })
}

fn prepare(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if is_ours(&name) {
            command.env_remove(name);
        }
    }
}

fn is_ours(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("BELLWETHER_") || name.starts_with("SECRET_KEY_BASE")
}
