//! The log of one node: a file that its standard error goes to, over all its runs.

use std::fs::{File, OpenOptions, read_to_string};
use std::path::PathBuf;
use std::process::Stdio;

/// A node's log.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// All that was written until now.
    pub fn text(&self) -> String {
        // A node that never started has no log.
        read_to_string(&self.path).unwrap_or_default()
    }

    /// The lines that hold `words`.
    pub fn lines_with(&self, words: &str) -> Vec<String> {
        let text = self.text();
        text.lines()
            .filter(|line| line.contains(words))
            .map(str::to_owned)
            .collect()
    }

    /// For a process to write to, after what is there.
    pub(crate) fn stdio(&self) -> Stdio {
        let opened: std::io::Result<File> = OpenOptions::new().create(true).append(true).open(&self.path);
        match opened {
            Ok(file) => file.into(),
            Err(err) => panic!("cannot write the log {}: {err}", self.path.display()),
        }
    }
}
