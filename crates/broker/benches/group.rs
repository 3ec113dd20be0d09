//! Groups: a batch of another node's messages is delivered to all that match, be it one or a hundred.

use bellwether_broker::Subscription;
use bellwether_message::Batch;
use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    for groups in [1, 100] {
        for batch in [64, 256] {
            meter.step("deliver", &format!("{batch} to {groups}"), || {
                let broker = sample::receiving_broker();
                // Different patterns, so that each has a ring of its own.
                let subscribe = |n| {
                    let patterns = [sample::pattern("orders:*"), sample::pattern(&format!("other:{n}"))];
                    broker.subscribe(sample::INSTANCE, patterns).expect("a subscription")
                };
                let mut subscriptions: Vec<Subscription> = (0..groups).map(subscribe).collect();
                let slot = broker.attach(sample::writer(), true);
                let feed = Batch::copied(&sample::feed(vec![sample::draft(128); batch])).expect("messages");
                move |watch| {
                    watch.time(|| {
                        broker.deliver(slot, sample::INSTANCE, &feed);
                        batch
                    });
                    let read: usize = subscriptions.iter_mut().map(sample::drain).sum();
                    assert_eq!(read, batch * groups);
                }
            });
        }
    }
}
