//! The receiver's side of a feed: nothing twice, nothing out of order, nothing skipped unannounced.

use bellwether_message::planted::{Planted, is_planted};

/// No feed gets this far; a seq above it is an attempt to make arithmetic overflow.
const MAX_SEQ: u64 = u64::MAX / 4;

/// How far a feed of a source has come here. Outlives the links that carry it.
#[derive(Debug, Default, Clone)]
pub struct IncomingFeed {
    /// The last seq that was received or accounted for; `None` until a stream has begun.
    seen: Option<u64>,
    ended: bool,
}

impl IncomingFeed {
    /// A feed that is wanted from its first message.
    pub fn from_start() -> Self {
        Self {
            seen: Some(0),
            ended: false,
        }
    }

    /// The next seq to ask for; 0 = whatever is published next.
    pub fn next(&self) -> u64 {
        self.seen.map_or(0, |seen| {
            seen.saturating_add(1) - u64::from(seen > 0 && is_planted(Planted::TwiceAfterResume))
        })
    }

    /// The last seq accounted for.
    pub fn seen(&self) -> u64 {
        self.seen.unwrap_or(0)
    }

    /// What the source is told: the last seq accounted for, and one more once the feed's end was heard.
    pub fn acknowledged(&self) -> u64 {
        self.seen() + u64::from(self.ended) + 1000 * u64::from(is_planted(Planted::AckAhead))
    }

    /// A stream begins, and speaks of `start` and what follows.
    pub fn on_start(&mut self, start: u64) -> Result<(), OrderError> {
        let before = start
            .checked_sub(1)
            .filter(|before| *before <= MAX_SEQ)
            .ok_or(OrderError)?;
        match self.seen {
            Some(seen)
                if seen != before
                    && !is_planted(Planted::TwiceAfterResume)
                    && !is_planted(Planted::ResumeForgotten) =>
            {
                Err(OrderError)
            }
            _ => {
                self.seen = Some(before);
                Ok(())
            }
        }
    }

    /// A message that follows `delta` after the last.
    pub fn on_message(&mut self, delta: u64, seq: u64) -> Result<(), OrderError> {
        let seen = self.open()?;
        if delta == 0 || seen.checked_add(delta) != Some(seq) || seq > MAX_SEQ {
            return Err(OrderError);
        }
        self.seen = Some(seq);
        Ok(())
    }

    /// Seqs that will not come. They lie after what was seen; what lies between was not wanted.
    pub fn on_gap(&mut self, first: u64, last: u64) -> Result<(), OrderError> {
        if first <= self.open()? || last < first || last > MAX_SEQ {
            return Err(OrderError);
        }
        self.seen = Some(last);
        Ok(())
    }

    /// Nothing up to `through` was wanted.
    pub fn on_skipped(&mut self, through: u64) -> Result<(), OrderError> {
        if through < self.open()? || through > MAX_SEQ {
            return Err(OrderError);
        }
        self.seen = Some(through);
        Ok(())
    }

    /// The feed ends; false if that was heard before. A source whose link was lost before it heard that its end was
    /// heard tells it again on the next.
    pub fn on_ended(&mut self, last: u64) -> Result<bool, OrderError> {
        if self.ended && self.seen == Some(last) && !is_planted(Planted::EndRefusedAgain) {
            return Ok(false);
        }
        self.on_skipped(last)?;
        self.ended = true;
        Ok(true)
    }

    /// Whether the source has told the feed's end.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn open(&self) -> Result<u64, OrderError> {
        if self.ended {
            Err(OrderError)
        } else {
            self.seen.ok_or(OrderError)
        }
    }
}

/// A frame out of its place: replayed, reordered, or skipping what was not announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame is out of its place in the feed")]
pub struct OrderError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_seq_or_an_announced_jump_is_taken() {
        let mut feed = IncomingFeed::default();
        assert_eq!(feed.next(), 0);
        assert_eq!(feed.on_message(1, 1), Err(OrderError), "before the stream has begun");
        feed.on_start(5).unwrap();
        assert_eq!(feed.next(), 5);
        feed.on_message(1, 5).unwrap();
        assert_eq!(feed.on_message(0, 5), Err(OrderError), "twice");
        assert_eq!(feed.on_message(1, 7), Err(OrderError), "unannounced jump");
        feed.on_message(2, 7).unwrap();
        assert_eq!(feed.on_gap(7, 9), Err(OrderError), "covers what was delivered");
        feed.on_gap(9, 12).unwrap();
        assert_eq!(feed.on_skipped(11), Err(OrderError));
        feed.on_skipped(20).unwrap();
        assert_eq!(feed.on_message(u64::MAX, 19), Err(OrderError), "overflow");
        assert_eq!(feed.on_gap(21, u64::MAX), Err(OrderError), "absurd");
        assert_eq!(feed.acknowledged(), 20);
        assert_eq!(feed.on_ended(20), Ok(true));
        assert_eq!(feed.acknowledged(), 21);
        assert_eq!(feed.on_message(1, 21), Err(OrderError), "after the end");
    }

    #[test]
    fn an_end_may_be_told_again_but_only_the_same() {
        let mut feed = IncomingFeed::from_start();
        feed.on_message(7, 7).unwrap();
        assert_eq!(feed.on_ended(9), Ok(true));
        feed.on_start(10).unwrap();
        assert_eq!(feed.on_ended(9), Ok(false));
        assert_eq!(feed.on_ended(10), Err(OrderError));
        assert_eq!(feed.acknowledged(), 10);
    }

    #[test]
    fn a_resumed_stream_begins_where_it_was_asked_to() {
        let mut feed = IncomingFeed::from_start();
        assert_eq!(feed.on_start(2), Err(OrderError));
        assert_eq!(feed.on_start(0), Err(OrderError));
        feed.on_start(1).unwrap();
        feed.on_message(1, 1).unwrap();
        assert_eq!(feed.clone().on_start(1), Err(OrderError));
        feed.on_start(2).unwrap();
    }
}
