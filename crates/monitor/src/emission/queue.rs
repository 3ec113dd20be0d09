//! The deliveries to one subscription that wait until they may go.

use std::collections::VecDeque;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use super::Emission;

/// A trickle that shows whether a degraded subscription gets better.
const DEFAULT_THROTTLE_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// As many messages as the queue of any other subscription has room for.
const DEFAULT_MAX_MESSAGES: NonZeroUsize = NonZeroUsize::new(16_384).expect("is not zero");
/// As many bytes as the queue of any other subscription has room for.
const DEFAULT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// How much waits, and how fast it goes when throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmissionSettings {
    /// Most items a second when throttled, evenly spaced. Default 10.
    pub throttle_per_second: NonZeroU32,
    /// Most items that wait. Default 16,384.
    pub max_messages: NonZeroUsize,
    /// Most bytes that wait, though always one item. Default 16 MiB.
    pub max_bytes: usize,
}

impl Default for EmissionSettings {
    fn default() -> Self {
        Self {
            throttle_per_second: DEFAULT_THROTTLE_PER_SECOND,
            max_messages: DEFAULT_MAX_MESSAGES,
            max_bytes: DEFAULT_MAX_BYTES,
        }
    }
}

/// What waits for one subscription, in order, whatever becomes of its health.
///
/// Bounded in items and bytes. When it is full the oldest go and are counted, and [`Next::Lost`] tells the count in
/// their place. An item that alone exceeds the bytes is still held, alone.
#[derive(Debug, Clone)]
pub struct EmissionQueue<T> {
    settings: EmissionSettings,
    emission: Emission,
    /// Each item with what it costs.
    items: VecDeque<(T, usize)>,
    bytes: usize,
    /// Items gone and not yet told; they stood before the first that is held.
    lost: u64,
    /// When an item last went.
    last_at: Option<Duration>,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<T> {
    /// Deliver this.
    Item(T),
    /// Nothing before this time, of the same clock as `now`.
    WaitUntil(Duration),
    /// Nothing until the emission changes; items wait.
    Paused,
    /// Nothing waits.
    Empty,
    /// So many items that stood here are gone. Told once; then comes the item after them.
    Lost(u64),
}

impl<T> EmissionQueue<T> {
    /// An empty queue, switched on.
    pub fn new(settings: EmissionSettings) -> Self {
        Self {
            settings,
            emission: Emission::On,
            items: VecDeque::new(),
            bytes: 0,
            lost: 0,
            last_at: None,
        }
    }

    /// From now on items go like this. Returns the emission before if it was another.
    pub fn set(&mut self, emission: Emission) -> Option<Emission> {
        let before = std::mem::replace(&mut self.emission, emission);
        (before != emission).then_some(before)
    }

    /// Adds an item that costs so many bytes. The oldest go until there is room.
    pub fn push(&mut self, item: T, cost_bytes: usize) {
        while self.items.len() >= self.settings.max_messages.get() || self.exceeds_bytes(cost_bytes) {
            let Some((_, freed)) = self.items.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(freed);
            self.lost = self.lost.saturating_add(1);
        }
        self.bytes = self.bytes.saturating_add(cost_bytes);
        self.items.push_back((item, cost_bytes));
    }

    /// What is to be done now.
    pub fn next(&mut self, now: Duration) -> Next<T> {
        if self.items.is_empty() {
            return Next::Empty;
        }
        match self.emission {
            Emission::Paused => return Next::Paused,
            Emission::Throttled => {
                if let Some(due) = self.due().filter(|due| *due > now) {
                    return Next::WaitUntil(due);
                }
            }
            Emission::On => {}
        }
        if self.lost > 0 {
            return Next::Lost(std::mem::take(&mut self.lost));
        }
        let Some((item, freed)) = self.items.pop_front() else {
            return Next::Empty;
        };
        self.bytes = self.bytes.saturating_sub(freed);
        self.last_at = Some(now);
        Next::Item(item)
    }

    /// How items go now.
    pub fn emission(&self) -> Emission {
        self.emission
    }

    /// How many items wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether no item waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What the items that wait cost.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// When a throttled item may go; none if none has gone before it.
    fn due(&self) -> Option<Duration> {
        // Rounded up, so that it is never more than was said.
        let interval = 1_000_000_000_u64.div_ceil(u64::from(self.settings.throttle_per_second.get()));
        self.last_at
            .map(|last| last.saturating_add(Duration::from_nanos(interval)))
    }

    fn exceeds_bytes(&self, cost: usize) -> bool {
        self.bytes.saturating_add(cost) > self.settings.max_bytes
    }
}

#[cfg(test)]
mod tests;
