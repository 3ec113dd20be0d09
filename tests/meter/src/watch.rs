//! The watch: how much of a round is the step.

use std::hint::black_box;
use std::time::{Duration, Instant};

use alloc_tracker::Operation;

/// Times one step and counts what it allocates.
#[derive(Debug)]
pub struct Watch {
    operation: Operation,
    messages: u64,
    elapsed: Duration,
}

impl Watch {
    pub(crate) fn new(operation: Operation) -> Self {
        Self {
            operation,
            messages: 0,
            elapsed: Duration::ZERO,
        }
    }

    /// This is the step; it says how many messages it was done to. What it makes is best dropped outside of it.
    pub fn time(&mut self, step: impl FnOnce() -> usize) {
        let span = self.operation.measure_thread().no_peak();
        let begun = Instant::now();
        let messages = black_box(step()) as u64;
        self.elapsed += begun.elapsed();
        drop(span.iterations(messages));
        self.messages += messages;
    }

    pub(crate) fn reset(&mut self) {
        (self.messages, self.elapsed) = (0, Duration::ZERO);
    }

    /// Messages since the last reset.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    /// What so many messages take, by those since the last reset.
    pub(crate) fn time_for(&self, messages: u64) -> Duration {
        self.elapsed.mul_f64(messages as f64 / self.messages as f64)
    }
}
