//! A participant: a node of ours embedded in a test program, in a process of its own, that publishes and subscribes as
//! it is told and records all it does in a history.
//!
//! Where the program `bellwether` publishes over HTTP, which takes some thousand messages a second, a participant does
//! what an embedding program can.

mod order;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use bellwether::Instance;
use bellwether_history::Kind;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub use self::order::{Answer, Feed, Heard, Latency, Load, MemberSeen, Order, Published, Reading, Setup};
use crate::deadline::{eventually, patiently, soon};
use crate::log::Log;
use crate::net::Net;
use crate::program;
use crate::recorder::Recorder;

/// A running participant. It is killed when dropped.
#[derive(Debug)]
pub struct Participant {
    setup: Setup,
    epoch: u64,
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    driver: Recorder,
    log: Log,
}

impl Participant {
    /// Starts one, in its host of the net if there is one. What the test does to it goes to the driver's history.
    pub(crate) fn start(setup: Setup, net: Option<&Net>, driver: Recorder, log: Log) -> Self {
        let program = program::beside_the_test("participant");
        let mut command = match net {
            Some(net) => net.program(&setup.name, program),
            None => Command::new(program),
        };
        command.arg(serde_json::to_string(&setup).expect("a setup can be written as JSON"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log.stdio());
        let mut child = program::start(&mut command);
        let orders = child.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        Self {
            setup,
            epoch: 0,
            child,
            orders,
            answers,
            driver,
            log,
        }
    }

    /// Waits until it says that it has started.
    pub(crate) async fn started(mut self) -> Self {
        match self.answer().await {
            Answer::Started { epoch } => self.epoch = epoch,
            other => panic!("{} begins with {other:?}", self.name()),
        }
        self
    }

    /// Starts it again after its end, as it was.
    pub async fn restart(self, net: Option<&Net>) -> Self {
        Self::start(self.setup, net, self.driver, self.log).started().await
    }

    /// Its node's name.
    pub fn name(&self) -> &str {
        &self.setup.name
    }

    /// The number of its run.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.setup.listen
    }

    /// The log of its node.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Does what is ordered.
    pub async fn order(&mut self, order: &Order) -> Answer {
        let mut line = serde_json::to_vec(order).expect("an order can be written as JSON");
        line.push(b'\n');
        let written = self.orders.write_all(&line).await;
        written.unwrap_or_else(|err| panic!("{} hears no {order:?}: {err}: {}", self.name(), self.log.text()));
        self.answer().await
    }

    /// Subscribes, and gives the number of the subscription.
    pub async fn subscribe(&mut self, instance: Instance, pattern: &str) -> u64 {
        match self.order(&Order::Subscribe(instance, pattern.to_owned())).await {
            Answer::Subscribed { sub, .. } => sub,
            other => panic!("{} answers {other:?}", self.name()),
        }
    }

    /// Ends a subscription.
    pub async fn unsubscribe(&mut self, sub: u64) {
        self.order(&Order::Unsubscribe(sub)).await;
    }

    /// Reads a subscription in another way from now on.
    pub async fn read(&mut self, sub: u64, reading: Reading) {
        self.order(&Order::Read(sub, reading)).await;
    }

    /// Begins to publish.
    pub async fn publish(&mut self, load: Load) {
        self.order(&Order::Publish(load)).await;
    }

    /// How far the load of an instance is.
    pub async fn progress(&mut self, instance: Instance) -> Published {
        self.published(Order::Progress(instance)).await
    }

    /// Ends the load of an instance.
    pub async fn hush(&mut self, instance: Instance) -> Published {
        self.published(Order::Hush(instance)).await
    }

    /// Waits for the end of the load of an instance.
    pub async fn all_published(&mut self, instance: Instance) -> Published {
        let what = format!("{} has published all on {instance}", self.name());
        patiently(&what, async || {
            let published = self.progress(instance).await;
            published.is_over.then_some(published)
        })
        .await
    }

    async fn published(&mut self, order: Order) -> Published {
        match self.order(&order).await {
            Answer::Published(published) => published,
            other => panic!("{} answers {other:?}", self.name()),
        }
    }

    /// What a subscription has got.
    pub async fn heard(&mut self, sub: u64) -> Heard {
        match self.order(&Order::Hear(sub)).await {
            Answer::Heard(heard) => heard,
            other => panic!("{} answers {other:?}", self.name()),
        }
    }

    /// How late it came since this was asked the last time.
    pub async fn latency(&mut self, sub: u64) -> Latency {
        match self.order(&Order::Latency(sub)).await {
            Answer::Latency(latency) => latency,
            other => panic!("{} answers {other:?}", self.name()),
        }
    }

    /// Waits until a subscription has got a node's feed as far as this, or was told that it will not.
    pub async fn heard_until(&mut self, sub: u64, origin: &str, seq: u64) -> Feed {
        let what = format!("{} hears {origin} as far as {seq}", self.name());
        patiently(&what, async || {
            let feed = self.heard(sub).await.of(origin);
            (feed.last_seq >= seq).then_some(feed)
        })
        .await
    }

    /// Who is there.
    pub async fn members(&mut self) -> Vec<MemberSeen> {
        match self.order(&Order::Members).await {
            Answer::Members(members) => members,
            other => panic!("{} answers {other:?}", self.name()),
        }
    }

    /// Waits until it has a link from and to these runs of nodes, itself among them, and to no other.
    pub async fn sees(&mut self, wanted: &[(String, u64)]) {
        let what = format!("{} sees {wanted:?}", self.name());
        eventually(&what, async || {
            let members = self.members().await;
            let linked = members.into_iter().filter(|member| member.is_linked);
            let linked: Vec<(String, u64)> = linked.map(|member| (member.node, member.epoch)).collect();
            (linked == wanted).then_some(())
        })
        .await;
    }

    /// Waits until it takes a node for down, or for not down.
    pub async fn takes_for_down(&mut self, node: &str, is_down: bool) {
        let what = format!(
            "{} takes {node} for {}",
            self.name(),
            if is_down { "down" } else { "alive" }
        );
        eventually(&what, async || {
            let members = self.members().await;
            let member = members.into_iter().find(|member| member.node == node);
            member.is_some_and(|member| member.is_down == is_down).then_some(())
        })
        .await;
    }

    /// Records the memory in use: bytes, and the bound.
    pub async fn memory(&mut self) -> (u64, u64) {
        match self.order(&Order::Memory).await {
            Answer::Memory { value, bound } => (value, bound),
            other => panic!("{} answers {other:?}", self.name()),
        }
    }

    /// Stops it from running until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it run again.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it.
    pub async fn kill(&mut self) {
        self.at().write(Kind::Kill {});
        self.signal(Signal::KILL);
        let _ = soon("a killed participant ends", self.child.wait()).await;
        self.at().write(Kind::Exit { code: None });
    }

    /// Asks it to stop, as service managers do; it must end well.
    pub async fn terminate(&mut self) {
        self.signal(Signal::TERM);
        let ended = soon("a participant ends", self.child.wait()).await;
        let code = ended.expect("a child can be waited for").code();
        self.at().write(Kind::Exit { code });
        assert_eq!(code, Some(0), "{}: {}", self.name(), self.log.text());
    }

    fn signal(&self, signal: Signal) {
        program::signal(&self.child, signal);
    }

    /// The driver's history, for what is done to this run.
    fn at(&self) -> Recorder {
        self.driver.of(self.name(), self.epoch)
    }

    async fn answer(&mut self) -> Answer {
        let what = format!("{} answers", self.name());
        let line = soon(&what, self.answers.next_line())
            .await
            .expect("answers can be read");
        let line = line.unwrap_or_else(|| panic!("{} has ended: {}", self.name(), self.log.text()));
        serde_json::from_str(&line).unwrap_or_else(|err| panic!("{} answers {line}: {err}", self.name()))
    }
}

/// Where the data of a participant is.
pub(crate) fn data(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join(format!("{name}.data"))
}
