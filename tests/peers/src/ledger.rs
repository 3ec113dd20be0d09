//! What has arrived at a subscriber.

use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use bellwether_tests::benchmark::percentile;
use bellwether_tests::clock::now_ns;

use crate::bus::Inbox;
use crate::payload::{Kind, Payload};

/// The inbox of a subscriber: checks that nothing is missing and nothing comes twice, and answers marks.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The place of its process.
    subscriber: u8,
    /// A system may deliver on any thread; locked for one message by one thread, it costs some nanoseconds.
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// The number that comes next, if nothing is lost.
    next: u64,
    report: Report,
}

/// What came since the last report.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) received: u64,
    /// One that comes twice or late counts too.
    pub(crate) lost: u64,
    /// Of each message that says when it was published.
    pub(crate) latencies_ns: Vec<u64>,
}

impl Ledger {
    pub(crate) fn new(subscriber: u8) -> Self {
        Self {
            subscriber,
            entries: Mutex::default(),
        }
    }

    /// Begins anew.
    pub(crate) fn report(&self) -> Report {
        take(&mut self.entries().report)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox for Ledger {
    fn take(&self, payload: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let payload = Payload::read(payload).context("a message without a number")?;
        let mut entries = self.entries();
        if payload.kind != Kind::Greeting {
            entries.enter(payload);
        }
        let answer = Payload {
            number: entries.next,
            published_ns: 0,
            kind: Kind::Message,
            sender: self.subscriber,
        };
        Ok((payload.kind != Kind::Message).then(|| answer.to_bytes(0)))
    }
}

impl Entries {
    fn enter(&mut self, message: Payload) {
        if message.published_ns > 0 {
            let latency = now_ns().saturating_sub(message.published_ns);
            self.report.latencies_ns.push(latency);
        }
        self.report.lost += message.number.abs_diff(self.next);
        self.report.received += 1;
        self.next = message.number + 1;
    }
}

impl Report {
    /// `report`, received, lost, and the latencies that 50, 99 and 99.9 % of the messages did not exceed.
    pub(crate) fn line(mut self) -> String {
        self.latencies_ns.sort_unstable();
        let [p50, p99, p999] = [500, 990, 999].map(|permille| percentile(&self.latencies_ns, permille));
        format!("report {} {} {p50} {p99} {p999}", self.received, self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u64, kind: Kind) -> Vec<u8> {
        let payload = Payload {
            number,
            published_ns: 0,
            kind,
            sender: 0,
        };
        payload.to_bytes(128)
    }

    /// The number in the answer, if there is one.
    fn take(ledger: &Ledger, number: u64, kind: Kind) -> Option<u64> {
        let answer = ledger.take(&message(number, kind)).expect("a payload of ours");
        answer.map(|answer| Payload::read(&answer).expect("a payload of ours").number)
    }

    #[test]
    fn marks_and_greetings_are_answered() {
        let ledger = Ledger::new(1);
        assert_eq!(take(&ledger, 0, Kind::Greeting), Some(0));
        assert_eq!(take(&ledger, 0, Kind::Message), None);
        assert_eq!(take(&ledger, 1, Kind::Mark), Some(2));
        assert_eq!(ledger.report().line(), "report 2 0 0 0 0");
        assert_eq!(ledger.report(), Report::default());
    }

    #[test]
    fn what_is_missing_or_comes_twice_is_lost() {
        for (numbers, lost) in [([0, 1, 2], 0), ([0, 2, 3], 1), ([0, 0, 1], 1), ([5, 6, 7], 5)] {
            let ledger = Ledger::new(1);
            for number in numbers {
                take(&ledger, number, Kind::Message);
            }
            assert_eq!(ledger.report().lost, lost, "{numbers:?}");
        }
    }
}
