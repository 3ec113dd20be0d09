//! Where a stream of deliveries stands, as one opaque word that a client can hand back.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellwether::{Epoch, FeedPosition, Instance, NodeId, Source};

/// Raised when the layout changes.
const FORMAT_VERSION: u8 = 1;

/// The last seq per feed of one stream.
///
/// Written as base64url of
///
/// ```text
/// version u8 ‖ per feed: instance u8 ‖ node length u8 ‖ node ‖ epoch u64 ‖ seq u64      (big endian)
/// ```
///
/// A feed of which nothing is known but that it is read live has the seq [`FeedPosition::LIVE`]. One that is not there
/// is read from its first message, so the word names every feed that the stream knows, about 30 characters each.
#[derive(Debug, Default)]
pub struct ResumeToken {
    feeds: Vec<FeedPosition>,
    /// Kept between writes for its memory.
    bytes: Vec<u8>,
}

impl ResumeToken {
    /// What a word says.
    ///
    /// # Errors
    /// [`ResumeTokenError`]
    pub fn parse(word: &str) -> Result<Vec<FeedPosition>, ResumeTokenError> {
        if word.is_empty() {
            return Err(ResumeTokenError::Empty);
        }
        let bytes = URL_SAFE_NO_PAD.decode(word).map_err(|_| ResumeTokenError::Foreign)?;
        let Some((&FORMAT_VERSION, mut rest)) = bytes.split_first() else {
            return Err(ResumeTokenError::Foreign);
        };
        let mut token = Self::default();
        while !rest.is_empty() {
            let feed = take_feed(&mut rest).ok_or(ResumeTokenError::Foreign)?;
            token.place(feed.instance, &feed.source, feed.seq);
        }
        Ok(token.feeds)
    }

    /// The feed stands here, whatever was known of it.
    pub fn place(&mut self, instance: Instance, source: &Arc<Source>, seq: u64) {
        match self.feed_mut(instance, source) {
            Some(feed) => feed.seq = seq,
            None => self.feeds.push(FeedPosition {
                instance,
                source: source.clone(),
                seq,
            }),
        }
    }

    /// Nothing up to `seq` of the feed will be handed out later. Never moves backwards.
    pub fn raise(&mut self, instance: Instance, source: &Arc<Source>, seq: u64) {
        match self.feed_mut(instance, source) {
            Some(feed) if feed.seq == FeedPosition::LIVE => feed.seq = seq,
            Some(feed) => feed.seq = feed.seq.max(seq),
            None if seq == 0 => {}
            None => self.place(instance, source, seq),
        }
    }

    /// Everything up to `seq` of the feed was handed out, or never will be. An older run of its node is over with that.
    pub fn advance(&mut self, instance: Instance, source: &Arc<Source>, seq: u64) {
        self.forget_before(instance, source);
        self.raise(instance, source, seq);
    }

    /// Nothing more will come of the feed, nor of older runs of its node.
    pub fn end(&mut self, instance: Instance, source: &Arc<Source>) {
        self.forget_before(instance, source);
        self.feeds.retain(|feed| !is(feed, instance, source));
    }

    /// Whether the feed is named.
    pub fn names(&self, instance: Instance, source: &Arc<Source>) -> bool {
        self.feeds.iter().any(|feed| is(feed, instance, source))
    }

    fn forget_before(&mut self, instance: Instance, source: &Source) {
        self.feeds.retain(|feed| {
            let is_older =
                feed.instance == instance && feed.source.epoch < source.epoch && feed.source.node == source.node;
            !is_older
        });
    }

    fn feed_mut(&mut self, instance: Instance, source: &Arc<Source>) -> Option<&mut FeedPosition> {
        self.feeds.iter_mut().find(|feed| is(feed, instance, source))
    }

    /// Appends the word.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        self.bytes.clear();
        self.bytes.push(FORMAT_VERSION);
        for feed in &self.feeds {
            let node = feed.source.node.as_str();
            self.bytes.push(feed.instance as u8);
            self.bytes
                .push(u8::try_from(node.len()).expect("a node id has at most 128 bytes"));
            self.bytes.extend_from_slice(node.as_bytes());
            self.bytes.extend_from_slice(&feed.source.epoch.0.to_be_bytes());
            self.bytes.extend_from_slice(&feed.seq.to_be_bytes());
        }
        let start = out.len();
        out.resize(start + self.bytes.len().div_ceil(3) * 4, 0);
        let word = out.get_mut(start..).unwrap_or_default();
        let written = URL_SAFE_NO_PAD
            .encode_slice(&self.bytes, word)
            .expect("4 characters hold 3 bytes");
        out.truncate(start + written);
    }
}

fn is(feed: &FeedPosition, instance: Instance, source: &Arc<Source>) -> bool {
    feed.instance == instance && (Arc::ptr_eq(&feed.source, source) || feed.source == *source)
}

/// Takes one feed off the front.
fn take_feed(rest: &mut &[u8]) -> Option<FeedPosition> {
    let [instance, node_len] = *take(rest)?;
    let (node, behind) = rest.split_at_checked(usize::from(node_len))?;
    *rest = behind;
    let source = Source {
        node: NodeId::new(std::str::from_utf8(node).ok()?).ok()?,
        epoch: Epoch(u64::from_be_bytes(*take(rest)?)),
    };
    Some(FeedPosition {
        instance: Instance::from_index(instance)?,
        source: Arc::new(source),
        seq: u64::from_be_bytes(*take(rest)?),
    })
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(taken)
}

/// Why a word is no resume token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeTokenError {
    /// There is none.
    #[error(
        "it is empty; give the `id:` of the last event that was received, or a message id, instance/node/epoch/seq"
    )]
    Empty,
    /// This program has not written it, or it was changed on its way.
    #[error(
        "it is not the `id:` of an event of this program; give that word as it came, or a message id, \
         instance/node/epoch/seq"
    )]
    Foreign,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(node: &str, epoch: u64) -> Arc<Source> {
        Arc::new(Source {
            node: NodeId::new(node).unwrap(),
            epoch: Epoch(epoch),
        })
    }

    fn word(token: &mut ResumeToken) -> String {
        let mut line = b"id: ".to_vec();
        token.write(&mut line);
        String::from_utf8(line.split_off(4)).unwrap()
    }

    /// Node, epoch and seq of each feed.
    fn feeds(token: &ResumeToken) -> Vec<(&str, u64, u64)> {
        let feeds = token.feeds.iter();
        feeds
            .map(|feed| (feed.source.node.as_str(), feed.source.epoch.0, feed.seq))
            .collect()
    }

    #[test]
    fn the_layout_is_fixed() {
        let mut token = ResumeToken::default();
        assert_eq!(word(&mut token), "AQ");
        token.advance(Instance::Alerts, &source("a", 2), 3);
        token.advance(Instance::Events, &source("b1", 0x0102), 9);
        token.place(Instance::Audit, &source("c", 1), FeedPosition::LIVE);
        let written = word(&mut token);
        assert_eq!(
            URL_SAFE_NO_PAD.decode(&written).unwrap(),
            b"\x01\x05\x01a\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03\x00\x02b1\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\0\x09\
              \x06\x01c\0\0\0\0\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff"
        );
        assert_eq!(ResumeToken::parse(&written).unwrap(), token.feeds);
        assert_eq!(ResumeToken::parse("AQ"), Ok(Vec::new()));
    }

    #[test]
    fn a_word_that_is_not_ours_is_refused() {
        let mut token = ResumeToken::default();
        token.advance(Instance::Alerts, &source("a", 2), 3);
        let whole = word(&mut token);
        assert_eq!(ResumeToken::parse(""), Err(ResumeTokenError::Empty));
        for length in 1..whole.len() {
            // Two characters are the bare version: a token without feeds.
            let is_one = length == 2;
            assert_eq!(ResumeToken::parse(&whole[..length]).is_ok(), is_one, "{length}");
        }
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        for foreign in [
            "17".to_owned(),
            "Ag".to_owned(),
            format!("{whole}="),
            format!("{whole}AAAA"),
            encoded(b"\x01\x0a\x01a\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03"),
            encoded(b"\x01\x05\x01A\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03"),
            encoded(b"\x01\x05\x00\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03"),
        ] {
            assert_eq!(
                ResumeToken::parse(&foreign),
                Err(ResumeTokenError::Foreign),
                "{foreign}"
            );
        }
    }

    #[test]
    fn a_feed_only_moves_forward_and_a_newer_run_takes_the_place_of_an_older() {
        let mut token = ResumeToken::default();
        token.advance(Instance::Alerts, &source("a", 1), 7);
        token.advance(Instance::Alerts, &source("a", 1), 5);
        token.raise(Instance::Alerts, &source("a", 2), 4);
        assert_eq!(feeds(&token), [("a", 1, 7), ("a", 2, 4)]);
        token.advance(Instance::Alerts, &source("a", 2), 6);
        assert_eq!(feeds(&token), [("a", 2, 6)]);
        token.end(Instance::Audit, &source("a", 2));
        assert_eq!(feeds(&token), [("a", 2, 6)]);
        token.end(Instance::Alerts, &source("a", 2));
        assert_eq!(feeds(&token), []);
    }

    #[test]
    fn a_live_feed_takes_the_first_place_it_is_given() {
        let mut token = ResumeToken::default();
        token.place(Instance::Alerts, &source("a", 1), FeedPosition::LIVE);
        token.raise(Instance::Alerts, &source("a", 1), 0);
        token.raise(Instance::Alerts, &source("b", 1), 0);
        assert_eq!(feeds(&token), [("a", 1, 0)]);
        token.raise(Instance::Alerts, &source("a", 1), 3);
        assert_eq!(feeds(&token), [("a", 1, 3)]);
    }
}
