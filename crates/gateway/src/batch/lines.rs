//! Bytes split into lines, of which none is longer than is allowed.

use bytes::{Bytes, BytesMut};

/// Splits what comes in pieces. Keeps at most one line that is not whole, and what was pushed last.
#[derive(Debug)]
pub(crate) struct Lines {
    kept: BytesMut,
    /// Bytes at the front in which no end of a line is.
    searched: usize,
    limit: usize,
    /// Of the line that comes next, from 1.
    number: u64,
    /// The line that is too long is being passed over, and was told.
    is_skipping: bool,
    has_ended: bool,
}

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// All of it.
    Whole(Bytes),
    /// It has more bytes than are allowed, and is passed over.
    TooLong {
        /// How many are allowed.
        limit: usize,
    },
}

impl Lines {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            kept: BytesMut::new(),
            searched: 0,
            limit,
            number: 1,
            is_skipping: false,
            has_ended: false,
        }
    }

    /// These come next.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
    }

    /// Nothing more comes: what is there is the last line.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
    }

    /// The next line that is not empty, and its number.
    pub(crate) fn next(&mut self) -> Option<(u64, Line)> {
        loop {
            let unsearched = self.kept.get(self.searched..).unwrap_or_default();
            let end = unsearched.iter().position(|byte| *byte == b'\n');
            let Some(end) = end.map(|end| self.searched + end) else {
                self.searched = self.kept.len();
                if self.is_skipping {
                    self.forget();
                    return None;
                }
                // One byte more may be the end of a line that has two.
                if self.kept.len() > self.limit + 1 {
                    self.forget();
                    self.is_skipping = true;
                    return Some((self.number, Line::TooLong { limit: self.limit }));
                }
                if !self.has_ended || self.kept.is_empty() {
                    return None;
                }
                let last = self.kept.split().freeze();
                self.searched = 0;
                return self.whole(last);
            };
            let mut line = self.kept.split_to(end + 1).freeze();
            self.searched = 0;
            line.truncate(end);
            if std::mem::take(&mut self.is_skipping) {
                self.number += 1;
                continue;
            }
            if let Some(line) = self.whole(line) {
                return Some(line);
            }
        }
    }

    fn forget(&mut self) {
        self.kept.clear();
        self.searched = 0;
    }

    fn whole(&mut self, mut line: Bytes) -> Option<(u64, Line)> {
        let number = self.number;
        self.number += 1;
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        if line.len() > self.limit {
            return Some((number, Line::TooLong { limit: self.limit }));
        }
        (!line.trim_ascii().is_empty()).then_some((number, Line::Whole(line)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines_of(pieces: &[&[u8]], limit: usize) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::new(limit);
        let mut found = Vec::new();
        let mut take = |lines: &mut Lines| {
            while let Some((number, line)) = lines.next() {
                found.push(match line {
                    Line::Whole(text) => (number, Some(String::from_utf8(text.to_vec()).unwrap())),
                    Line::TooLong { .. } => (number, None),
                });
            }
        };
        for piece in pieces {
            lines.push(piece);
            take(&mut lines);
            assert!(lines.kept.len() <= limit + 1, "what was told is not kept");
        }
        lines.end();
        take(&mut lines);
        found
    }

    #[test]
    fn lines_end_with_a_line_feed_and_empty_ones_count_but_say_nothing() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            lines_of(&[b"a\r\n\n \nb", b"c\nlast"], 10),
            [(1, text("a")), (4, text("bc")), (5, text("last"))]
        );
        assert_eq!(lines_of(&[b"", b"\n"], 10), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_passed_over() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            lines_of(&[b"ab\n12345", b"67890", b"1\ncd\nlonger\n"], 5),
            [(1, text("ab")), (2, None), (3, text("cd")), (4, None)]
        );
        assert_eq!(lines_of(&[b"12345", b"6"], 5), [(1, None)]);
    }

    proptest! {
        #[test]
        fn where_the_pieces_end_says_nothing(text in "[ab\r\n]{0,60}", size in 1..7_usize) {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(lines_of(&pieces, 8), lines_of(&[text.as_bytes()], 8));
        }
    }
}
