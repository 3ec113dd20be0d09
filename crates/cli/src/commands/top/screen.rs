//! The terminal, taken over and given back.

use std::io;

use anyhow::Context;
use ratatui::DefaultTerminal;

use crate::failure::Failure;

/// A terminal that shows one program and nothing else. Dropped, it is as it was; in a panic too, before its words.
pub(super) struct Screen {
    pub(super) terminal: DefaultTerminal,
}

impl Screen {
    pub(super) fn open() -> Result<Self, Failure> {
        // Also has panics give it back first.
        let opened: io::Result<_> = ratatui::try_init();
        match opened {
            Ok(terminal) => Ok(Self { terminal }),
            Err(err) => {
                ratatui::restore();
                Err(err).context("the terminal cannot be used for this; `--once` prints a table")?
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
