//! The feed reader: the whole way in, from the bytes of a stream to the queue of a subscription.

use std::sync::Arc;

use bellwether_meter::{Meter, sample};
use bellwether_protocol::feed_reader::FeedReader;
use bellwether_protocol::incoming_feed::IncomingFeed;

use crate::stream::{Arrival, Stream};

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        for arrival in Arrival::ALL {
            meter.step("take", &format!("{name} {}", arrival.name()), || {
                let stream = Stream::new(bytes, arrival);
                let broker = sample::receiving_broker();
                let mut subscription = sample::subscribe(&broker);
                let (keys, sealer) = (Arc::new(sample::keys()), sample::sealer());
                let slot = broker.attach(sealer.source().clone(), true);
                let header = sealer.header().expect("a signed feed");
                let mut reader = FeedReader::begin(
                    header,
                    1,
                    (sample::CLUSTER, &keys),
                    (sealer.source(), slot),
                    &mut IncomingFeed::from_start(),
                )
                .expect("the feed's header");
                move |watch| {
                    let mut feed = IncomingFeed::from_start();
                    watch.time(|| {
                        reader
                            .take(stream.chunks.iter().cloned(), &mut feed, &broker)
                            .expect("verified");
                        stream.messages
                    });
                    assert_eq!(sample::drain(&mut subscription), stream.messages);
                }
            });
        }
    }
}
