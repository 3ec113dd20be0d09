//! The outgoing feed: copies what the peer wants from the backlog into one buffer.

use bellwether_meter::{Meter, sample};
use bellwether_protocol::frame_buffer::FrameBuffer;
use bellwether_protocol::outgoing_feed::OutgoingFeed;

/// Enough for two fills.
const KEPT: u64 = 2_048;

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        meter.step("fill", name, || {
            let (broker, draft) = (sample::writing_broker(), sample::draft(bytes));
            for _ in 0..KEPT {
                broker.publish(sample::INSTANCE, &draft).expect("published");
            }
            let mut out = FrameBuffer::default();
            move |watch| {
                let mut feed = OutgoingFeed::new(sample::INSTANCE, 1, KEPT);
                feed.want_only(vec![(sample::pattern("orders:*"), 1, 1)], KEPT);
                let mut fill = || {
                    out.take();
                    let (_, messages) = feed.fill(&broker, &mut out).expect("a fill");
                    messages as usize
                };
                // The first also confirms the pattern and finds the topic's route.
                fill();
                watch.time(fill);
            }
        });
    }
}
