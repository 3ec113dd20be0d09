//! The routes of topics: remembered, or found by the matcher. No subscription is there, so nothing else is done.

use bellwether_message::Batch;
use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    // More topics than are remembered: every one is forgotten before it comes again.
    for (name, topics) in [("1 topic", 1), ("1,000 topics", 1_000), ("new topics", 131_072)] {
        meter.step("route", name, || {
            let broker = sample::receiving_broker();
            let slot = broker.attach(sample::writer(), true);
            let drafts = (0..topics.max(sample::BATCH)).map(|n| sample::draft_on(sample::topic(n % topics), 128));
            let feed = sample::feed(drafts);
            let feed: Vec<Batch> = feed.chunks(sample::BATCH).filter_map(Batch::copied).collect();
            let mut at = 0;
            move |watch| {
                let batch = &feed[at];
                watch.time(|| {
                    broker.deliver(slot, sample::INSTANCE, batch);
                    batch.len()
                });
                at = (at + 1) % feed.len();
            }
        });
    }
}
