//! Publishing and reading in turns.

use std::time::{Duration, Instant};

use bellwether_broker::Subscription;
use bellwether_message::Instance;

use super::scene::{Scene, Stage, read};
use super::{BATCH, Figures, PASS};

pub(super) fn pass(scene: &Scene) -> anyhow::Result<Figures> {
    let Stage {
        broker,
        mut draft,
        topics,
        mut subscriptions,
    } = scene.stage()?;
    let mut topics = topics.iter().enumerate().cycle();
    let (mut published, mut delivered) = (0_u64, 0_u64);
    let mut publishing = Duration::ZERO;
    let mut reached = Vec::with_capacity(BATCH);
    let began = Instant::now();
    while began.elapsed() < PASS {
        reached.clear();
        let batch_began = Instant::now();
        for (index, topic) in topics.by_ref().take(BATCH) {
            draft.topic = topic.clone();
            broker.publish(Instance::Events, &draft)?;
            reached.push(index);
        }
        publishing += batch_began.elapsed();
        published += reached.len() as u64;
        delivered += match scene.is_sparse() {
            true => read_each(&mut subscriptions, &reached)?,
            false => read(&mut subscriptions)?,
        };
    }
    let elapsed = began.elapsed();
    scene.check(published, delivered)?;
    Ok(Figures {
        publishes_per_s: published as f64 / elapsed.as_secs_f64(),
        publish_ns: publishing.as_nanos() as f64 / published as f64,
    })
}

fn read_each(subscriptions: &mut [Subscription], places: &[usize]) -> anyhow::Result<u64> {
    places
        .iter()
        .map(|place| read(&mut subscriptions[*place..=*place]))
        .sum()
}
