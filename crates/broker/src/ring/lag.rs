//! What cursors have missed that fell behind at the same item.

use bellwether_message::Instance;

use crate::delivery::{Delivery, EpochEnded, Gap, GapCause};

/// What the cursors of one lag have missed since they fell behind.
#[derive(Debug)]
pub(super) struct Lag {
    pub(super) cursors: usize,
    pub(super) feeds: Vec<Missed>,
}

/// The same of one feed.
#[derive(Debug, Clone)]
pub(super) struct Missed {
    pub(super) gap: Gap,
    pub(super) ended: Option<EpochEnded>,
}

impl Lag {
    /// What so many cursors miss, which have missed nothing yet.
    pub(super) fn of(cursors: usize) -> Self {
        let feeds = Vec::new();
        Self { cursors, feeds }
    }

    /// They miss an item.
    pub(super) fn miss(&mut self, item: &Delivery, instance: Instance) {
        let (source, first, last, count, exact, ended) = match item {
            Delivery::Message(envelope) => (envelope.source(), envelope.seq(), envelope.seq(), 1, true, None),
            Delivery::Gap(gap) => (&gap.source, gap.first, gap.last, gap.count, gap.exact, None),
            Delivery::EpochEnded(ended) => (&ended.source, ended.last_seq, ended.last_seq, 0, true, Some(ended)),
            // Never in a ring: a replay ends before its subscription begins to read.
            Delivery::Live(_) => return,
        };
        let known = self.feeds.iter_mut().find(|missed| missed.gap.source == *source);
        match known {
            Some(missed) => {
                if missed.gap.count == 0 {
                    missed.gap.first = first;
                }
                missed.gap.last = missed.gap.last.max(last);
                missed.gap.count = missed.gap.count.saturating_add(count);
                missed.gap.exact &= exact;
                missed.ended = ended.cloned().or(missed.ended.take());
            }
            None => self.feeds.push(Missed {
                gap: Gap {
                    source: source.clone(),
                    instance,
                    first,
                    last,
                    count,
                    exact,
                    cause: GapCause::SlowSubscriber,
                },
                ended: ended.cloned(),
            }),
        }
    }
}
