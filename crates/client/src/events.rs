//! Server-sent events, split out of the bytes of a stream.

use bytes::{Buf, Bytes, BytesMut};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Takes bytes and gives events, wherever the bytes were cut, as the HTML standard asks ("Interpreting an event
/// stream"). Names of events and the `retry` field are passed over: our events say in their data what they are, and when
/// to dial again is not the node's choice.
#[derive(Debug, Default)]
pub(crate) struct Events {
    received: BytesMut,
    /// Bytes of `received` known to have no end of a line.
    searched: usize,
    /// The last line ended with a carriage return; a line feed now belongs to it.
    skip_line_feed: bool,
    /// Whether the first line has been read.
    is_begun: bool,
    /// The data lines of the event that has begun, joined.
    data: Option<Bytes>,
    id: Option<Bytes>,
}

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The last id that was given, by this event or one before.
    pub(crate) id: Option<Bytes>,
    pub(crate) data: Bytes,
}

impl Events {
    /// Takes what came next.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        if self.skip_line_feed && !bytes.is_empty() {
            self.skip_line_feed = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        self.received.extend_from_slice(bytes);
    }

    /// The next whole event of what was taken.
    pub(crate) fn next(&mut self) -> Option<Event> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                if let Some(data) = self.data.take() {
                    let id = self.id.clone();
                    return Some(Event { id, data });
                }
                continue;
            }
            self.field(&line);
        }
        None
    }

    /// Bytes kept of an event that is not whole.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.received.len() + self.data.as_ref().map_or(0, Bytes::len)
    }

    fn field(&mut self, line: &Bytes) {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let mut value = line.slice(line.len().min(colon + 1)..);
        if value.starts_with(b" ") {
            value.advance(1);
        }
        match line.get(..colon).unwrap_or_default() {
            b"data" => {
                self.data = Some(match self.data.take() {
                    None => value,
                    Some(before) => [&before[..], b"\n", &value[..]].concat().into(),
                });
            }
            b"id" if !value.contains(&0) => self.id = Some(value),
            // A comment has an empty name.
            _ => {}
        }
    }

    /// A whole line, without its end.
    fn line(&mut self) -> Option<Bytes> {
        let unsearched = self.received.get(self.searched..)?;
        let Some(end) = unsearched.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.searched = self.received.len();
            return None;
        };
        let mut line = self.received.split_to(self.searched + end).freeze();
        self.searched = 0;
        if self.received.get_u8() == b'\r' {
            if self.received.first() == Some(&b'\n') {
                self.received.advance(1);
            }
            self.skip_line_feed = self.received.is_empty();
        }
        if !std::mem::replace(&mut self.is_begun, true) && line.starts_with(BYTE_ORDER_MARK) {
            line.advance(BYTE_ORDER_MARK.len());
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Id and data of each event of a text that comes in pieces of this size.
    fn events_of(text: &str, piece: usize) -> Vec<(Option<String>, String)> {
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut events = Events::default();
        let mut all = Vec::new();
        for bytes in text.as_bytes().chunks(piece) {
            events.push(bytes);
            while let Some(event) = events.next() {
                all.push((event.id.as_deref().map(text_of), text_of(&event.data)));
            }
        }
        all
    }

    #[test]
    fn events_are_read_as_the_standard_asks_wherever_they_are_cut() {
        let text = "\u{feff}: a comment\n\ndata: one\n\n\
                    id: 7\nevent: gap\ndata: two\ndata:  lines\n\n\
                    data:bare\nretry: 5\nunknown\n\n\
                    id: 8\n\n\
                    id: nul\0\ndata\n\n\
                    id\ndata: no id\n\n\
                    data: never ended\n";
        let id = |id: &str| Some(id.to_owned());
        let expected = [
            (None, "one"),
            (id("7"), "two\n lines"),
            (id("7"), "bare"),
            (id("8"), ""),
            (id(""), "no id"),
        ]
        .map(|(id, data)| (id, data.to_owned()));
        for end in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', end);
            for piece in [1, 2, 3, 7, text.len()] {
                assert_eq!(events_of(&text, piece), expected, "{end:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_is_kept_is_counted() {
        let mut events = Events::default();
        events.push(b"data: 12345\nid: 1");
        assert_eq!((events.next(), events.kept_bytes()), (None, 5 + 5));
        events.push(b"\n\n");
        assert!(events.next().is_some());
        assert_eq!(events.kept_bytes(), 0);
    }
}
