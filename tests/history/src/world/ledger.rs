//! Ledgers: what was published into one feed.

use bellwether_message::Instance;

use super::moment::{Clock, Moment};

/// The messages of one feed.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) node: usize,
    pub(crate) epoch: u64,
    pub(crate) instance: Instance,
    /// `None` if the history knows no such run.
    pub(crate) life: Option<usize>,
    /// Those whose seq is known, by seq.
    pub(crate) messages: Vec<Message>,
    /// Publishes whose seq nobody told: never acknowledged, nowhere delivered.
    pub(crate) unplaced: u64,
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) call: Moment,
    /// The latest call of this message and all before it in the feed: publishers race for seqs.
    pub(crate) latest: Moment,
    pub(crate) topic: usize,
    pub(crate) hash: u64,
    pub(crate) acked: bool,
}

impl Ledger {
    pub(crate) fn find(&self, seq: u64) -> Option<&Message> {
        // Without holes a message is at its seq.
        let guess = usize::try_from(seq.wrapping_sub(1)).ok()?;
        if let Some(message) = self.messages.get(guess).filter(|message| message.seq == seq) {
            return Some(message);
        }
        let found = self.messages.binary_search_by_key(&seq, |message| message.seq);
        found.ok().map(|index| &self.messages[index])
    }

    /// The highest seq that is known.
    pub(crate) fn head(&self) -> u64 {
        self.messages.last().map_or(0, |message| message.seq)
    }

    /// The highest seq that was acknowledged.
    pub(crate) fn acked_head(&self) -> u64 {
        let acked = self.messages.iter().rev().find(|message| message.acked);
        acked.map_or(0, |message| message.seq)
    }

    /// The first of the `matching` messages that was surely published after `since`, or raced with such a one.
    pub(crate) fn first_after(&self, matching: &[u32], since: Moment, clock: Clock) -> usize {
        matching.partition_point(|index| !clock.surely_before(since, self.messages[*index as usize].latest))
    }

    /// Orders the messages once all are known.
    pub(crate) fn settle(&mut self) {
        self.messages.sort_by_key(|message| message.seq);
        let mut latest: Option<Moment> = None;
        for message in &mut self.messages {
            let later = latest.filter(|latest| latest.at > message.call.at);
            message.latest = later.unwrap_or(message.call);
            latest = Some(message.latest);
        }
    }
}
