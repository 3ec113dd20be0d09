//! One thread publishes and reads for some subscriptions; another reads for the rest.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, yield_now};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use bellwether_broker::{Broker, Subscription};
use bellwether_message::{Draft, Instance, Topic};

use super::scene::{Scene, Stage, read};
use super::{BATCH, Figures, PASS};

/// Messages that the other thread may be behind: half of what a queue holds.
pub(crate) const WINDOW: u64 = 8_192;
/// Messages that the other thread lets come before it reads: to ask empty queues only holds up who fills them.
const READ_AT_ONCE: u64 = 2_048;

/// What the two tell each other.
#[derive(Default)]
struct Shared {
    published: AtomicU64,
    /// All before it have been read by the other thread.
    read: AtomicU64,
    is_over: AtomicBool,
}

pub(super) fn pass(scene: &Scene, own_percent: usize) -> anyhow::Result<Figures> {
    let Stage {
        broker,
        draft,
        topics,
        subscriptions: mut own,
    } = scene.stage()?;
    let mut others = own.split_off(own.len() * own_percent / 100);
    let shared = Shared::default();
    let began = Instant::now();
    let (publishing, delivered) = thread::scope(|scope| {
        let reader = scope.spawn(|| shared.read_others(&mut others));
        let published = shared.publish(&broker, draft, &topics, &mut own);
        shared.is_over.store(true, Ordering::Release);
        let read = reader.join().map_err(|_| anyhow!("the reading thread panicked"))??;
        let (publishing, delivered) = published?;
        anyhow::Ok((publishing, delivered + read))
    })?;
    let elapsed = began.elapsed();
    let published = shared.published.into_inner();
    scene.check(published, delivered)?;
    Ok(Figures {
        publishes_per_s: published as f64 / elapsed.as_secs_f64(),
        publish_ns: publishing.as_nanos() as f64 / published as f64,
    })
}

impl Shared {
    /// The time that publishing took, and what this thread has read.
    fn publish(
        &self,
        broker: &Broker,
        mut draft: Draft,
        topics: &[Topic],
        own: &mut [Subscription],
    ) -> anyhow::Result<(Duration, u64)> {
        let (mut publishing, mut delivered) = (Duration::ZERO, 0);
        let mut topics = topics.iter().cycle();
        let began = Instant::now();
        while began.elapsed() < PASS {
            let batch_began = Instant::now();
            for topic in topics.by_ref().take(BATCH) {
                draft.topic = topic.clone();
                broker.publish(Instance::Events, &draft)?;
            }
            publishing += batch_began.elapsed();
            let published = self.published.fetch_add(BATCH as u64, Ordering::Release) + BATCH as u64;
            delivered += read(own)?;
            while published - self.read.load(Ordering::Acquire) > WINDOW && began.elapsed() < PASS {
                yield_now();
            }
        }
        Ok((publishing, delivered))
    }

    /// Reads until all is over, and says how much.
    fn read_others(&self, others: &mut [Subscription]) -> anyhow::Result<u64> {
        let mut delivered = 0;
        loop {
            let is_over = self.is_over.load(Ordering::Acquire);
            let published = self.published.load(Ordering::Acquire);
            if !is_over && published - self.read.load(Ordering::Relaxed) < READ_AT_ONCE {
                yield_now();
                continue;
            }
            delivered += read(others)?;
            self.read.store(published, Ordering::Release);
            if is_over {
                return Ok(delivered);
            }
        }
    }
}
