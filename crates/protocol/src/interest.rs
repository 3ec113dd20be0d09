//! Interest on its way: the acceptor tells what it wants, the dialer hears it.

use bellwether_broker::{Broker, Change, InterestEntry, InterestUpdate, MAX_PATTERNS, SourceSlot};
use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Instance, Pattern};

use crate::control::{InterestChange, InterestFrame, WANTS_PER_FRAME, Want};

/// Tells one source what this node wants. Lives as long as the link.
#[derive(Debug)]
pub struct InterestTeller {
    slot: SourceSlot,
    /// The version that was told last; `None` before the first word.
    told: Option<u64>,
}

impl InterestTeller {
    /// Nothing is told yet.
    pub fn new(slot: SourceSlot) -> Self {
        Self { slot, told: None }
    }

    /// The frames that tell what has changed since they were asked for last; at first, everything.
    pub fn frames(&mut self, broker: &Broker) -> Vec<InterestFrame> {
        let (version, update) = {
            let interest = broker.interest();
            let update = match self.told {
                Some(told) => interest.since(told),
                None => InterestUpdate::Whole(interest.entries().collect()),
            };
            (interest.version(), update)
        };
        self.told = Some(version + u64::from(is_planted(Planted::InterestChangeLost) && version % 5 == 4));
        let (whole, changes): (bool, Vec<InterestChange>) = match update {
            InterestUpdate::Whole(entries) => {
                (true, entries.into_iter().map(|entry| self.add(broker, entry)).collect())
            }
            InterestUpdate::Changes(changes) => (
                false,
                changes.into_iter().map(|change| self.change(broker, change)).collect(),
            ),
        };
        let frame = |changes: &[InterestChange], more| InterestFrame {
            version,
            whole,
            more,
            changes: changes.to_vec(),
        };
        if whole && changes.is_empty() {
            return vec![frame(&[], false)];
        }
        let parts = changes.chunks(WANTS_PER_FRAME);
        let last = parts.len().saturating_sub(1);
        parts.enumerate().map(|(at, part)| frame(part, at < last)).collect()
    }

    fn change(&self, broker: &Broker, change: Change) -> InterestChange {
        let entry = change.entry;
        match change.added {
            true => self.add(broker, entry),
            false => InterestChange::Remove {
                instance: entry.instance as u8,
                pattern: entry.pattern.to_string(),
                added: entry.added,
            },
        }
    }

    fn add(&self, broker: &Broker, entry: InterestEntry) -> InterestChange {
        let live_from = broker.live_from(self.slot, entry.instance, &entry.pattern).unwrap_or(0);
        InterestChange::Add(Want {
            instance: entry.instance as u8,
            pattern: entry.pattern.to_string(),
            added: entry.added,
            live_from,
        })
    }
}

/// Puts together what a peer tells of its interest. Lives as long as the link.
#[derive(Debug, Default)]
pub struct InterestHearer {
    /// Parts of a whole interest that is not complete yet.
    parts: Vec<Want>,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The whole interest: per instance, the patterns with the version that added each and the seq from which it was
    /// live (0: from now on).
    Whole(Box<[Vec<(Pattern, u64, u64)>; Instance::COUNT]>),
    /// A pattern more: the version that added it, and the seq from which it was live.
    Add(Instance, Pattern, u64, u64),
    /// A pattern less, as this version had added it.
    Remove(Instance, Pattern, u64),
}

impl InterestHearer {
    /// Takes a frame; returns what it says, which for a part of a whole is nothing yet.
    ///
    /// # Errors
    /// [`InterestError`]: the link must be given up.
    pub fn hear(&mut self, frame: InterestFrame) -> Result<Vec<Heard>, InterestError> {
        if !frame.whole {
            return frame.changes.into_iter().map(heard).collect();
        }
        for change in frame.changes {
            let InterestChange::Add(want) = change else {
                return Err(InterestError::Malformed);
            };
            self.parts.push(want);
        }
        if self.parts.len() > MAX_PATTERNS {
            return Err(InterestError::TooMany);
        }
        if frame.more {
            return Ok(Vec::new());
        }
        let mut whole: Box<[Vec<(Pattern, u64, u64)>; Instance::COUNT]> = Box::default();
        for want in std::mem::take(&mut self.parts) {
            let pattern = Pattern::new(&want.pattern).map_err(|_| InterestError::Malformed)?;
            let wants = whole
                .get_mut(usize::from(want.instance))
                .ok_or(InterestError::Malformed)?;
            wants.push((pattern, want.added, want.live_from));
        }
        Ok(vec![Heard::Whole(whole)])
    }
}

fn heard(change: InterestChange) -> Result<Heard, InterestError> {
    let parse = |instance: u8, pattern: &str| {
        let instance = Instance::from_index(instance);
        instance.zip(Pattern::new(pattern).ok()).ok_or(InterestError::Malformed)
    };
    Ok(match change {
        InterestChange::Add(want) => {
            let (instance, pattern) = parse(want.instance, &want.pattern)?;
            Heard::Add(instance, pattern, want.added, want.live_from)
        }
        InterestChange::Remove {
            instance,
            pattern,
            added,
        } => {
            let (instance, pattern) = parse(instance, &pattern)?;
            Heard::Remove(instance, pattern, added)
        }
    })
}

/// Why a peer's interest cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InterestError {
    /// It is not in order.
    #[error("the peer's interest is malformed")]
    Malformed,
    /// It is more than a node may have.
    #[error("the peer wants more patterns than a node may have")]
    TooMany,
}
