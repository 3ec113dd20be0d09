//! How far a long run is, told on a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use tokio::time::Instant;

use super::tally::Tally;
use crate::failure::tell;

/// Time between two reports of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// How far a long run is, told to a person who watches.
pub(super) struct Progress {
    /// None where nobody watches.
    next: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let watched = std::io::stderr().is_terminal();
        Self {
            next: watched.then(|| Instant::now() + PROGRESS_INTERVAL),
        }
    }

    pub(super) fn tell(&mut self, tally: &Tally) {
        let now = Instant::now();
        if self.next.is_some_and(|next| next <= now) {
            self.next = Some(now + PROGRESS_INTERVAL);
            tell(format_args!(
                "{} published, {} failed so far",
                tally.published, tally.failed
            ));
        }
    }
}
