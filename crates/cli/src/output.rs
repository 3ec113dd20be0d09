//! Standard output: buffered lines, colour where a person looks, quiet end where nobody reads.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use crate::failure::Failure;

/// How results are written to standard output: text for people, aligned and coloured on a terminal; JSON for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Standard output. What is written waits until [`flush`](Self::flush), which is called before every wait.
pub(crate) struct Output {
    out: BufWriter<Stdout>,
}

impl Output {
    pub(crate) fn stdout() -> Self {
        Self {
            out: BufWriter::new(io::stdout()),
        }
    }

    /// One line, buffered.
    pub(crate) fn line(&mut self, line: impl AsRef<[u8]>) -> Result<(), Failure> {
        self.out
            .write_all(line.as_ref())
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(on_write_error)
    }

    /// Bytes as they are, buffered.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(on_write_error)
    }

    /// Text that has its own line breaks, buffered.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).map_err(on_write_error)
    }

    /// Hands everything to the reader.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(on_write_error)
    }
}

/// Writes `text` and a line break, and flushes.
pub(crate) fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut output = Output::stdout();
    output.line(text)?;
    output.flush()
}

fn on_write_error(err: io::Error) -> Failure {
    match err.kind() {
        io::ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => anyhow::Error::new(err)
            .context("cannot write to standard output")
            .into(),
    }
}

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// No colours.
    pub(crate) const NONE: Self = Self { on: false };

    /// Colours if standard output is a terminal that has them and `NO_COLOR` does not forbid it (no-color.org: set and
    /// not empty).
    pub(crate) fn for_stdout() -> Self {
        Self {
            on: io::stdout().is_terminal() && wanted(),
        }
    }

    /// `text` in `colour`.
    pub(crate) fn paint<'a>(self, colour: Colour, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = text.into();
        if self.on {
            Cow::Owned(format!("\x1b[{}m{text}\x1b[0m", colour.code()))
        } else {
            text
        }
    }
}

/// Whether the environment lets us colour anything.
pub(crate) fn wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Dim,
    Bold,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
}

impl Colour {
    /// The parameter of the terminal's "select graphic rendition" (ECMA-48).
    fn code(self) -> &'static str {
        match self {
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Blue => "34",
            Self::Magenta => "35",
            Self::Cyan => "36",
        }
    }
}

/// `text` with everything escaped that could steer a terminal or break a line: what a stranger published must not
/// move our cursor.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(steers) {
        let escape = |character: char| {
            let escaped = steers(character).then(|| character.escape_default());
            let plain = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(plain)
        };
        Cow::Owned(text.chars().flat_map(escape).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Control characters, and those that reorder text on the screen (Unicode's bidirectional controls).
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_escaped() {
        assert_eq!(printable("disk full, 95 % – schön"), "disk full, 95 % – schön");
        assert_eq!(printable("a\x1b[2Jb\nc\u{202e}"), "a\\u{1b}[2Jb\\nc\\u{202e}");
    }

    #[test]
    fn no_colour_leaves_text_alone() {
        assert_eq!(Paint::NONE.paint(Colour::Red, "x"), "x");
        assert_eq!(Paint { on: true }.paint(Colour::Red, "x"), "\x1b[31mx\x1b[0m");
    }
}
