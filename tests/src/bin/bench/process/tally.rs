//! What a subscriber has received.

use anyhow::Context;

use super::payload::Payload;
use bellwether_tests::benchmark::percentile;
use bellwether_tests::clock::now_ns;

/// Counts messages and what is missing between them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The number that comes next, if nothing is lost.
    next: u64,
    /// Of what came since the last report.
    received: u64,
    lost: u64,
    latencies_ns: Vec<u64>,
}

impl Tally {
    /// Takes one message; true if the publisher wants to hear that it has come.
    pub(crate) fn take(&mut self, payload: &[u8]) -> anyhow::Result<bool> {
        let payload = Payload::read(payload).context("a message without a number")?;
        if payload.published_ns > 0 {
            self.latencies_ns.push(now_ns().saturating_sub(payload.published_ns));
        }
        // One that comes twice or late counts as lost too.
        self.lost += payload.number.abs_diff(self.next);
        self.received += 1;
        self.next = payload.number + 1;
        Ok(payload.is_mark)
    }

    /// Everything before this number has come, or is lost.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Messages lost since the last report.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// `report`, received, lost, and the latencies that 50, 99 and 99.9 % of the messages did not exceed. Begins anew.
    pub(crate) fn report(&mut self) -> String {
        let mut latencies_ns = std::mem::take(&mut self.latencies_ns);
        latencies_ns.sort_unstable();
        let [p50, p99, p999] = [500, 990, 999].map(|permille| percentile(&latencies_ns, permille));
        let [received, lost] = [&mut self.received, &mut self.lost].map(std::mem::take);
        format!("report {received} {lost} {p50} {p99} {p999}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_left_out_is_a_message_lost() {
        let mut tally = Tally::default();
        for (number, is_mark) in [(0, false), (3, true)] {
            let mut bytes = [0; Payload::BYTES];
            let payload = Payload {
                number,
                published_ns: 0,
                is_mark,
            };
            payload.write(&mut bytes);
            assert_eq!(tally.take(&bytes).ok(), Some(is_mark));
        }
        assert_eq!(tally.next(), 4);
        assert_eq!(tally.report(), "report 2 2 0 0 0");
        assert_eq!(tally.report(), "report 0 0 0 0 0");
    }
}
