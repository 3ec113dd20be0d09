//! What lines are drawn on.

use std::io::{self, IsTerminal};

use crate::output;

/// The width of a terminal that does not tell its own.
const USUAL_COLUMNS: usize = 80;

/// What standard output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// Whether it has colours, and nobody forbids them.
    pub(super) colours: bool,
    /// Columns of a terminal; a file or pipe has none, and lines there are never cut.
    pub(super) columns: Option<usize>,
}

impl Screen {
    /// Standard output as it is now: terminals change their width.
    pub(super) fn of_stdout() -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let columns = || match terminal_size::terminal_size_of(&stdout) {
            Some((terminal_size::Width(columns), _)) => usize::from(columns),
            None => USUAL_COLUMNS,
        };
        Self {
            colours: is_terminal && output::wanted(),
            columns: is_terminal.then(columns),
        }
    }
}

#[cfg(test)]
impl Screen {
    /// A file or pipe.
    pub(super) const PIPE: Self = Self {
        colours: false,
        columns: None,
    };

    /// A terminal without colours.
    pub(super) const fn plain(columns: usize) -> Self {
        Self {
            colours: false,
            columns: Some(columns),
        }
    }

    /// A terminal with colours.
    pub(super) const COLOURED: Self = Self {
        colours: true,
        columns: Some(200),
    };
}
