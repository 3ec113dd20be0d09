//! The backlog: a message is published, and nobody here wants it.

use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        meter.step("append", name, || {
            let (broker, draft) = (sample::writing_broker(), sample::draft(bytes));
            move |watch| {
                watch.time(|| {
                    for _ in 0..sample::BATCH {
                        broker.publish(sample::INSTANCE, &draft).expect("published");
                    }
                    sample::BATCH
                });
            }
        });
    }
}
