//! How a command ends when it does not end well: the exit code and the words.

use std::io::Write;
use std::process::ExitCode;

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// Why a command stops before it is done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for makes no sense: arguments, environment or configuration. Exit code 2.
    Usage(anyhow::Error),
    /// It made sense but did not work. Exit code 1.
    Failed {
        /// What went wrong, with its causes.
        error: anyhow::Error,
        /// What the user can do about it, if we know.
        hint: Option<String>,
    },
    /// Nobody reads standard output any more, as in `… | head -1`. That is how such a pipe is meant to end: exit code 0.
    ReaderGone,
    /// All that there is to say stands on standard output already; what is left is the exit code.
    Told {
        /// Between 1 and 255.
        code: u8,
    },
}

impl Failure {
    /// A failure in these words.
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self::from(anyhow::Error::msg(words.into()))
    }

    /// A failure in these words, and what to do about it.
    pub(crate) fn with_hint(words: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed {
            error: anyhow::Error::msg(words.into()),
            hint: Some(hint.into()),
        }
    }

    /// Wrong usage that only shows after the arguments were parsed.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }

    /// What went wrong, for whoever tells it in another way.
    pub(crate) fn into_error(self) -> anyhow::Error {
        match self {
            Self::Usage(error) | Self::Failed { error, .. } => error,
            Self::ReaderGone => anyhow::Error::msg("nobody reads standard output any more"),
            Self::Told { code } => anyhow::anyhow!("it ended with exit code {code}"),
        }
    }

    /// Says it on stderr, once, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                tell(format_args!("error: {error:#}"));
                ExitCode::from(USAGE)
            }
            Self::Failed { error, hint } => {
                tell(format_args!("error: {error:#}"));
                if let Some(hint) = hint {
                    tell(format_args!("  {hint}"));
                }
                ExitCode::from(FAILED)
            }
            Self::ReaderGone => ExitCode::SUCCESS,
            Self::Told { code } => ExitCode::from(*code),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed { error, hint: None }
    }
}

/// One line on stderr. A closed stderr is no reason to stop, let alone to panic as `eprintln!` does.
pub(crate) fn tell(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
