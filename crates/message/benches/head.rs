//! The head: every field but the payload.

use std::hint::black_box;

use bellwether_message::{Epoch, Head, Timestamp, codec};
use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    meter.step("encode", "head", || {
        let draft = sample::draft(0);
        let mut out = Vec::with_capacity(1024);
        move |watch| {
            watch.time(|| {
                for seq in 0..sample::BATCH as u64 {
                    let head = Head::new(black_box(&draft), seq, Epoch(1_000), Timestamp::from_millis(9_000_000));
                    out.clear();
                    codec::encode_into(&head, &mut out).expect("a head");
                    black_box(&out);
                }
                sample::BATCH
            });
        }
    });
    meter.step("decode", "head", || {
        let envelopes = sample::feed(vec![sample::draft(0); sample::BATCH]);
        move |watch| {
            watch.time(|| {
                envelopes.iter().for_each(|envelope| {
                    black_box(envelope.head());
                });
                envelopes.len()
            });
        }
    });
}
