//! The queue of one group: a ring that several subscriptions read with cursors of their own.
//!
//! Bounded in items and bytes. When it is full the oldest goes, and every cursor that had not read it is told, by one gap
//! per feed, exactly how many it missed; by the instance's policy it then goes on, or ends. One slow cursor costs the
//! others nothing.

mod lag;

use std::collections::VecDeque;
use std::ops::Range;
use std::task::Waker;
use std::time::Duration;

use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Batch, Instance};

use self::lag::{Lag, Missed};
use crate::delivery::{Delivery, Gap, GapCause};
use crate::footprint::Footprint;
use crate::settings::{InstanceSettings, Overflow};

/// Most items one read takes, so that a reader's own buffer stays small.
const READ_MESSAGES: usize = 128;
/// Most bytes one read takes, though always one item.
const READ_BYTES: usize = 256 * 1024;

/// A publisher that waits for room leaves so much of a queue to those that do not wait.
const SPARE: usize = 4;
/// A cursor that has not moved for so long does not hold publishers back: it will be told a gap.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// Items waiting for the subscriptions of one group.
#[derive(Debug)]
pub(crate) struct Ring {
    items: VecDeque<Delivery>,
    /// Position of the first item; positions never repeat.
    start: u64,
    bytes: usize,
    max_messages: usize,
    max_bytes: usize,
    overflow: Overflow,
    cursors: Vec<Option<Cursor>>,
    readers: usize,
    asleep: usize,
    /// Lowest position of a cursor that has missed nothing, and how many stand there.
    rearmost: (u64, usize),
    /// One for each set of cursors that fell behind at the same item.
    lags: Vec<Option<Lag>>,
    lagging: usize,
    /// Where the rearmost cursor stood when somebody who waits for room first saw it there, and when that was.
    waited_for: Option<(u64, Duration)>,
    footprint: Footprint,
    closed: bool,
}

/// Names a cursor of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CursorId(usize);

#[derive(Debug)]
struct Cursor {
    position: u64,
    lag: Option<usize>,
    /// It reads no more: it fell behind and was told so, by the policy; or it only keeps its group.
    has_ended: bool,
    waker: Option<Waker>,
}

/// What a read found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Items were handed out; this many of them messages.
    Some { messages: u64 },
    /// Nothing to read now; the waker is kept.
    Pending,
    /// Nothing to read, and nothing will come.
    Closed,
}

/// What of a queue's bound those that wait for room may fill.
pub(crate) fn spared(bound: usize) -> usize {
    bound - bound / SPARE
}

impl Ring {
    /// An empty ring. At least one item is kept however large it is.
    pub(crate) fn new(settings: &InstanceSettings) -> Self {
        Self {
            items: VecDeque::new(),
            start: 0,
            bytes: 0,
            max_messages: settings.queue_messages,
            max_bytes: settings.queue_bytes,
            overflow: settings.overflow,
            cursors: Vec::new(),
            readers: 0,
            asleep: 0,
            rearmost: (0, 0),
            lags: Vec::new(),
            lagging: 0,
            waited_for: None,
            footprint: Footprint::default(),
            closed: false,
        }
    }

    /// Adds a cursor that reads what comes from now on.
    pub(crate) fn add_cursor(&mut self) -> CursorId {
        let end = self.end();
        let cursor = Some(Cursor {
            position: end,
            lag: None,
            has_ended: false,
            waker: None,
        });
        let id = match self.cursors.iter().position(Option::is_none) {
            Some(free) => {
                self.cursors[free] = cursor;
                free
            }
            None => {
                self.cursors.push(cursor);
                self.cursors.len() - 1
            }
        };
        self.readers += 1;
        if self.rearmost.1 == 0 {
            self.rearmost = (end, 1);
        } else if self.rearmost.0 == end {
            self.rearmost.1 += 1;
        }
        CursorId(id)
    }

    /// Removes a cursor and what only it still needed. True if it was the last.
    pub(crate) fn remove_cursor(&mut self, id: CursorId) -> bool {
        if let Some(cursor) = self.cursors.get_mut(id.0).and_then(Option::take) {
            self.readers -= 1;
            self.asleep -= usize::from(cursor.waker.is_some());
            match cursor.lag {
                Some(lag) => drop(self.leave_lag(lag)),
                None if cursor.has_ended => {}
                None => self.leave_position(cursor.position),
            }
            self.trim();
        }
        self.readers == 0
    }

    /// The cursor reads no more, and nothing is kept for it; it stays only so that its group does.
    pub(crate) fn stop(&mut self, id: CursorId) {
        let Some(cursor) = self.cursors.get_mut(id.0).and_then(Option::as_mut) else {
            return;
        };
        if std::mem::replace(&mut cursor.has_ended, true) {
            return;
        }
        let (lag, position) = (cursor.lag.take(), cursor.position);
        match lag {
            Some(lag) => drop(self.leave_lag(lag)),
            None => self.leave_position(position),
        }
        self.trim();
    }

    /// Adds an item; returns how many deliveries of messages were lost by overflow. Sleeping readers' wakers are
    /// moved to `wake`, to be woken once all locks are released.
    pub(crate) fn push(&mut self, item: Delivery, instance: Instance, wake: &mut Vec<Waker>) -> u64 {
        if self.passes_by(1) {
            return 0;
        }
        let cost = item.cost();
        match &item {
            Delivery::Message(envelope) => self.footprint.add(1, cost, envelope.piece()),
            _ => self.footprint.pay(1, cost),
        }
        self.bytes += cost;
        self.items.push_back(item);
        self.settle(instance, wake)
    }

    /// The same for messages of one batch.
    pub(crate) fn push_batch(
        &mut self,
        batch: &Batch,
        places: Range<usize>,
        instance: Instance,
        wake: &mut Vec<Waker>,
    ) -> u64 {
        if places.is_empty() || self.passes_by(places.len()) {
            return 0;
        }
        let cost = places.clone().map(|place| batch.cost_at(place)).sum();
        self.footprint.add(places.len(), cost, batch.piece());
        self.bytes += cost;
        let messages = places.len();
        self.items.extend(batch.clone().range(places).map(Delivery::Message));
        if messages > 1 && is_planted(Planted::SwappedInBatch) {
            self.items.swap(self.items.len() - 2, self.items.len() - 1);
        }
        self.settle(instance, wake)
    }

    /// Whether all cursors have stopped: then what comes passes by.
    fn passes_by(&mut self, items: usize) -> bool {
        let passes = self.rearmost.1 == 0 && self.lagging == 0;
        if passes {
            self.start = self.end() + items as u64;
            self.items.clear();
            self.footprint.clear();
            self.bytes = 0;
        }
        passes
    }

    /// Keeps the bounds after something was added, and wakes readers. Returns how many deliveries were lost.
    fn settle(&mut self, instance: Instance, wake: &mut Vec<Waker>) -> u64 {
        let mut lost = 0;
        while self.items.len() > 1
            && !is_planted(Planted::QueueUnbounded)
            && (self.items.len() > self.max_messages || self.bytes > self.max_bytes)
        {
            lost += self.drop_oldest(instance);
        }
        if self.footprint.is_excessive() {
            self.footprint.shrink(&mut self.items);
        }
        self.wake_all(wake);
        lost
    }

    /// Holds as much as these settings say from now on; what no longer fits is lost as by an overflow. Returns how many
    /// deliveries were.
    pub(crate) fn change(&mut self, settings: &InstanceSettings, instance: Instance, wake: &mut Vec<Waker>) -> u64 {
        self.max_messages = settings.queue_messages;
        self.max_bytes = settings.queue_bytes;
        self.overflow = settings.overflow;
        match self.items.len() > self.max_messages || self.bytes > self.max_bytes {
            true => self.settle(instance, wake),
            false => 0,
        }
    }

    /// Lets readers read what is there and then end.
    pub(crate) fn close(&mut self, wake: &mut Vec<Waker>) {
        self.closed = true;
        self.wake_all(wake);
    }

    /// Reads up to a batch at the cursor: first what it missed, then items. With nothing to read, `waker` is kept.
    pub(crate) fn read(&mut self, id: CursorId, out: &mut VecDeque<Delivery>, waker: Option<&Waker>) -> Read {
        let end = self.end();
        let Some(cursor) = self.cursors.get_mut(id.0).and_then(Option::as_mut) else {
            return Read::Closed;
        };
        if cursor.has_ended {
            return Read::Closed;
        }
        let before = cursor.position;
        if cursor.lag.is_none() && before == end {
            return match (self.closed, waker) {
                (true, _) => Read::Closed,
                (false, Some(waker)) => {
                    if cursor.waker.is_none() {
                        self.asleep += 1;
                        cursor.waker = Some(waker.clone());
                    } else if let Some(kept) = &mut cursor.waker {
                        kept.clone_from(waker);
                    }
                    Read::Pending
                }
                (false, None) => Read::Pending,
            };
        }
        if let Some(lag) = cursor.lag.take() {
            cursor.position = self.start;
            if self.overflow == Overflow::Disconnect {
                cursor.has_ended = true;
                cursor.position = end;
                self.tell_missed(lag, GapCause::Disconnected, out);
                self.trim();
                return Read::Some { messages: 0 };
            }
            self.tell_missed(lag, GapCause::SlowSubscriber, out);
        } else {
            self.leave_position(before);
        }
        let messages = self.take_items(id, out);
        self.trim();
        Read::Some { messages }
    }

    /// How many more items may be added before a cursor that reads falls behind, a spare part left out; `None` if no
    /// such cursor is there, or all have read everything. A cursor that has not moved for a second does not count.
    pub(crate) fn room(&mut self, now: Duration) -> Option<usize> {
        let (rearmost, waiting) = (self.rearmost.0, self.unread());
        if waiting == 0 {
            self.waited_for = None;
            return None;
        }
        match self.waited_for {
            Some((position, since)) if position == rearmost => {
                if now.saturating_sub(since) >= STUCK_AFTER {
                    return None;
                }
            }
            _ => self.waited_for = Some((rearmost, now)),
        }
        let by_count = spared(self.max_messages).saturating_sub(waiting);
        // Items of lagging cursors may lie before the rearmost: its share of the bytes is taken for its share of the items.
        let each = (self.bytes / self.items.len().max(1)).max(1);
        let by_bytes = (spared(self.max_bytes) / each).saturating_sub(waiting);
        Some(by_count.min(by_bytes))
    }

    /// How many items the rearmost cursor that reads has not read; 0 if there is none.
    fn unread(&self) -> usize {
        match self.rearmost {
            (_, 0) => 0,
            (position, _) => usize::try_from(self.end() - position).unwrap_or(usize::MAX),
        }
    }

    /// Whether a cursor that reads has left a part of the queue unread.
    pub(crate) fn is_filling(&self) -> bool {
        self.unread() > 0 && (self.items.len() > self.max_messages / SPARE || self.bytes > self.max_bytes / SPARE)
    }

    /// Where the rearmost cursor that reads stands, if it has left half of the queue or more unread.
    pub(crate) fn crowded_at(&self) -> Option<u64> {
        let waiting = self.unread();
        let is_crowded =
            waiting >= self.max_messages.div_ceil(2) || (self.bytes >= self.max_bytes / 2 && self.lagging == 0);
        (waiting > 0 && is_crowded).then_some(self.rearmost.0)
    }

    /// How many items are kept.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// How many items and bytes wait for the cursor.
    pub(crate) fn waiting(&self, id: CursorId) -> (usize, usize) {
        let Some(cursor) = self.cursors.get(id.0).and_then(Option::as_ref) else {
            return (0, 0);
        };
        let skip = usize::try_from(cursor.position.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let skip = skip.min(self.items.len());
        let bytes = self.items.range(skip..).map(Delivery::cost).sum();
        (self.items.len() - skip, bytes)
    }

    /// The cursors there are.
    pub(crate) fn cursors(&self) -> impl Iterator<Item = CursorId> {
        self.cursors
            .iter()
            .enumerate()
            .filter(|(_, cursor)| cursor.is_some())
            .map(|(id, _)| CursorId(id))
    }

    fn end(&self) -> u64 {
        self.start + self.items.len() as u64
    }

    fn wake_all(&mut self, wake: &mut Vec<Waker>) {
        if self.asleep > 0 {
            wake.extend(
                self.cursors
                    .iter_mut()
                    .flatten()
                    .filter_map(|cursor| cursor.waker.take()),
            );
            self.asleep = 0;
        }
    }

    /// Hands out items at the cursor and enters its new position.
    fn take_items(&mut self, id: CursorId, out: &mut VecDeque<Delivery>) -> u64 {
        let Some(cursor) = self.cursors.get_mut(id.0).and_then(Option::as_mut) else {
            return 0;
        };
        let (mut taken, mut bytes, mut messages) = (0, 0, 0);
        if self.readers == 1 {
            // Nobody else needs them: move instead of counting references up and down.
            let stale = usize::try_from(cursor.position - self.start)
                .unwrap_or(usize::MAX)
                .min(self.items.len());
            self.bytes -= self.items.drain(..stale).map(|item| item.cost()).sum::<usize>();
            while taken < READ_MESSAGES && bytes < READ_BYTES {
                let Some(item) = self.items.pop_front() else { break };
                bytes += item.cost();
                taken += 1;
                messages += u64::from(matches!(item, Delivery::Message(_)));
                out.push_back(item);
            }
            self.bytes -= bytes;
            self.start = cursor.position + taken as u64;
        } else {
            let skip = usize::try_from(cursor.position - self.start)
                .unwrap_or(usize::MAX)
                .min(self.items.len());
            for item in self.items.range(skip..).take(READ_MESSAGES) {
                if bytes >= READ_BYTES {
                    break;
                }
                bytes += item.cost();
                taken += 1;
                messages += u64::from(matches!(item, Delivery::Message(_)));
                out.push_back(item.clone());
            }
        }
        cursor.position += taken as u64;
        let position = cursor.position;
        self.enter_position(position);
        messages
    }

    fn enter_position(&mut self, position: u64) {
        match self.rearmost {
            (_, 0) => self.rearmost = (position, 1),
            (lowest, count) if lowest == position => self.rearmost = (lowest, count + 1),
            (lowest, _) if position < lowest => self.rearmost = (position, 1),
            _ => {}
        }
    }

    /// A cursor without lag goes from `position`. Rescans only when the last one leaves the rearmost position, so
    /// once per round of all readers.
    fn leave_position(&mut self, position: u64) {
        if position == self.rearmost.0 && self.rearmost.1 > 0 {
            self.rearmost.1 -= 1;
            if self.rearmost.1 == 0 {
                self.find_rearmost(position);
            }
        }
    }

    /// Looks for the lowest position above `left` (the cursor that just left may still be listed there).
    fn find_rearmost(&mut self, left: u64) {
        self.rearmost = (0, 0);
        for cursor in self.cursors.iter().flatten().filter(|cursor| cursor.reads_on()) {
            if cursor.position <= left {
                continue;
            }
            match &mut self.rearmost {
                (lowest, count) if *count > 0 && *lowest == cursor.position => *count += 1,
                (lowest, count) if *count == 0 || cursor.position < *lowest => (*lowest, *count) = (cursor.position, 1),
                _ => {}
            }
        }
    }

    /// Lets go of items that every cursor has read. Cursors that lag will read all there is, so then nothing goes.
    fn trim(&mut self) {
        self.let_go();
        if self.items.is_empty() {
            self.footprint.clear();
        }
    }

    fn let_go(&mut self) {
        if self.lagging > 0 {
            return;
        }
        // No cursor reads on, though some may keep their group.
        let keep_from = if self.rearmost.1 == 0 {
            self.end()
        } else {
            self.rearmost.0.max(self.start)
        };
        while self.start < keep_from {
            let Some(item) = self.items.pop_front() else { break };
            self.bytes -= item.cost();
            self.start += 1;
        }
    }

    fn drop_oldest(&mut self, instance: Instance) -> u64 {
        let Some(item) = self.items.pop_front() else { return 0 };
        self.bytes -= item.cost();
        if self.rearmost.1 > 0 && self.rearmost.0 <= self.start {
            self.fall_behind();
        }
        self.start += 1;
        for lag in self.lags.iter_mut().flatten() {
            lag.miss(&item, instance);
        }
        if matches!(item, Delivery::Message(_)) {
            self.lagging as u64
        } else {
            0
        }
    }

    /// The cursors at the first item begin to lag.
    fn fall_behind(&mut self) {
        let lag = match self.lags.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.lags.push(None);
                self.lags.len() - 1
            }
        };
        let mut cursors = 0;
        for cursor in self.cursors.iter_mut().flatten() {
            if cursor.reads_on() && cursor.position <= self.start {
                cursor.lag = Some(lag);
                cursors += 1;
            }
        }
        self.lagging += cursors;
        self.lags[lag] = Some(Lag::of(cursors));
        self.find_rearmost(self.start);
    }

    fn tell_missed(&mut self, lag: usize, cause: GapCause, out: &mut VecDeque<Delivery>) {
        for mut missed in self.leave_lag(lag) {
            missed.gap.count += u64::from(is_planted(Planted::GapCountOff));
            if missed.gap.count > 0 {
                out.push_back(Delivery::Gap(Gap { cause, ..missed.gap }));
            }
            if let Some(ended) = missed.ended {
                out.push_back(Delivery::EpochEnded(ended));
            }
        }
    }

    fn leave_lag(&mut self, index: usize) -> Vec<Missed> {
        self.lagging -= 1;
        let Some(slot) = self.lags.get_mut(index) else {
            return Vec::new();
        };
        match slot {
            Some(lag) if lag.cursors > 1 => {
                lag.cursors -= 1;
                lag.feeds.clone()
            }
            _ => slot.take().map(|lag| lag.feeds).unwrap_or_default(),
        }
    }
}

impl Cursor {
    /// Whether it has missed nothing and will read what comes.
    fn reads_on(&self) -> bool {
        self.lag.is_none() && !self.has_ended
    }
}

#[cfg(test)]
mod tests;
