//! A scenario: participants, the faults that they are put to, and the history by which they are judged.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bellwether::Instance;
use bellwether_history::{Checker, Kind, Report, Rules, merge, read};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::chronicle::Chronicle;
use crate::lab::SECRET;
use crate::log::Log;
use crate::net::Net;
use crate::participant::{Load, Participant, Setup, data};
use crate::port;
use crate::process::Start;
use crate::recorder::Recorder;

/// Far more than any load of a scenario, so that only those that are about bounds meet them.
const BACKLOG_MESSAGES: usize = 1 << 20;
const QUEUE_MESSAGES: usize = 1 << 20;
const QUEUE_BYTES: usize = 512 * 1024 * 1024;
/// Two processes may stamp what follows on each other with one microsecond.
const CLOCK_TOLERANCE_MS: u64 = 1;
/// The driver's part of the history; each participant has one of its own.
const DRIVER: &str = "driver.jsonl";

/// Its folder goes when it is dropped, but not in a failing test, which says where its history is.
#[derive(Debug)]
pub struct Scenario {
    folder: TempDir,
    net: Option<Net>,
    driver: Recorder,
    faults: Mutex<Vec<(&'static str, Vec<String>)>>,
}

impl Scenario {
    /// With all nodes on the loopback interface.
    pub fn on_loopback() -> Self {
        Self::new(None)
    }

    /// With each node on a host of its own. `None` where the machine cannot; see [`Net::of`].
    pub fn on_hosts(hosts: &[&'static str]) -> Option<Self> {
        Some(Self::new(Some(Net::of(hosts)?)))
    }

    fn new(net: Option<Net>) -> Self {
        let folder = TempDir::with_prefix("bellwether-scenario-").expect("a temporary folder");
        let driver = Recorder::open(&folder.path().join(DRIVER), "driver", 0).expect("a file in a new folder");
        Self {
            folder,
            net,
            driver,
            faults: Mutex::default(),
        }
    }

    /// Nodes of these names that have met, with bounds that no load of a scenario reaches, except where `change` says
    /// otherwise.
    pub async fn nodes<const N: usize>(&self, names: [&str; N], change: impl Fn(&mut Setup)) -> [Participant; N] {
        let addresses: Vec<SocketAddr> = names.iter().map(|name| self.address(name)).collect();
        let start = |(index, name): (usize, &&str)| {
            let mut setup = self.setup(name, addresses[index], &addresses);
            change(&mut setup);
            Participant::start(setup, self.net.as_ref(), self.driver.clone(), self.log(name))
        };
        let starting: Vec<Participant> = names.iter().enumerate().map(start).collect();
        let mut nodes = Vec::new();
        for node in starting {
            nodes.push(node.started().await);
        }
        let Ok(mut nodes) = <[Participant; N]>::try_from(nodes) else {
            unreachable!("one was started for each name")
        };
        meet(&mut nodes).await;
        nodes
    }

    /// The program itself, to be started as a node of the same mesh.
    pub fn program(&self, name: &str) -> Start {
        Start::new(name, &data(self.folder.path(), name), self.log(name)).secret(SECRET)
    }

    /// Starts a node again that has ended.
    pub async fn restart(&self, node: Participant) -> Participant {
        node.restart(self.net.as_ref()).await
    }

    /// The net; there is one on hosts.
    pub fn net(&self) -> &Net {
        self.net.as_ref().expect("this scenario is on hosts")
    }

    /// Where files of the test may be.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// For what the test records of the program, to be judged with what participants record.
    pub fn chronicle(&self) -> Chronicle {
        Chronicle::new(self.driver.clone())
    }

    /// The log of the node of this name.
    pub fn log(&self, name: &str) -> Log {
        Log::new(self.folder.path().join(format!("{name}.log")))
    }

    /// Notes that all faults and loads are over, and all that is due has come.
    pub fn quiet(&self) {
        self.driver.write(Kind::Quiet {});
    }

    /// Notes a fault that begins, on these nodes.
    pub fn begin(&self, fault: &'static str, nodes: &[&str]) {
        let names: Vec<String> = nodes.iter().map(|node| (*node).to_owned()).collect();
        let nodes = nodes.iter().map(|node| (*node).into()).collect();
        self.driver.write(Kind::FaultBegin {
            fault: fault.into(),
            nodes,
        });
        self.faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((fault, names));
    }

    /// Notes that all faults are over.
    pub fn end(&self) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        for (fault, nodes) in faults.drain(..) {
            let nodes = nodes.iter().map(|node| node.as_str().into()).collect();
            self.driver.write(Kind::FaultEnd {
                fault: fault.into(),
                nodes,
            });
        }
    }

    /// Cuts the cable between two hosts.
    pub fn cut(&self, one: &str, other: &str) {
        self.begin("cut", &[one, other]);
        self.net().cut(one, other);
    }

    /// Cuts one direction of it.
    pub fn cut_one_way(&self, from: &str, to: &str) {
        self.begin("cut one way", &[from, to]);
        self.net().cut_one_way(from, to);
    }

    /// Cuts a host off from all others.
    pub fn isolate(&self, host: &str) {
        self.begin("isolation", &[host]);
        self.net().isolate(host);
    }

    /// Mends all cables.
    pub fn heal(&self) {
        self.net().heal();
        self.end();
    }

    /// Ends a scenario whose loads are over and have arrived: waits until all see all, has each node say something that
    /// each of these subscriptions to all of `load:*` on events must hear, stops all and judges.
    pub async fn finish<const N: usize>(&self, mut nodes: [Participant; N], subs: &[(usize, u64)]) -> Report {
        meet(&mut nodes).await;
        self.quiet();
        let mut probes = Vec::new();
        for node in &mut nodes {
            node.publish(Load {
                instance: Instance::Events,
                topic: "load:probe".to_owned(),
                count: 1,
                rate: 1000,
                waits: false,
                bytes: 32,
            })
            .await;
            let probe = node.all_published(Instance::Events).await;
            probes.push((node.name().to_owned(), probe.last_seq));
        }
        for (reader, sub) in subs {
            for (origin, seq) in &probes {
                nodes[*reader].heard_until(*sub, origin, *seq).await;
            }
        }
        for node in &mut nodes {
            node.memory().await;
        }
        let mut stopping = JoinSet::new();
        for mut node in nodes {
            stopping.spawn(async move { node.terminate().await });
        }
        stopping.join_all().await;
        self.judge()
    }

    /// What the checker says of the history. Panics when something was promised and not kept.
    pub fn judge(&self) -> Report {
        self.driver.flush();
        let files = std::fs::read_dir(self.folder.path()).expect("the folder is there");
        let mut parts: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        parts.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        parts.sort();
        let parts = parts
            .iter()
            .map(|path| read(path).unwrap_or_else(|err| panic!("{err:?}")));
        let rules = Rules {
            clock_tolerance: Duration::from_millis(CLOCK_TOLERANCE_MS),
            ..Rules::default()
        };
        let judged = Checker::new(rules).check(&merge(parts.collect()));
        judged.unwrap_or_else(|broken| panic!("the history of this scenario breaks promises:\n{broken}"))
    }

    fn setup(&self, name: &str, listen: SocketAddr, all: &[SocketAddr]) -> Setup {
        let folder = self.folder.path();
        Setup {
            name: name.to_owned(),
            listen,
            seeds: all.iter().copied().filter(|address| *address != listen).collect(),
            data: data(folder, name),
            history: folder.join(format!("{name}.jsonl")),
            backlog_messages: BACKLOG_MESSAGES,
            queue_messages: QUEUE_MESSAGES,
            queue_bytes: QUEUE_BYTES,
        }
    }

    fn address(&self, name: &str) -> SocketAddr {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        match &self.net {
            Some(net) => net.address(name),
            None => (loopback, port::free_on(&[loopback])).into(),
        }
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            let folder = self.folder.path();
            eprintln!(
                "--- the history and the logs of this scenario are in {}",
                folder.display()
            );
            eprintln!(
                "--- judge it again: cargo run -p bellwether-history --bin check-history -- \
                 --tolerance-ms {CLOCK_TOLERANCE_MS} {}/*.jsonl",
                folder.display()
            );
        }
    }
}

/// Waits until each sees the newest run of each.
pub async fn meet(nodes: &mut [Participant]) {
    let runs = nodes.iter().map(|node| (node.name().to_owned(), node.epoch()));
    let mut runs: Vec<(String, u64)> = runs.collect();
    runs.sort();
    for node in nodes {
        node.sees(&runs).await;
    }
}
