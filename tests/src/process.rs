//! A process: one running node, started with the real program.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::process::Signal;
use serde::Deserialize;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::client::Client;
use crate::deadline::{eventually, soon};
use crate::log::Log;
use crate::program::{self, Finished};

const ANY_PORT: &str = "127.0.0.1:0";
/// Lines of each node's log that follow a failed test.
const LOG_LINES: usize = 40;

/// A node that is to be started.
#[derive(Debug)]
#[must_use = "nothing is started yet"]
pub struct Start {
    name: String,
    command: Command,
    listen: String,
    http: String,
    log: Log,
}

impl Start {
    pub(crate) fn new(name: &str, data: &Path, log: Log) -> Self {
        let mut command = program::bellwether();
        command.args(["start", "--name", name, "--data-dir"]).arg(data);
        // What a test hears, somebody in it has said.
        command.env("BELLWETHER_INTEGRATION_ENABLED", "false");
        Self {
            name: name.to_owned(),
            command,
            listen: ANY_PORT.to_owned(),
            http: ANY_PORT.to_owned(),
            log,
        }
    }

    /// Where it listens for nodes.
    pub fn listen(mut self, address: impl ToString) -> Self {
        self.listen = address.to_string();
        self
    }

    /// Where it listens for clients.
    pub fn http(mut self, address: impl ToString) -> Self {
        self.http = address.to_string();
        self
    }

    /// It also listens for NATS clients.
    pub fn nats(self, address: impl ToString) -> Self {
        self.argument("--nats").argument(&address.to_string())
    }

    /// A seed, as it is typed.
    pub fn seed(self, address: impl ToString) -> Self {
        self.argument("--seed").argument(&address.to_string())
    }

    /// A secret, in place of the lab's.
    pub fn secret(mut self, secret: &str) -> Self {
        self.command.env("SECRET_KEY_BASE", secret);
        self
    }

    /// No secret at all.
    pub fn without_secret(mut self) -> Self {
        self.command.env_remove("SECRET_KEY_BASE");
        self
    }

    /// A node that tells of itself and of others, which nodes of tests do not.
    pub fn telling(self) -> Self {
        self.variable("BELLWETHER_INTEGRATION_ENABLED", "true")
    }

    /// A variable of its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// A further argument.
    pub fn argument(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// Starts it and waits until it says that it has. Where another process holds its port for a moment, it tries again.
    pub async fn start(mut self) -> Process {
        self.complete().stdin(Stdio::null()).stdout(Stdio::null());
        self.command.stderr(self.log.stdio());
        let mut earlier = self.log.text().len();
        let mut child = program::start(&mut self.command);
        let what = format!("{} starts", self.name);
        let (started, _) = eventually(&what, async || {
            let ended = child.try_wait().expect("a child can be asked");
            let text = self.log.text();
            let written = text.get(earlier..).unwrap_or_default();
            if let Some(ended) = ended {
                assert!(written.contains("already in use"), "{what}: {ended}: {written}");
                earlier = text.len();
                child = program::start(&mut self.command);
                return None;
            }
            written
                .lines()
                .find(|line| line.contains(" started "))
                .map(str::to_owned)
        })
        .await;
        Process {
            name: self.name,
            child,
            log: self.log,
            mesh: address(&started, "mesh=\""),
            http: address(&started, "http=\"http://"),
            nats: address(&started, "nats=\"nats://"),
        }
    }

    /// Starts it where that is expected to fail: runs it to its end.
    pub async fn fail(mut self) -> Finished {
        self.complete();
        Finished::of(&mut self.command).await
    }

    fn complete(&mut self) -> &mut Command {
        let Self {
            command, listen, http, ..
        } = self;
        command.args(["--listen", listen, "--http", http])
    }
}

/// The address that follows `label`; none where it says `off`.
fn address(line: &str, label: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(label)?;
    rest.split('"').next()?.parse().ok()
}

/// A running node. It is killed when dropped, and when that happens in a failing test, shows the end of its log.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: Log,
    mesh: Option<SocketAddr>,
    http: Option<SocketAddr>,
    nats: Option<SocketAddr>,
}

impl Process {
    /// The node's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where nodes reach it.
    pub fn mesh(&self) -> SocketAddr {
        self.mesh
            .unwrap_or_else(|| panic!("{} has no mesh: {}", self.name, self.log.text()))
    }

    /// Where clients reach it.
    pub fn http(&self) -> SocketAddr {
        self.http
            .unwrap_or_else(|| panic!("{} serves no clients: {}", self.name, self.log.text()))
    }

    /// Where NATS clients reach it.
    pub fn nats(&self) -> SocketAddr {
        self.nats
            .unwrap_or_else(|| panic!("{} serves no NATS clients: {}", self.name, self.log.text()))
    }

    /// What `--node` takes.
    pub fn url(&self) -> String {
        format!("http://{}", self.http())
    }

    /// The number of its run.
    pub async fn epoch(&self) -> u64 {
        let member = self.member(&self.name).await;
        member.expect("a node knows itself").epoch
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Its log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// A new connection to it.
    pub async fn client(&self) -> Client {
        Client::connect(self.http()).await
    }

    /// The membership as it sees it.
    pub async fn members(&self) -> Vec<Member> {
        self.client().await.list("/v1/members").await
    }

    /// What it says of one node; `None` if it knows none of that name.
    pub async fn member(&self, name: &str) -> Option<Member> {
        self.members().await.into_iter().find(|member| member.node == name)
    }

    /// Kills it as `kill -9` does, and gives the time at which it was gone.
    pub async fn kill(&mut self) -> Instant {
        self.signal(Signal::KILL);
        self.ended().await;
        Instant::now()
    }

    /// Asks it to stop, as service managers do, and gives its exit code.
    pub async fn terminate(&mut self) -> i32 {
        self.signal(Signal::TERM);
        program::code(self.ended().await)
    }

    /// Asks it to stop and does not wait.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Has it read its configuration again, as service managers do.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Waits until it ends by itself, and gives its exit code.
    pub async fn exit_code(&mut self) -> i32 {
        program::code(self.ended().await)
    }

    /// Stops it from running, as `kill -STOP` does, until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it run again.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        program::signal(&self.child, signal);
    }

    async fn ended(&mut self) -> ExitStatus {
        let ended = soon("the node ends", self.child.wait()).await;
        ended.expect("a child can be waited for")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let text = self.log.text();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.iter().skip(lines.len().saturating_sub(LOG_LINES));
            let last = last.copied().collect::<Vec<_>>().join("\n");
            eprintln!("--- the end of the log of {}\n{last}", self.name);
        }
    }
}

/// One row of a membership view.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The node's name.
    pub node: String,
    /// Its run.
    pub epoch: u64,
    /// Where nodes reach it.
    pub address: SocketAddr,
    /// `self`, `alive`, `suspect` or `down`.
    pub state: String,
    /// Whether its link to the node asked is up.
    #[serde(rename = "in")]
    pub inbound: bool,
    /// Whether the link of the node asked to it is up.
    #[serde(rename = "out")]
    pub outbound: bool,
    /// The version of its program.
    pub version: String,
}

impl Member {
    /// Whether it is alive and linked both ways.
    pub fn is_linked(&self) -> bool {
        (self.state == "alive" || self.state == "self") && self.inbound && self.outbound
    }
}
