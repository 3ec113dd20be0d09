//! Subscriptions: publishing to one, and reading what waits.

use bellwether_broker::Subscription;
use bellwether_message::Batch;
use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        meter.step("publish", name, || {
            let (broker, draft) = (sample::writing_broker(), sample::draft(bytes));
            let mut subscription = sample::subscribe(&broker);
            move |watch| {
                watch.time(|| {
                    for _ in 0..sample::BATCH {
                        broker.publish(sample::INSTANCE, &draft).expect("published");
                    }
                    sample::BATCH
                });
                assert_eq!(sample::drain(&mut subscription), sample::BATCH);
            }
        });
    }
    for readers in [1, 8] {
        meter.step("read", &format!("group of {readers}"), || {
            let broker = sample::receiving_broker();
            let mut group: Vec<Subscription> = (0..readers).map(|_| sample::subscribe(&broker)).collect();
            let slot = broker.attach(sample::writer(), true);
            let feed = Batch::copied(&sample::feed(vec![sample::draft(128); sample::BATCH])).expect("messages");
            move |watch| {
                broker.deliver(slot, sample::INSTANCE, &feed);
                watch.time(|| group.iter_mut().map(sample::drain).sum());
            }
        });
    }
}
