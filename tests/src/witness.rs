//! A witness: a client that subscribes over HTTP, or the program that does it, and records what comes.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bellwether::Instance;
use bellwether_history::Kind;
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;

use crate::deadline::{patiently, soon};
use crate::participant::{Feed, Heard};
use crate::process::Process;
use crate::program;
use crate::recorder::{Recorder, fingerprint};
use crate::stream::{Item, Message};

static SUBSCRIBED: AtomicU64 = AtomicU64::new(0);

/// One subscription, read as fast as it comes.
#[derive(Debug)]
pub struct Witness {
    notes: Notes,
    task: JoinHandle<()>,
    /// The program that subscribes, where it is one.
    program: Option<Child>,
}

impl Witness {
    /// A stream of this test itself.
    pub async fn stream(node: &Process, recorder: &Recorder, instance: Instance, pattern: &str) -> Self {
        let notes = Notes::call(node, recorder, instance, pattern).await;
        let client = node.client().await;
        let mut stream = client.subscribe(&[&format!("{instance}/{pattern}")]).await;
        assert_eq!(stream.live().0, stream.live().1, "{pattern} on {}", node.name());
        notes.begin();
        let reading = notes.clone();
        let task = tokio::spawn(async move {
            while let Some(item) = stream.next_patiently().await {
                reading.on_item(item);
            }
            reading.end();
        });
        Self {
            notes,
            task,
            program: None,
        }
    }

    /// `bellwether sub`, a process of its own.
    pub async fn program(node: &Process, recorder: &Recorder, instance: Instance, pattern: &str) -> Self {
        let notes = Notes::call(node, recorder, instance, pattern).await;
        let mut command = program::bellwether();
        command.args(["sub", instance.name(), pattern, "--no-reconnect", "--format", "json"]);
        command.args(["--node", &node.url()]).stdin(Stdio::null());
        let mut child = program::spawn(&mut command);
        let mut said = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        let first = soon("`sub` is live", said.next_line()).await.expect("lines of text");
        assert!(
            first.as_ref().is_some_and(|line| line.starts_with("subscribed, live")),
            "{first:?}"
        );
        notes.begin();
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).split(b'\n');
        let reading = notes.clone();
        let task = tokio::spawn(async move {
            while let Some(line) = lines.next_segment().await.expect("a pipe can be read") {
                reading.on_item(Item::parse(&line));
            }
            reading.end();
            drop(said);
        });
        Self {
            notes,
            task,
            program: Some(child),
        }
    }

    /// Stops the program from running until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it run again.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// What it has got of the newest run of a node.
    pub fn heard(&self, origin: &str) -> Feed {
        let feeds = self.notes.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let feeds = feeds.values().cloned().collect();
        Heard { feeds }.of(origin)
    }

    /// Waits until it has got a node's feed as far as this, or was told that it will not.
    pub async fn heard_until(&self, origin: &str, seq: u64) -> Feed {
        let what = format!("subscription {} hears {origin} as far as {seq}", self.notes.sub);
        patiently(&what, async || {
            let feed = self.heard(origin);
            (feed.last_seq >= seq).then_some(feed)
        })
        .await
    }

    /// Waits for the end that its node makes.
    pub async fn ended(self) {
        soon("the node ends the stream", self.task)
            .await
            .expect("a witness does not panic");
    }

    /// Wants no more.
    pub async fn leave(self) {
        let sub = self.notes.sub;
        self.notes.recorder.write(Kind::Unsubscribe { sub });
        self.task.abort();
        // It was aborted, which is no failure.
        let _ = self.task.await;
    }

    fn signal(&self, signal: Signal) {
        let program = self.program.as_ref().expect("only a program can be sent signals");
        program::signal(program, signal);
    }
}

/// What is known of the subscription, and where it is recorded.
#[derive(Debug, Clone)]
struct Notes {
    sub: u64,
    recorder: Recorder,
    feeds: Arc<Mutex<BTreeMap<(String, u64), Feed>>>,
}

impl Notes {
    async fn call(node: &Process, recorder: &Recorder, instance: Instance, pattern: &str) -> Self {
        // Unique in the history, as no two processes of a run have one id.
        let sub = u64::from(std::process::id()) << 16 | SUBSCRIBED.fetch_add(1, Ordering::Relaxed);
        let recorder = recorder.of(node.name(), node.epoch().await);
        recorder.write(Kind::subscribe_call(sub, instance, [pattern], "live"));
        Self {
            sub,
            recorder,
            feeds: Arc::default(),
        }
    }

    fn begin(&self) {
        let (sub, unconfirmed) = (self.sub, Vec::new());
        self.recorder.write(Kind::SubscribeOk { sub, unconfirmed });
    }

    fn end(&self) {
        self.recorder.write(Kind::StreamEnded { sub: self.sub });
    }

    fn on_item(&self, item: Item) {
        match item {
            Item::Message(message) => self.on_message(&message),
            Item::Gap(gap) => self.on_gap(&gap),
            Item::EpochEnded(end) => self.on_end(&end),
            Item::Subscribed { .. } | Item::Live(_) => {}
            Item::Error(reason) => panic!("nobody takes a witness its stream away: {reason}"),
        }
    }

    fn on_message(&self, message: &Message) {
        let (instance, origin, origin_epoch, seq) = message.id_parts();
        self.change(origin, origin_epoch, |feed| {
            feed.received += 1;
            feed.disordered += u64::from(seq <= feed.last_seq);
            feed.last_seq = seq;
        });
        self.recorder.note(Kind::Deliver {
            sub: self.sub,
            origin: origin.into(),
            origin_epoch,
            instance: instance.parse().expect("a node knows the instances"),
            seq,
            topic: message.topic.as_str().into(),
            hash: fingerprint(message.text().as_bytes()),
        });
    }

    fn on_gap(&self, gap: &Value) {
        let (origin, origin_epoch) = (text(gap, "node"), number(gap, "epoch"));
        let (first, last, count) = (number(gap, "first"), number(gap, "last"), number(gap, "count"));
        let cause = text(gap, "cause");
        self.change(origin, origin_epoch, |feed| {
            feed.gaps.push((first, last, count, cause.to_owned()));
            feed.disordered += u64::from(first <= feed.last_seq);
            feed.last_seq = last;
        });
        self.recorder.write(Kind::Gap {
            sub: self.sub,
            origin: origin.into(),
            origin_epoch,
            instance: text(gap, "instance").parse().expect("a node knows the instances"),
            first,
            last,
            count,
            exact: gap["exact"] == true,
            cause: cause.into(),
        });
    }

    fn on_end(&self, end: &Value) {
        let (origin, origin_epoch) = (text(end, "node"), number(end, "epoch"));
        self.change(origin, origin_epoch, |feed| feed.has_ended = true);
        self.recorder.write(Kind::EpochEnded {
            sub: self.sub,
            origin: origin.into(),
            origin_epoch,
            instance: text(end, "instance").parse().expect("a node knows the instances"),
            last_seq: number(end, "last_seq"),
            tail_unknown: end["tail_unknown"] == true,
        });
    }

    fn change(&self, origin: &str, epoch: u64, change: impl FnOnce(&mut Feed)) {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let feed = feeds.entry((origin.to_owned(), epoch)).or_insert_with(|| Feed {
            origin: origin.to_owned(),
            epoch,
            ..Feed::default()
        });
        change(feed);
    }
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field}: {value}"))
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_else(|| panic!("no {field}: {value}"))
}
