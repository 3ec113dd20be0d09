//! What is published: payloads from arguments, files and standard input, and what kind of bytes they are.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bellwether_message::{ContentType, MAX_PAYLOAD_BYTES};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::failure::Failure;

/// Read from a file or standard input at once.
const READ_BYTES: usize = 64 * 1024;

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input, written `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// `-` or the name of a file.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "-" => Self::Stdin,
            file => Self::File(file.into()),
        }
    }

    /// All of it as one payload.
    pub(crate) fn read(&self) -> Result<Bytes, Failure> {
        match self {
            Self::Stdin => read_payload(std::io::stdin().lock()).context("cannot read standard input"),
            Self::File(path) => File::open(path)
                .map_err(anyhow::Error::from)
                .and_then(read_payload)
                .with_context(|| unreadable(path)),
        }
        .map_err(Failure::from)
    }

    /// Its lines, one by one.
    pub(crate) async fn lines(&self) -> Result<Lines<impl AsyncRead + Unpin + use<>>, Failure> {
        let source: Box<dyn AsyncRead + Unpin> = match self {
            Self::Stdin => Box::new(tokio::io::stdin()),
            Self::File(path) => {
                let file = tokio::fs::File::open(path).await;
                Box::new(file.with_context(|| unreadable(path))?)
            }
        };
        Ok(Lines::new(BufReader::with_capacity(READ_BYTES, source)))
    }
}

/// What a command is given, as JSON or as a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// By itself.
    Text(Bytes),
    /// All of this.
    Whole(Source),
}

impl Given {
    /// JSON, `@FILE` or `@-`; left out, an object without anything.
    pub(crate) fn named(given: Option<String>) -> Self {
        match given {
            None => Self::Text(Bytes::from_static(b"{}")),
            Some(text) => match text.strip_prefix('@') {
                Some(name) => Self::Whole(Source::named(name)),
                None => Self::Text(text.into()),
            },
        }
    }

    /// Text, `@FILE` or `@-`; left out, nothing.
    pub(crate) fn payload(given: Option<String>) -> Self {
        Self::named(Some(given.unwrap_or_default()))
    }

    /// All of it.
    pub(crate) fn read(&self) -> Result<Bytes, Failure> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Whole(source) => source.read(),
        }
    }
}

fn unreadable(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn read_payload(source: impl Read) -> anyhow::Result<Bytes> {
    let mut payload = Vec::new();
    source.take(MAX_PAYLOAD_BYTES as u64 + 1).read_to_end(&mut payload)?;
    anyhow::ensure!(
        payload.len() <= MAX_PAYLOAD_BYTES,
        "it has more than {MAX_PAYLOAD_BYTES} bytes, the most a node can be configured to take; `--lines` publishes \
         a text file line by line"
    );
    Ok(payload.into())
}

/// The content type of bytes that came without one: JSON only where it is an object or an array, so that a log line
/// such as `404` stays the text it is.
pub(crate) fn content_type_of(payload: &[u8]) -> ContentType {
    match std::str::from_utf8(payload) {
        Err(_) => ContentType::Bytes,
        Ok(text)
            if text.trim_ascii_start().starts_with(['{', '['])
                && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() =>
        {
            ContentType::Json
        }
        Ok(_) => ContentType::Text,
    }
}

/// Splits a stream of bytes at line feeds. A line's end is `\n` or `\r\n`; what follows the last one is a line too.
pub(crate) struct Lines<R> {
    source: BufReader<R>,
}

/// One line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// As it stands.
    Whole(Bytes),
    /// Larger than any node takes; read past, not kept.
    TooLong {
        /// How many bytes it has.
        bytes: u64,
    },
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(source: BufReader<R>) -> Self {
        Self { source }
    }

    /// Whether [`next`](Self::next) has a line at once: whole, and read already.
    pub(crate) fn has_next(&self) -> bool {
        self.source.buffer().contains(&b'\n')
    }

    /// The next line; `None` at the end. Not cancel safe: a cancelled call may lose the beginning of a line.
    pub(crate) async fn next(&mut self) -> std::io::Result<Option<Line>> {
        let mut line = BytesMut::new();
        let mut bytes: u64 = 0;
        loop {
            let buffered = self.source.fill_buf().await?;
            if buffered.is_empty() {
                return Ok((bytes > 0).then(|| whole_or_too_long(line, bytes)));
            }
            let end = buffered.iter().position(|byte| *byte == b'\n');
            let part = &buffered[..end.unwrap_or(buffered.len())];
            bytes += part.len() as u64;
            // One byte more than a payload: the `\r` of a longest line.
            if bytes <= MAX_PAYLOAD_BYTES as u64 + 1 {
                line.extend_from_slice(part);
            }
            let consumed = part.len() + usize::from(end.is_some());
            self.source.consume(consumed);
            if end.is_some() {
                return Ok(Some(whole_or_too_long(line, bytes)));
            }
        }
    }
}

fn whole_or_too_long(mut line: BytesMut, bytes: u64) -> Line {
    if line.len() as u64 == bytes && line.ends_with(b"\r") {
        line.truncate(line.len() - 1);
        return Line::Whole(line.freeze());
    }
    if bytes <= MAX_PAYLOAD_BYTES as u64 {
        Line::Whole(line.freeze())
    } else {
        Line::TooLong { bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines_of(text: &[u8], buffer: usize) -> Vec<Line> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, text));
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    fn whole(text: &'static str) -> Line {
        Line::Whole(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn a_line_ends_with_a_line_feed_or_both_or_the_end() {
        for buffer in [1, 2, 3, 64] {
            let lines = lines_of(b"one\n\ntwo\r\nthree", buffer).await;
            assert_eq!(lines, [whole("one"), whole(""), whole("two"), whole("three")]);
            assert_eq!(lines_of(b"one\n", buffer).await, [whole("one")]);
            assert_eq!(lines_of(b"", buffer).await, []);
        }
    }

    #[tokio::test]
    async fn a_line_of_the_greatest_size_passes_and_one_byte_more_is_only_counted() {
        for end in ["\n", "\r\n", ""] {
            let mut text = vec![b'x'; MAX_PAYLOAD_BYTES];
            text.extend_from_slice(end.as_bytes());
            let lines = lines_of(&text, READ_BYTES).await;
            assert!(
                matches!(&lines[..], [Line::Whole(line)] if line.len() == MAX_PAYLOAD_BYTES),
                "{end:?}"
            );

            text.insert(0, b'x');
            text.extend_from_slice(b"\nnext");
            let bytes = MAX_PAYLOAD_BYTES as u64 + 1 + end.trim_end_matches('\n').len() as u64;
            let lines = lines_of(&text, READ_BYTES).await;
            assert_eq!(lines[0], Line::TooLong { bytes }, "{end:?}");
            assert_eq!(*lines.last().unwrap(), whole("next"));
        }
    }

    #[test]
    fn only_objects_and_arrays_are_taken_for_json() {
        for (payload, content_type) in [
            (&br#"{"message":"disk full"}"#[..], ContentType::Json),
            (b" [1, 2]\n", ContentType::Json),
            (b"404", ContentType::Text),
            (b"\"quoted\"", ContentType::Text),
            (b"{not json}", ContentType::Text),
            (b"[INFO] started", ContentType::Text),
            (b"", ContentType::Text),
            (b"caf\xe9", ContentType::Bytes),
        ] {
            assert_eq!(content_type_of(payload), content_type, "{payload:?}");
        }
    }
}
