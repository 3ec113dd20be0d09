//! The record of a run: its history, as it happens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_history::{Event, Kind, Run};

use crate::clock;
use crate::marker::Markers;

/// Events of the driver are said by this name.
const DRIVER: &str = "driver";

/// Gathers what happens. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Record {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    events: Mutex<Vec<Event>>,
    subscriptions: AtomicU64,
    violations: Mutex<Vec<String>>,
    markers: Mutex<Markers>,
}

impl Record {
    /// Something happened to a run of a node.
    pub fn of(&self, run: &Run, kind: Kind) {
        lock(&self.inner.events).push(run.at(clock::elapsed_micros(), kind));
    }

    /// The driver did something.
    pub fn driver(&self, kind: Kind) {
        lock(&self.inner.events).push(Event::new(clock::elapsed_micros(), DRIVER, 0, kind));
    }

    /// A number that no subscription has yet.
    pub fn next_subscription(&self) -> u64 {
        self.inner.subscriptions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Something happened that no checker of histories can know to be wrong.
    pub fn violation(&self, words: impl Into<String>) {
        let at = clock::elapsed_micros();
        lock(&self.inner.violations).push(format!("{} us: {}", at, words.into()));
    }

    /// Something rare was reached.
    pub fn reached(&self, marker: &'static str) {
        lock(&self.inner.markers).reached(marker);
    }

    /// Looks at what has happened so far.
    pub fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        lock(&self.inner.events)
    }

    /// Takes everything out.
    pub fn take(&self) -> (Vec<Event>, Vec<String>, Markers) {
        (
            std::mem::take(&mut *lock(&self.inner.events)),
            std::mem::take(&mut *lock(&self.inner.violations)),
            std::mem::take(&mut *lock(&self.inner.markers)),
        )
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
