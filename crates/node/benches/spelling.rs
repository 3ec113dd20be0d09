//! Spellings: what every publish pays for them.

use std::hint::black_box;

use bellwether::Instance;
use bellwether::catalogue::spelling::canonical_topic;
use bellwether_meter::Meter;

const ROUND: usize = 1_000;

pub(crate) fn measure(meter: &mut Meter) {
    for (case, instance, topic) in [
        ("no alias of events", Instance::Events, "orders:eu-west:4711:updated"),
        ("no alias of health", Instance::Health, "component_health"),
        ("an alias", Instance::Health, "cluster_health"),
    ] {
        meter.step("spelling", case, || {
            let topic = bellwether::Topic::new(topic).unwrap_or_else(|err| panic!("{err}"));
            move |watch| {
                watch.time(|| {
                    for _ in 0..ROUND {
                        black_box(canonical_topic(instance, black_box(&topic)));
                    }
                    ROUND
                });
            }
        });
    }
}
