//! What is being measured now, for whoever watches.

use std::fmt;
use std::io::{IsTerminal, Write, stderr};

/// Back to the beginning of the line, and the line emptied.
const ERASE: &str = "\r\x1b[K";

/// One line on standard error, rewritten; nothing where that is no terminal. Erased when dropped.
#[derive(Debug)]
pub struct StatusLine {
    is_shown: bool,
}

impl StatusLine {
    /// Nothing is said yet.
    pub fn on_stderr() -> Self {
        Self {
            is_shown: stderr().is_terminal(),
        }
    }

    /// Says this instead of what it said before.
    pub fn say(&self, words: impl fmt::Display) {
        self.write(format_args!("{ERASE}{words}"));
    }

    /// Leaves an empty line for what is printed next.
    pub fn erase(&self) {
        self.write(ERASE);
    }

    fn write(&self, text: impl fmt::Display) {
        if self.is_shown {
            let mut stderr = stderr().lock();
            // A terminal that has gone away is no reason to stop measuring.
            let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.erase();
    }
}
