//! Where a stream of deliveries stands, as one opaque word that a client can hand back.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellwether::{Instance, Source};

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
/// A feed appears with its first delivery and goes when its epoch has ended, so the word grows with the nodes that
/// publish what the stream receives: about 30 characters each.
#[derive(Debug, Default)]
pub(crate) struct ResumeToken {
    feeds: Vec<Feed>,
    /// Kept between writes for its memory.
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Feed {
    instance: Instance,
    source: Arc<Source>,
    seq: u64,
}

impl Feed {
    fn is(&self, instance: Instance, source: &Arc<Source>) -> bool {
        self.instance == instance && (Arc::ptr_eq(&self.source, source) || self.source == *source)
    }
}

impl ResumeToken {
    /// Everything up to `seq` of the feed was handed out, or never will be.
    pub(crate) fn advance(&mut self, instance: Instance, source: &Arc<Source>, seq: u64) {
        match self.feeds.iter_mut().find(|feed| feed.is(instance, source)) {
            Some(feed) => feed.seq = feed.seq.max(seq),
            None => self.feeds.push(Feed {
                instance,
                source: source.clone(),
                seq,
            }),
        }
    }

    /// Nothing more will come of the feed.
    pub(crate) fn end(&mut self, instance: Instance, source: &Arc<Source>) {
        self.feeds.retain(|feed| !feed.is(instance, source));
    }

    /// Appends the word.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) {
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

#[cfg(test)]
mod tests {
    use bellwether::{Epoch, NodeId};

    use super::*;

    fn source(node: &str, epoch: u64) -> Arc<Source> {
        Arc::new(Source {
            node: NodeId::new(node).unwrap(),
            epoch: Epoch(epoch),
        })
    }

    fn decoded(token: &mut ResumeToken) -> Vec<u8> {
        let mut word = b"id: ".to_vec();
        token.write(&mut word);
        URL_SAFE_NO_PAD.decode(word.strip_prefix(b"id: ").unwrap()).unwrap()
    }

    #[test]
    fn the_layout_is_fixed() {
        let mut token = ResumeToken::default();
        assert_eq!(decoded(&mut token), [1]);
        token.advance(Instance::Alerts, &source("a", 2), 3);
        token.advance(Instance::Events, &source("b1", 0x0102), 9);
        assert_eq!(
            decoded(&mut token),
            b"\x01\x05\x01a\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03\x00\x02b1\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\0\x09"
        );
    }

    #[test]
    fn a_feed_only_moves_forward_and_goes_when_its_epoch_ends() {
        let mut token = ResumeToken::default();
        token.advance(Instance::Alerts, &source("a", 1), 7);
        token.advance(Instance::Alerts, &source("a", 1), 5);
        token.advance(Instance::Alerts, &source("a", 2), 1);
        assert_eq!(token.feeds.iter().map(|feed| feed.seq).collect::<Vec<_>>(), [7, 1]);
        token.end(Instance::Audit, &source("a", 1));
        token.end(Instance::Alerts, &source("a", 1));
        assert_eq!(token.feeds.iter().map(|feed| feed.seq).collect::<Vec<_>>(), [1]);
    }
}
