//! A talker: publishes over HTTP, at an even pace, and records what it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bellwether::Instance;
use bellwether_history::Kind;
use hyper::StatusCode;
use serde::Deserialize;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::participant::Published;
use crate::process::Process;
use crate::recorder::{Recorder, fingerprint};

/// Calls are numbered over all talkers of a test, which is more than one run needs.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Publishes until it is hushed or its node stops.
#[derive(Debug)]
pub struct Talker {
    is_hushed: Arc<AtomicBool>,
    task: JoinHandle<Published>,
}

impl Talker {
    /// Begins on a node.
    pub async fn begin(node: &Process, recorder: &Recorder, instance: Instance, topic: &str, every: Duration) -> Self {
        let (mut client, is_hushed) = (node.client().await, Arc::new(AtomicBool::new(false)));
        let recorder = recorder.of(node.name(), node.epoch().await);
        let (topic, hushed) = (topic.to_owned(), is_hushed.clone());
        let task = tokio::spawn(async move {
            let mut published = Published {
                count: 0,
                last_seq: 0,
                is_over: true,
            };
            let path = format!("/v1/publish/{instance}/{topic}?event=scenario");
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !hushed.load(Ordering::Relaxed) {
                ticks.tick().await;
                let call = CALLS.fetch_add(1, Ordering::Relaxed);
                let text = format!("message {call}");
                recorder.write(Kind::publish_call(
                    call,
                    instance,
                    topic.as_str(),
                    fingerprint(text.as_bytes()),
                ));
                // Without an answer, nobody knows whether it was published.
                let Some(answer) = client.try_post(&path, text).await else {
                    break;
                };
                if answer.status != StatusCode::OK {
                    let error = answer.body;
                    recorder.write(Kind::PublishFail { call, error });
                    break;
                }
                let seq = seq(&answer.parse::<Id>().id);
                recorder.write(Kind::PublishAck { call, seq });
                (published.count, published.last_seq) = (published.count + 1, seq);
            }
            published
        });
        Self { is_hushed, task }
    }

    /// Ends it, if it has not ended by itself.
    pub async fn hush(self) -> Published {
        self.is_hushed.store(true, Ordering::Relaxed);
        self.task.await.expect("a talker does not panic")
    }
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

fn seq(id: &str) -> u64 {
    let seq = id.rsplit('/').next().and_then(|seq| seq.parse().ok());
    seq.unwrap_or_else(|| panic!("no message id: {id}"))
}
