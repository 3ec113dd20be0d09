//! The sealer: one encoding and one signature per message.

use bellwether_message::BatchBuilder;
use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        meter.step("sign", name, || {
            let (sealer, draft) = (sample::sealer(), sample::draft(bytes));
            let mut batch = BatchBuilder::new(sample::writer());
            let mut seq = 0;
            move |watch| {
                let mut batches = Vec::new();
                watch.time(|| {
                    for _ in 0..sample::BATCH {
                        seq += 1;
                        let absorbed = sealer.absorb(&draft.payload);
                        sealer
                            .seal(absorbed, &draft, seq, sample::TIME, &mut batch)
                            .expect("a short head");
                        if batch.is_full() {
                            batches.extend(batch.finish());
                        }
                    }
                    sample::BATCH
                });
            }
        });
    }
}
