//! The opener: verifies what a sealer signed.

use bellwether_message::BatchBuilder;
use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        meter.step("verify", name, || {
            let mut opener = sample::opener();
            let feed = sample::feed(vec![sample::draft(bytes); sample::BATCH]);
            let mut batch = BatchBuilder::new(sample::writer());
            move |watch| {
                let mut batches = Vec::new();
                watch.time(|| {
                    for envelope in &feed {
                        let body = envelope.body();
                        batch.push(opener.open(body).expect("a signed body"), body);
                        if batch.is_full() {
                            batches.extend(batch.finish());
                        }
                    }
                    batches.extend(batch.finish());
                    feed.len()
                });
            }
        });
    }
}
