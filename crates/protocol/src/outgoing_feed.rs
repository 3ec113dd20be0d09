//! The sender's side of a feed on one link: a cursor over the backlog, and what the peer wants of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bellwether_broker::matcher::Matcher;
use bellwether_broker::{BatchTail, Broker, QueueSeat};
use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Instance, Pattern, SealError, Sealer};
use foldhash::fast::RandomState;

use crate::frame_buffer::FrameBuffer;
use crate::mark::Mark;

/// Bytes collected before they are handed to QUIC. Measured: 32–128 KiB cost a third of 2 KiB.
const BATCH_BYTES: usize = 64 * 1024;
/// Batches, of up to 16 KiB each, taken under one lock of the backlog.
const READ_BATCHES: usize = 8;
/// So many unwanted messages in a row are told to the peer, so that a resume need not go back over them.
const SKIP_MARK: u64 = 1024;
/// Topics whose answer is remembered; when full, all are forgotten.
const CACHED_TOPICS: usize = 8_192;
/// Messages looked at in one fill: a peer that wants little of a long backlog must not hold up the others.
const FILL_MESSAGES: u64 = 8_192;
/// No pattern wants the topic.
const UNWANTED: u64 = u64::MAX;

/// One instance's feed on its way to one peer. Lives as long as the link.
///
/// Every pattern has the seq from which it is live, so that no message is ever judged by newer interest than was
/// there when the cursor could first see it: resumed or not, the peer gets the same.
#[derive(Debug)]
pub struct OutgoingFeed {
    instance: Instance,
    /// What seals for the stream now, as the peer was told; `None` until it is asked for.
    sealer: Option<Arc<Sealer>>,
    /// The cursor: the next seq to look at.
    next: u64,
    /// The last seq the stream has told the peer about.
    told: u64,
    wants: HashMap<Pattern, Wanted>,
    matcher: Matcher<Vec<(Pattern, u64)>>,
    /// Topic → the lowest seq from which it is wanted.
    cache: HashMap<Box<[u8]>, u64, RandomState>,
    unconfirmed: Vec<Pattern>,
    /// How the peer takes part in queue groups; without one it is never chosen.
    seat: Option<QueueSeat>,
    /// The queue groups for which it does.
    queues: usize,
    scratch: Vec<BatchTail>,
    /// Whether the peer's whole interest was heard. Until then the cursor stands still: judged by a part of it,
    /// messages of an earlier link would be passed over.
    heard: bool,
    /// Whether the backlog was not read yet: what is gone from it then, went while no link was there.
    is_fresh: bool,
    /// The gap that was told last.
    lost: Option<(u64, u64)>,
    ending: bool,
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    added: u64,
    from: u64,
}

/// What a fill has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// The batch is full, or more was published meanwhile.
    More,
    /// All there is has been looked at.
    AllToldFor,
    /// And the end of the feed was told.
    Ended,
}

impl OutgoingFeed {
    /// A cursor at `next`; 0 = after `head`, the newest message.
    pub fn new(instance: Instance, next: u64, head: u64) -> Self {
        let next = if next == 0 || is_planted(Planted::ResumeForgotten) {
            head + 1
        } else {
            next.min(head + 1)
        };
        Self {
            instance,
            sealer: None,
            next,
            told: next - 1,
            wants: HashMap::new(),
            matcher: Matcher::default(),
            cache: HashMap::default(),
            unconfirmed: Vec::new(),
            seat: None,
            queues: 0,
            scratch: Vec::new(),
            heard: false,
            is_fresh: true,
            lost: None,
            ending: false,
        }
    }

    /// Lets the peer take part in queue groups.
    pub fn sit(&mut self, seat: QueueSeat) {
        self.seat = Some(seat);
    }

    /// What seals for the stream. Ask it for the header that the stream announces, before the first fill; when the broker's
    /// ring is replaced later, the next fill says so in the stream.
    pub fn sealer(&mut self, broker: &Broker) -> &Arc<Sealer> {
        self.sealer.get_or_insert_with(|| broker.sealer(self.instance))
    }

    /// Tells the peer of another key, if another signs now.
    fn follow_key(&mut self, broker: &Broker, out: &mut FrameBuffer) -> Result<Arc<Sealer>, SealError> {
        let current = broker.sealer(self.instance);
        let announced = self.sealer(broker);
        if let Some(key) = current.key().filter(|key| announced.key() != Some(*key)) {
            if !is_planted(Planted::NewKeyNotTold) {
                out.put_mark(&announced.seal_mark(&Mark::Key { key: key.0 })?);
            }
            self.sealer = Some(current.clone());
        }
        Ok(current)
    }

    /// The first seq the stream speaks of.
    pub fn start(&self) -> u64 {
        self.told + 1
    }

    /// The last seq the peer was told about: what it must acknowledge to have everything.
    pub fn told(&self) -> u64 {
        self.told
    }

    /// The next seq the cursor looks at.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Whether the peer was last told of this seq that it is gone.
    pub fn has_lost(&self, seq: u64) -> bool {
        self.lost.is_some_and(|(first, last)| (first..=last).contains(&seq))
    }

    /// Whether the peer wants every message on a topic.
    pub fn wants_topic(&self, topic: &str) -> bool {
        let mut wants = false;
        self.matcher.for_each_match(topic, |found| wants |= !found.is_empty());
        wants
    }

    /// Whether the peer wants anything.
    pub fn is_wanted(&self) -> bool {
        !self.wants.is_empty()
    }

    /// How many patterns the peer wants.
    pub fn wants(&self) -> usize {
        self.wants.len()
    }

    /// What the peer wants.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.wants.keys()
    }

    /// The peer wants a pattern, as version `added` of its interest says: from `from` on, where it was live before, or
    /// (0) from now on. `head` is the newest seq, read while this feed is held: what is published later is after it.
    pub fn want(&mut self, pattern: Pattern, added: u64, from: u64, head: u64) {
        if self.wants.get(&pattern).is_some_and(|wanted| wanted.added == added) {
            return;
        }
        self.forget(&pattern);
        let head = match (pattern.queue(), &self.seat) {
            // Chosen for what is published after it has joined.
            (Some(_), Some(seat)) => seat.join(&pattern),
            _ => head,
        };
        let from = if from == 0 || is_planted(Planted::LiveFromIgnored) {
            head + 1
        } else {
            from
        };
        match pattern.queue() {
            Some(_) => self.queues += 1,
            None => self.matcher.entry(&pattern).push((pattern.clone(), from)),
        }
        self.wants.insert(pattern.clone(), Wanted { added, from });
        self.unconfirmed.push(pattern);
        self.cache.clear();
    }

    /// The peer no longer wants a pattern.
    pub fn unwant(&mut self, pattern: &Pattern, added: u64) {
        if self.wants.get(pattern).is_some_and(|wanted| wanted.added == added) {
            self.forget(pattern);
            self.cache.clear();
        }
    }

    /// The peer wants these and nothing else: its first word on a link, and when it could not tell single changes.
    pub fn want_only(&mut self, wants: Vec<(Pattern, u64, u64)>, head: u64) {
        self.heard = true;
        let kept: HashSet<&Pattern> = wants.iter().map(|(pattern, ..)| pattern).collect();
        let gone: Vec<Pattern> = self
            .wants
            .keys()
            .filter(|known| !kept.contains(known))
            .cloned()
            .collect();
        gone.iter().for_each(|pattern| self.forget(pattern));
        self.cache.clear();
        for (pattern, added, from) in wants {
            self.want(pattern, added, from, head);
        }
    }

    /// The source stops: once everything is told, tell the end.
    pub fn end(&mut self) {
        self.ending = true;
    }

    /// Whether unwanted messages were looked at since the peer was told anything. Told after a while
    /// ([`skip`](Self::skip)), they are not asked for again by a resume when the backlog no longer has them.
    pub fn has_untold(&self) -> bool {
        self.is_wanted() && self.next - 1 > self.told
    }

    /// Tells how far nothing was wanted.
    pub fn skip(&mut self, broker: &Broker, out: &mut FrameBuffer) -> Result<(), SealError> {
        if self.has_untold() {
            let through = self.next - 1;
            let sealer = self.follow_key(broker, out)?;
            out.put_mark(&sealer.seal_mark(&Mark::Skipped { through })?);
            self.told = through;
        }
        Ok(())
    }

    /// Appends frames to `out`: confirmations, then messages that are wanted. Returns how far it came, and how many
    /// messages it appended.
    pub fn fill(&mut self, broker: &Broker, out: &mut FrameBuffer) -> Result<(Filled, u64), SealError> {
        let stop_at = self.next.saturating_add(FILL_MESSAGES);
        if !self.heard {
            return Ok((Filled::AllToldFor, 0));
        }
        let sealer = self.follow_key(broker, out)?;
        let sealer = &*sealer;
        for pattern in std::mem::take(&mut self.unconfirmed) {
            if let Some(wanted) = self.wants.get(&pattern) {
                let live = Mark::Live {
                    pattern: pattern.as_str(),
                    added: wanted.added,
                    from: wanted.from,
                };
                out.put_mark(&sealer.seal_mark(&live)?);
            }
        }
        let mut messages = 0;
        loop {
            let mut tails = std::mem::take(&mut self.scratch);
            let wanted = self.is_wanted();
            let max = if wanted { READ_BATCHES } else { 0 };
            let read = broker.read_batches(self.instance, self.next, max, &mut tails);
            if !wanted {
                self.next = read.head + 1;
            }
            if read.oldest > self.next {
                self.pass_gap(read.oldest - 1, sealer, out)?;
            }
            self.is_fresh = false;
            let mut full = false;
            for mut tail in tails.drain(..) {
                if out.len() >= BATCH_BYTES {
                    full = true;
                    break;
                }
                if tail.batch.key() != sealer.key()
                    && !is_planted(Planted::OldSignatureKept)
                    && let Some(batch) = sealer.sign_anew(&tail.batch, tail.from)
                {
                    tail = BatchTail { batch, from: 0 };
                }
                messages += match self.chosen(&tail) {
                    chosen if chosen.is_empty() => self.put_wanted(&tail, out),
                    chosen => self.put_chosen(&tail, &chosen, sealer, out)?,
                };
            }
            self.scratch = tails;
            if full {
                return Ok((Filled::More, messages));
            }
            if self.next > read.head {
                break;
            }
            if self.next >= stop_at {
                return Ok((Filled::More, messages));
            }
        }
        if self.ending {
            let ended = Mark::EpochEnded {
                last: self.next - 1 + u64::from(is_planted(Planted::EndTooHigh)),
            };
            out.put_mark(&sealer.seal_mark(&ended)?);
            self.told = self.next - 1;
            return Ok((Filled::Ended, messages));
        }
        if self.next - 1 - self.told >= SKIP_MARK {
            self.skip(broker, out)?;
        }
        Ok((Filled::AllToldFor, messages))
    }

    /// Appends what is wanted of a batch, and says how many messages that is.
    fn put_wanted(&mut self, BatchTail { batch, from }: &BatchTail, out: &mut FrameBuffer) -> u64 {
        let mut messages = 0;
        // What can be sent as it lies in the batch.
        let mut shared = 0..0;
        for (run, topic) in batch.runs() {
            let begin = run.start.max(*from);
            if begin >= run.end {
                continue;
            }
            let first_seq = batch.first_seq() + begin as u64;
            let wanted_from = self.wanted_from(topic);
            let passed = wanted_from.saturating_sub(first_seq).min((run.end - begin) as u64) as usize;
            let wanted = begin + passed..run.end;
            self.next = first_seq + (run.end - begin) as u64;
            if wanted.is_empty() {
                continue;
            }
            messages += wanted.len() as u64;
            let delta = first_seq + passed as u64 - self.told;
            self.told = self.next - 1;
            if delta == 1 && shared.end == wanted.start {
                shared.end = wanted.end;
                continue;
            }
            out.put_frames(batch.frames(shared), batch.piece().bytes);
            shared = if delta == 1 {
                wanted
            } else {
                out.put_message(delta, batch.body_at(wanted.start));
                wanted.start + 1..wanted.end
            };
        }
        out.put_frames(batch.frames(shared), batch.piece().bytes);
        messages
    }

    /// What of a batch the peer was chosen for by queue groups: seq and group, in order.
    fn chosen(&self, BatchTail { batch, from }: &BatchTail) -> Vec<(u64, Pattern)> {
        let mut chosen = Vec::new();
        if let Some(seat) = self.seat.as_ref().filter(|_| self.queues > 0) {
            let first = batch.first_seq() + *from as u64;
            seat.chosen(first.max(self.next)..=batch.last_seq(), &mut chosen);
        }
        chosen
    }

    /// Appends what is wanted of a batch or was chosen, one by one, and says how many messages that is.
    fn put_chosen(
        &mut self,
        BatchTail { batch, from }: &BatchTail,
        chosen: &[(u64, Pattern)],
        sealer: &Sealer,
        out: &mut FrameBuffer,
    ) -> Result<u64, SealError> {
        let mut chosen = chosen.iter().peekable();
        let mut messages = 0;
        for (run, topic) in batch.runs() {
            let wanted_from = self.wanted_from(topic);
            for place in run.start.max(*from)..run.end {
                let seq = batch.first_seq() + place as u64;
                self.next = seq + 1;
                let mut goes = seq >= wanted_from;
                while let Some((_, queue)) = chosen.next_if(|(of, _)| *of == seq) {
                    let queue = queue.as_str();
                    out.put_mark(&sealer.seal_mark(&Mark::Queue { queue })?);
                    goes = true;
                }
                if goes {
                    out.put_message(seq - self.told, batch.body_at(place));
                    self.told = seq;
                    messages += 1;
                }
            }
        }
        Ok(messages)
    }

    /// The backlog has moved past the cursor, up to `last`.
    fn pass_gap(&mut self, last: u64, sealer: &Sealer, out: &mut FrameBuffer) -> Result<(), SealError> {
        if self.wants.values().any(|wanted| wanted.from <= last) && !is_planted(Planted::GapMarkNotSent) {
            let gap = Mark::Gap {
                first: self.next,
                last,
                resumed: self.is_fresh,
            };
            out.put_mark(&sealer.seal_mark(&gap)?);
            self.told = last;
            self.lost = Some((self.next, last));
        }
        self.next = last + 1;
        Ok(())
    }

    fn wanted_from(&mut self, topic: &[u8]) -> u64 {
        if let Some(from) = self.cache.get(topic) {
            return *from;
        }
        let mut lowest = UNWANTED;
        let text = std::str::from_utf8(topic).unwrap_or_default();
        self.matcher.for_each_match(text, |found| {
            lowest = found.iter().map(|(_, from)| *from).fold(lowest, u64::min)
        });
        if self.cache.len() >= CACHED_TOPICS {
            self.cache.clear();
        }
        self.cache.insert(topic.into(), lowest);
        lowest
    }

    fn forget(&mut self, pattern: &Pattern) {
        if self.wants.remove(pattern).is_none() {
            return;
        }
        if pattern.queue().is_some() {
            self.queues -= 1;
            if let Some(seat) = &self.seat {
                seat.leave(pattern);
            }
        } else {
            let found = self.matcher.entry(pattern);
            found.retain(|(known, _)| known != pattern);
            if found.is_empty() {
                self.matcher.remove(pattern);
            }
        }
    }
}

#[cfg(test)]
mod tests;
