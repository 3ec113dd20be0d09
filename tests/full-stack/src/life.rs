//! Lives: one run of one node, with the publishers and subscribers on it.

use std::pin::Pin;
use std::time::Duration;

use bellwether::{Node, Stopped};
use bellwether_history::{Kind, Run};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::draw::Draw;
use crate::net::HostSockets;
use crate::plan::{NodePlan, PROBE_TOPIC, PROBES, SubscriptionPlan};
use crate::publisher::Publisher;
use crate::record::Record;
use crate::subscriber::{Pace, Subscriber};
use crate::watcher::Watcher;

/// Readers of a node that stopped have handed out everything after this time.
const READ_OUT_WITHIN: Duration = Duration::from_secs(1);

/// What is done when a node gives up, for the reason it gives.
pub type OnFailure = Box<dyn FnOnce(String) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// A run that is going on.
#[derive(Debug)]
pub struct Life {
    /// The node.
    pub node: Node,
    /// Its name and the number of the run.
    pub run: Run,
    /// Publishes in its name.
    pub publisher: Publisher,
    sockets: HostSockets,
    record: Record,
    watcher: Watcher,
    pace: watch::Sender<Pace>,
    /// How many subscriptions there are.
    open: watch::Sender<usize>,
    /// Publishers and watchers.
    tasks: JoinSet<()>,
    readers: JoinSet<()>,
}

impl Life {
    /// A run that has just begun, without anybody on it.
    pub fn new(node: Node, sockets: HostSockets, record: &Record) -> Self {
        let run = Run::new(node.id().as_str(), node.epoch().0);
        Self {
            watcher: Watcher::new(&node, &run, record),
            publisher: Publisher::new(&node, &run, record),
            record: record.clone(),
            node,
            run,
            sockets,
            pace: watch::Sender::new(Pace::Planned),
            open: watch::Sender::new(0),
            tasks: JoinSet::new(),
            readers: JoinSet::new(),
        }
    }

    /// Starts what is planned for the node: publishers, subscribers and the one that hears probes.
    pub fn inhabit(&mut self, plan: &NodePlan, seed: u64, load: &watch::Receiver<bool>) {
        self.record.of(&self.run, Kind::Start {});
        self.tasks.spawn(self.watcher.clone().run());
        for (index, planned) in plan.publishers.iter().enumerate() {
            let draw = Draw::of(seed, &format!("{}/{}/{index}", self.run.node, self.run.epoch));
            let publisher = self.publisher.clone();
            self.tasks.spawn(publisher.run(planned.clone(), draw, load.clone()));
        }
        let probes = SubscriptionPlan {
            instance: PROBES,
            patterns: vec![PROBE_TOPIC.to_owned()],
            after: Duration::ZERO,
            each: Duration::ZERO,
            stays: None,
        };
        for planned in plan.subscriptions.iter().cloned().chain([probes]) {
            let subscriber = Subscriber {
                node: self.node.clone(),
                run: self.run.clone(),
                record: self.record.clone(),
                watcher: self.watcher.clone(),
                pace: self.pace.subscribe(),
                open: self.open.clone(),
            };
            self.readers.spawn(subscriber.run(planned));
        }
    }

    /// Does something, on a task that outlives this run, when the node cannot go on.
    pub fn on_failure(&mut self, action: OnFailure) {
        let node = self.node.clone();
        self.tasks.spawn(async move {
            let reason = node.failed().await;
            drop(node);
            tokio::spawn(action(reason));
        });
    }

    /// Tells the readers how fast to read.
    pub fn set_pace(&self, pace: Pace) {
        self.pace.send_replace(pace);
    }

    /// Looks at the node's view of the mesh.
    pub fn look(&self) {
        self.watcher.look();
    }

    /// Writes down how full its queues are, with their bounds.
    pub fn measure(&self) {
        for info in self.node.instances() {
            let size = |what: &str, value: usize, bound: usize| Kind::Size {
                what: format!("{what} of {}", info.instance).into(),
                value: value as u64,
                bound: bound as u64,
            };
            let backlog = size(
                "messages in the backlog",
                info.backlog_messages,
                info.backlog_limit_messages,
            );
            self.record.of(&self.run, backlog);
            let mine = self.node.subscribers(Some(info.instance), None).into_iter();
            if let Some(longest) = mine.filter_map(|subscriber| subscriber.queue_messages).max() {
                let queue = size("messages in the longest queue", longest, info.queue_limit_messages);
                self.record.of(&self.run, queue);
            }
        }
    }

    /// Kills it: from now on nothing of it is heard, and nothing on it does anything.
    ///
    /// The node's tasks are then stopped behind its dead sockets, so that they take neither time nor memory.
    pub fn kill(mut self) {
        self.sockets.kill();
        self.tasks.abort_all();
        self.readers.abort_all();
        tokio::spawn(async move { self.node.shutdown().await });
    }

    /// Stops it in good order, under load: publishers go on until they are refused.
    pub async fn stop(mut self) -> Stopped {
        self.watcher.begin_stop();
        let stopped = self.node.shutdown().await;
        self.set_pace(Pace::Full);
        let mut open = self.open.subscribe();
        let read_out = open.wait_for(|open| *open == 0);
        if tokio::time::timeout(READ_OUT_WITHIN, read_out).await.is_err() {
            let words = format!("{} has stopped, and its subscriptions have not ended", self.run.node);
            self.record.violation(words);
        }
        self.readers.abort_all();
        // A node waits for those it takes for living, and names none that was away meanwhile, though it may be back.
        let mut unconfirmed = self.watcher.missed();
        unconfirmed.extend(stopped.unconfirmed.iter().map(ToString::to_string));
        let unconfirmed = unconfirmed.iter().map(|name| name.as_str().into()).collect();
        self.record.of(&self.run, Kind::Stop { unconfirmed });
        self.tasks.abort_all();
        // Whatever still held a socket would be heard after the node has stopped.
        self.sockets.kill();
        stopped
    }
}
