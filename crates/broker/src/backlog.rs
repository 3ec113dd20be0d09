//! The retained tail of one feed.

use std::collections::VecDeque;
use std::time::Duration;

use bellwether_message::Envelope;
use bellwether_message::planted::{Planted, is_planted};

use crate::InstanceSettings;

/// The newest messages of a feed, bounded in messages, bytes and age; the oldest go first.
///
/// Seqs are consecutive, so a seq is an index. Time is what the broker was last told, not a clock of its own.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    kept: VecDeque<Kept>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    envelope: Envelope,
    at: Duration,
}

impl Backlog {
    /// Adds the next message of the feed and evicts what the bounds no longer allow. The newest always stays.
    pub(crate) fn push(&mut self, envelope: Envelope, now: Duration, settings: &InstanceSettings) {
        self.bytes += envelope.cost();
        self.kept.push_back(Kept { envelope, at: now });
        while self.kept.len() > 1
            && !is_planted(Planted::BacklogUnbounded)
            && (self.kept.len() > settings.backlog_messages || self.bytes > settings.backlog_bytes)
        {
            self.evict();
        }
    }

    /// Evicts what is older than the bound.
    pub(crate) fn expire(&mut self, now: Duration, settings: &InstanceSettings) {
        while self
            .kept
            .front()
            .is_some_and(|kept| now.saturating_sub(kept.at) > settings.backlog_age)
        {
            self.evict();
        }
    }

    fn evict(&mut self) {
        if let Some(kept) = self.kept.pop_front() {
            self.bytes -= kept.envelope.cost();
        }
    }

    /// Seq of the oldest message kept, if any.
    pub(crate) fn first_seq(&self) -> Option<u64> {
        self.kept.front().map(|kept| kept.envelope.seq())
    }

    /// The messages from `seq` on, oldest first.
    pub(crate) fn starting_at(&self, seq: u64) -> impl Iterator<Item = &Envelope> {
        let skip = self.first_seq().map_or(0, |first| seq.saturating_sub(first));
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.kept.len());
        self.kept.range(skip..).map(|kept| &kept.envelope)
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellwether_message::{ContentType, Draft, Epoch, Instance, NodeId, Sealer, Segment, Source, Timestamp, Topic};

    use super::*;

    fn envelope(seq: u64) -> Envelope {
        let source = Arc::new(Source {
            node: NodeId::new("a").unwrap(),
            epoch: Epoch(1),
        });
        let sealer = Sealer::new("c", None, source, Instance::Events);
        let draft = Draft::new(Topic::new("t").unwrap(), "e").payload(ContentType::Bytes, vec![0; 100]);
        sealer
            .seal(
                sealer.absorb(&draft.payload),
                &draft,
                seq,
                Timestamp::from_millis(0),
                &mut Segment::default(),
            )
            .unwrap()
    }

    fn settings(messages: usize, bytes: usize) -> InstanceSettings {
        InstanceSettings {
            backlog_messages: messages,
            backlog_bytes: bytes,
            backlog_age: Duration::from_secs(10),
            ..InstanceSettings::default_for(Instance::Events)
        }
    }

    fn seqs(backlog: &Backlog, from: u64) -> Vec<u64> {
        backlog.starting_at(from).map(Envelope::seq).collect()
    }

    #[test]
    fn the_oldest_go_when_messages_or_bytes_exceed_the_bound() {
        let mut backlog = Backlog::default();
        (1..=5).for_each(|seq| backlog.push(envelope(seq), Duration::ZERO, &settings(3, usize::MAX)));
        assert_eq!(seqs(&backlog, 0), [3, 4, 5]);
        assert_eq!(seqs(&backlog, 4), [4, 5]);
        assert_eq!(seqs(&backlog, 6), [] as [u64; 0]);
        let two = envelope(1).cost() * 2;
        backlog.push(envelope(6), Duration::ZERO, &settings(3, two));
        assert_eq!(seqs(&backlog, 0), [5, 6]);
        assert_eq!(backlog.bytes(), two);
        backlog.push(envelope(7), Duration::ZERO, &settings(3, 1));
        assert_eq!(seqs(&backlog, 0), [7], "the newest stays whatever its size");
    }

    #[test]
    fn the_old_go_with_time() {
        let mut backlog = Backlog::default();
        let settings = settings(9, usize::MAX);
        backlog.push(envelope(1), Duration::from_secs(0), &settings);
        backlog.push(envelope(2), Duration::from_secs(5), &settings);
        backlog.expire(Duration::from_secs(11), &settings);
        assert_eq!(seqs(&backlog, 0), [2]);
        backlog.expire(Duration::from_secs(16), &settings);
        assert_eq!(backlog.len(), 0);
        assert_eq!(backlog.bytes(), 0);
    }
}
