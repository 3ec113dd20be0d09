//! The publisher: one load on one instance, at an even pace.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bellwether::{Draft, MessageId, Node, PublishWaitingError, Topic};
use bellwether_history::Kind;
use bellwether_tests::clock::now_ns;
use bellwether_tests::participant::{Load, Published};
use bellwether_tests::{Recorder, fingerprint};
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep};

/// Between two bursts.
const TICK: Duration = Duration::from_millis(2);
/// Messages of one burst, when the publisher is behind its pace.
const BURST: u64 = 256;
/// A publisher that waits for room gives a message up after so long.
const ROOM_WITHIN: Duration = Duration::from_secs(30);
/// Calls are numbered over all loads of a run.
static CALLS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(crate) struct Publisher {
    published: Arc<Mutex<Published>>,
    is_hushed: Arc<AtomicBool>,
    task: Option<JoinHandle<()>>,
}

impl Publisher {
    pub(crate) fn start(node: Node, recorder: Recorder, load: Load) -> anyhow::Result<Self> {
        let published = Arc::new(Mutex::new(Published {
            count: 0,
            last_seq: 0,
            is_over: false,
        }));
        let is_hushed = Arc::new(AtomicBool::new(false));
        let work = Work {
            node,
            recorder,
            topic: Topic::new(&load.topic)?,
            load,
            published: published.clone(),
            is_hushed: is_hushed.clone(),
        };
        Ok(Self {
            published,
            is_hushed,
            task: Some(tokio::spawn(work.run())),
        })
    }

    pub(crate) fn published(&self) -> Published {
        *self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes no more.
    pub(crate) async fn hush(&mut self) -> Published {
        self.is_hushed.store(true, Ordering::Relaxed);
        if let Some(task) = self.task.take() {
            task.await.expect("a publisher does not panic");
        }
        self.published()
    }
}

struct Work {
    node: Node,
    recorder: Recorder,
    topic: Topic,
    load: Load,
    published: Arc<Mutex<Published>>,
    is_hushed: Arc<AtomicBool>,
}

impl Work {
    async fn run(self) {
        let began = now_ns();
        let mut done = 0;
        while done < self.load.count && !self.is_hushed.load(Ordering::Relaxed) {
            let elapsed = u128::from(now_ns() - began);
            let due = elapsed * u128::from(self.load.rate) / 1_000_000_000;
            let due = u64::try_from(due).unwrap_or(u64::MAX).min(self.load.count);
            let burst = (due - done).min(BURST);
            if !self.burst(burst).await {
                break;
            }
            done += burst;
            sleep(TICK).await;
        }
        self.change(|published| published.is_over = true);
    }

    /// Gives whether all of it was published: a node that stops publishes nothing.
    async fn burst(&self, count: u64) -> bool {
        let drafts: Vec<(u64, Draft)> = (0..count).map(|_| self.draft()).collect();
        for (call, draft) in &drafts {
            let hash = fingerprint(&draft.payload);
            let topic = self.load.topic.as_str();
            self.recorder
                .note(Kind::publish_call(*call, self.load.instance, topic, hash));
        }
        self.recorder.flush();
        let mut is_done = true;
        for (call, draft) in drafts {
            match publish(&self.node, &self.load, &draft).await {
                Ok(id) => {
                    self.recorder.note(Kind::PublishAck { call, seq: id.seq });
                    self.change(|published| {
                        published.count += 1;
                        published.last_seq = id.seq;
                    });
                }
                Err(err) => {
                    let error = err.to_string();
                    self.recorder.note(Kind::PublishFail { call, error });
                    is_done = false;
                }
            }
        }
        self.recorder.flush();
        is_done
    }

    /// It begins with its number and the time, which no other payload of this run has.
    fn draft(&self) -> (u64, Draft) {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let mut payload = format!("{call:016x}{:016x}", now_ns());
        payload.extend(std::iter::repeat_n('x', self.load.bytes.saturating_sub(payload.len())));
        let draft = Draft::new(self.topic.clone(), "scenario").text(payload);
        (call, draft)
    }

    fn change(&self, change: impl FnOnce(&mut Published)) {
        change(&mut self.published.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The one place that publishes.
async fn publish(node: &Node, load: &Load, draft: &Draft) -> Result<MessageId, PublishWaitingError> {
    if load.waits {
        node.publish_waiting(load.instance, draft, ROOM_WITHIN).await
    } else {
        Ok(node.publish(load.instance, draft)?)
    }
}

/// When a message of a publisher was published.
pub(crate) fn published_ns(payload: &[u8]) -> Option<u64> {
    let time = str::from_utf8(payload.get(16..32)?).ok()?;
    u64::from_str_radix(time, 16).ok()
}
