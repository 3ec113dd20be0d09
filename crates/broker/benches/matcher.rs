//! The matcher: which patterns match a topic.

use std::hint::black_box;

use bellwether_broker::matcher::Matcher;
use bellwether_message::Topic;
use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    for patterns in [10, 1_000, 100_000] {
        meter.step("match", &format!("{patterns} patterns"), || {
            let mut matcher = Matcher::<usize>::default();
            for n in 0..patterns {
                // Four kinds, so that every look-up also follows wildcards; a topic is matched by those of its number.
                let text = match n % 4 {
                    0 => format!("orders:eu-west:{n}:updated"),
                    1 => format!("orders:+:{n}:updated"),
                    2 => format!("orders:eu-west:{n}:*"),
                    _ => format!("orders:*:{n}:+"),
                };
                *matcher.entry(&sample::pattern(&text)) = n;
            }
            // Far from each other, so that what one look-up brought into the caches is no use to the next.
            let topics: Vec<Topic> = (0..1_024).map(|n| sample::topic(n * 7_919 % patterns)).collect();
            move |watch| {
                watch.time(|| {
                    for topic in &topics {
                        matcher.for_each_match(topic.as_str(), |found| {
                            black_box(found);
                        });
                    }
                    topics.len()
                });
            }
        });
    }
}
