//! How far a subscription came. Pure.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::beginning::{Beginning, Cursor};
use crate::delivery::{Continuation, is_message};
use crate::events::Event;

/// Feeds whose place is remembered while there is no cursor. More than a mesh has; beyond them what is replayed anew may
/// come twice.
const MAX_FEEDS: usize = 16_384;

/// Behind the last item that was handed out.
#[derive(Debug)]
pub(super) struct Place {
    is_live: bool,
    cursor: Option<Cursor>,
    /// While there is no cursor: the last seq that was handed out of each feed, by the text of its id. A feed comes in
    /// order, so whatever is not above it has been handed out.
    seen: BTreeMap<String, u64>,
}

impl Place {
    pub(super) fn new(beginning: &Beginning) -> Self {
        Self {
            is_live: *beginning == Beginning::Live,
            cursor: match beginning {
                Beginning::Cursor(cursor) => Some(cursor.clone()),
                _ => None,
            },
            seen: BTreeMap::new(),
        }
    }

    pub(super) fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// What is to be handed out of an event: nothing, if it has been before.
    pub(super) fn pass(&mut self, event: Event) -> Option<Bytes> {
        match event.id.and_then(Cursor::new) {
            Some(cursor) => {
                let is_first = self.cursor.replace(cursor).is_none();
                let is_new = !is_first || self.is_new(&event.data);
                self.seen.clear();
                is_new.then_some(event.data)
            }
            // A stream that begins at a cursor and says no ids yet.
            None if self.cursor.is_some() => Some(event.data),
            None => self.is_new(&event.data).then_some(event.data),
        }
    }

    /// How a subscription that follows a lost one goes on.
    pub(super) fn continuation(&self) -> Continuation {
        match (&self.cursor, self.is_live) {
            (Some(_), _) => Continuation::Resumed,
            (None, false) => Continuation::Anew,
            (None, true) => Continuation::Live,
        }
    }

    /// Whether a message is above what was handed out of its feed; everything else is new.
    fn is_new(&mut self, json: &[u8]) -> bool {
        let Some((feed, seq)) = feed_and_seq(json) else {
            return true;
        };
        if let Some(last) = self.seen.get_mut(feed) {
            let is_new = seq > *last;
            *last = seq.max(*last);
            return is_new;
        }
        if self.seen.len() < MAX_FEEDS {
            self.seen.insert(feed.to_owned(), seq);
        }
        true
    }
}

/// `alerts/a/1` and 7 of a message that begins `{"id":"alerts/a/1/7"`.
fn feed_and_seq(json: &[u8]) -> Option<(&str, u64)> {
    if !is_message(json) {
        return None;
    }
    let text = json.strip_prefix(b"{\"id\":\"")?;
    let end = text.iter().position(|byte| *byte == b'"')?;
    let id = std::str::from_utf8(text.get(..end)?).ok()?;
    let (feed, seq) = id.rsplit_once('/')?;
    Some((feed, seq.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(feed: &str, seq: u64, id: Option<&'static str>) -> Event {
        Event {
            id: id.map(Bytes::from),
            data: format!("{{\"id\":\"{feed}/{seq}\",\"rest\":1}}").into(),
        }
    }

    fn marker(id: Option<&'static str>) -> Event {
        Event {
            id: id.map(Bytes::from),
            data: Bytes::from_static(b"{\"live\":{}}"),
        }
    }

    #[test]
    fn a_cursor_moves_with_what_is_handed_out() {
        let mut place = Place::new(&Beginning::Live);
        assert_eq!((place.cursor(), place.continuation()), (None, Continuation::Live));
        assert!(place.pass(marker(Some("one"))).is_some());
        assert!(place.pass(message("alerts/a/1", 1, Some("two"))).is_some());
        assert_eq!(place.cursor().map(Cursor::as_str), Some("two"));
        assert_eq!(place.continuation(), Continuation::Resumed);
        // Ids are passed over that could not travel back.
        assert!(place.pass(message("alerts/a/1", 2, Some(""))).is_some());
        assert_eq!(place.cursor().map(Cursor::as_str), Some("two"));
    }

    #[test]
    fn what_is_replayed_anew_does_not_come_twice() {
        let mut place = Place::new(&Beginning::Last(5));
        assert!(place.pass(marker(None)).is_some());
        assert!(place.pass(message("alerts/a/1", 3, None)).is_some());
        assert!(place.pass(message("alerts/b/1", 1, None)).is_some());
        assert_eq!(place.continuation(), Continuation::Anew);
        // Cut, and begun again.
        assert!(place.pass(marker(None)).is_some());
        assert!(place.pass(message("alerts/a/1", 3, None)).is_none());
        assert!(place.pass(message("alerts/a/1", 4, None)).is_some());
        assert!(place.pass(message("alerts/a/2", 1, None)).is_some());
        assert!(place.pass(message("alerts/b/1", 1, Some("one"))).is_none());
        assert_eq!(place.continuation(), Continuation::Resumed);
        assert!(place.seen.is_empty());
        assert!(place.pass(message("alerts/b/1", 2, Some("two"))).is_some());
    }

    #[test]
    fn a_subscription_that_begins_at_a_cursor_has_it_from_the_first() {
        let mut place = Place::new(&Beginning::Cursor("zero".parse().unwrap()));
        assert_eq!(place.continuation(), Continuation::Resumed);
        assert!(place.pass(message("alerts/a/1", 3, None)).is_some());
        assert_eq!(place.cursor().map(Cursor::as_str), Some("zero"));
    }

    #[test]
    fn only_messages_have_a_feed() {
        assert_eq!(feed_and_seq(br#"{"id":"alerts/a/1/7","x":1}"#), Some(("alerts/a/1", 7)));
        for json in [
            &b"{\"gap\":{}}"[..],
            b"{\"id\":7}",
            b"{\"id\":\"",
            b"{\"id\":\"a/b\"}",
            b"",
        ] {
            assert_eq!(feed_and_seq(json), None);
        }
    }
}
