//! Violations: what a run did not keep.

use std::fmt;

use crate::invariant::Invariant;

/// Violations that are kept. One fault of the mesh can break ten thousand promises; the first few tell which it was.
const KEPT: usize = 1_000;

/// One promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// The index of the event that shows it, counted from 0: for a missing message, that of its publish.
    pub at: usize,
    /// The time of that event, in microseconds.
    pub t: u64,
    /// Who, where, and what was expected.
    pub words: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.t / 1_000_000, self.t % 1_000_000);
        write!(
            f,
            "{} at event {} ({seconds}.{micros:06} s): {}",
            self.invariant, self.at, self.words
        )
    }
}

/// All promises that a run did not keep, the earliest first. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations {
    list: Vec<Violation>,
    more: u64,
}

impl Violations {
    /// The earliest.
    pub fn first(&self) -> &Violation {
        &self.list[0]
    }

    /// The earliest first; at most a thousand.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        self.list.iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.list.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{violation}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

/// Gathers violations while a history is judged.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Violation>,
    more: u64,
}

impl Findings {
    pub(crate) fn add(&mut self, invariant: Invariant, at: usize, t: u64, words: String) {
        if self.list.len() == KEPT {
            self.more += 1;
            return;
        }
        self.list.push(Violation {
            invariant,
            at,
            t,
            words,
        });
    }

    pub(crate) fn into_result<T>(mut self, kept: T) -> Result<T, Violations> {
        if self.list.is_empty() {
            return Ok(kept);
        }
        self.list.sort_by_key(|violation| violation.at);
        Err(Violations {
            list: self.list,
            more: self.more,
        })
    }
}
