//! The sealer: one encoding and one signature per message.

use bellwether_message::Segment;
use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        meter.step("sign", name, || {
            let (sealer, draft) = (sample::sealer(), sample::draft(bytes));
            let (mut sealed, mut segment) = (Vec::with_capacity(sample::BATCH), Segment::default());
            move |watch| {
                watch.time(|| {
                    let seqs = 1..=sample::BATCH as u64;
                    sealed.extend(seqs.map(|seq| sample::seal(&sealer, &draft, seq, &mut segment)));
                    sealed.len()
                });
                sealed.clear();
            }
        });
    }
}
