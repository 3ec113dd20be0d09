//! Histories in files: one line of JSON per event.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::event::Event;

/// Bytes that wait before they are written. Only whole lines are, so that a killed process leaves none torn.
const BUFFER_BYTES: usize = 64 * 1024;

/// Appends events to a file. What waits is written by [`flush`](Self::flush) and when the writer is dropped.
#[derive(Debug)]
pub struct Writer {
    file: File,
    buffer: Vec<u8>,
}

impl Writer {
    /// Opens `path` to append to it; makes the file if there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn append_to(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self {
            file,
            buffer: Vec::with_capacity(BUFFER_BYTES),
        })
    }

    /// Adds one line.
    ///
    /// # Errors
    ///
    /// The file cannot be written. What was not written is tried again with the next event.
    pub fn append(&mut self, event: &Event) -> io::Result<()> {
        serde_json::to_writer(&mut self.buffer, event)?;
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands all lines to the operating system: from here on they survive this process.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Nobody is left to be told; whoever must know calls `flush`.
        let _ = self.flush();
    }
}

/// Reads a whole history. Empty lines are passed over.
///
/// # Errors
///
/// The file cannot be read, or a line of it is no event.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Event>, ReadError> {
    let path = path.as_ref();
    let unreadable = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let (mut events, mut line, mut number) = (Vec::new(), String::new(), 0);
    while reader.read_line(&mut line).map_err(unreadable)? > 0 {
        number += 1;
        if !line.trim().is_empty() {
            let event = serde_json::from_str(&line).map_err(|source| ReadError::Line {
                path: path.to_owned(),
                line: number,
                source,
            })?;
            events.push(event);
        }
        line.clear();
    }
    Ok(events)
}

/// The histories of several writers as one, by time. Events of one time stay in the order of `histories`.
pub fn merge(histories: Vec<Vec<Event>>) -> Vec<Event> {
    let mut merged: Vec<Event> = histories.into_iter().flatten().collect();
    merged.sort_by_key(|event| event.t);
    merged
}

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file.
    #[error("{}: the history cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// One line of it.
    #[error("{}:{line}: this line is no event", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}
