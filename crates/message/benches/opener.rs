//! The opener: verifies what a sealer signed.

use bellwether_message::Envelope;
use bellwether_meter::{Meter, sample};
use bytes::Bytes;

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        meter.step("verify", name, || {
            let opener = sample::opener();
            let feed = sample::feed(vec![sample::draft(bytes); sample::BATCH]);
            let bodies: Vec<Bytes> = feed.iter().map(Envelope::body).cloned().collect();
            let mut opened = Vec::with_capacity(bodies.len());
            move |watch| {
                watch.time(|| {
                    let envelopes = bodies
                        .iter()
                        .map(|body| opener.open(body.clone()).expect("a signed body"));
                    opened.extend(envelopes);
                    opened.len()
                });
                opened.clear();
            }
        });
    }
}
