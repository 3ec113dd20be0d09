//! What was sent: times, ends and lengths, never contents, which follow from no seed.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::draw::Fingerprint;

/// All packets of a run.
#[derive(Debug, Clone)]
pub struct Packets {
    totals: Totals,
    fingerprint: Fingerprint,
    /// One line per packet, if asked for.
    lines: Option<String>,
}

/// How many packets there were.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    /// Sent.
    pub sent: u64,
    /// Lost on the way.
    pub lost: u64,
    /// Delivered twice.
    pub doubled: u64,
}

impl Packets {
    pub(crate) fn new(keep: bool) -> Self {
        Self {
            totals: Totals::default(),
            fingerprint: Fingerprint::default(),
            lines: keep.then(String::new),
        }
    }

    pub(crate) fn record(&mut self, at: u64, from: SocketAddr, to: SocketAddr, len: usize, copies: usize) {
        self.totals.sent += 1;
        self.totals.lost += u64::from(copies == 0);
        self.totals.doubled += u64::from(copies > 1);
        for number in [
            at,
            u64::from(from.port()),
            u64::from(to.port()),
            len as u64,
            copies as u64,
        ] {
            self.fingerprint.add(&number.to_le_bytes());
        }
        if let Some(lines) = &mut self.lines {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{at} {from} {to} {len} {copies}");
        }
    }

    /// How many there were.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Equal for runs that sent the same lengths at the same times.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint.value()
    }

    /// One line per packet, `microseconds from to length copies`, if they were kept.
    pub fn lines(&self) -> &str {
        self.lines.as_deref().unwrap_or_default()
    }
}
