//! The sealer: one encoding and one signature per message.

use bellwether_meter::{Meter, sample};

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        meter.step("sign", name, || {
            let (sealer, draft) = (sample::sealer(), sample::draft(bytes));
            let mut sealed = Vec::with_capacity(sample::BATCH);
            move |watch| {
                watch.time(|| {
                    sealed.extend((1..=sample::BATCH as u64).map(|seq| sample::seal(&sealer, &draft, seq)));
                    sealed.len()
                });
                sealed.clear();
            }
        });
    }
}
