//! The head of an envelope: every logical field but the payload, as it travels.

use bincode_codec::{BorrowDecode, Encode};

use crate::codec as bincode_codec;
use crate::codec::CodecError;
use crate::draft::{MAX_CONTENT_TYPE_BYTES, MAX_EVENT_BYTES, MAX_ID_BYTES, MAX_REPLY_TO_BYTES, check_text};
use crate::{ContentType, Draft, Epoch, HeadersView, MAX_TOPIC_BYTES, NodeId, Timestamp, Topic};

/// Longest encoded head. The bounds of a [`Draft`] and of a topic keep every head below it.
pub const MAX_HEAD_BYTES: usize = 6 * 1024;

/// The fields of one message that change from message to message.
///
/// What is constant in a feed (node, epoch, instance, cluster) is in the [`StreamHeader`](crate::StreamHeader)
/// and not repeated here: bytes per frame are the biggest cost after signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, BorrowDecode)]
#[bincode(crate = "crate::codec::bincode")]
pub struct Head<'a> {
    /// Place in the feed, from 1, without holes.
    pub seq: u64,
    /// Publishing time in ms relative to the epoch's number, which is itself close to ms since 1970: five bytes
    /// instead of nine.
    time: i64,
    /// Where it was published.
    pub topic: &'a str,
    /// The tag that names the message's type.
    pub event: &'a str,
    /// Where the event arose, if not on the node that published it.
    pub originating_node: Option<&'a str>,
    /// Ties messages of one story together.
    pub correlation_id: Option<&'a str>,
    /// The message that led to this one.
    pub causation_id: Option<&'a str>,
    /// Version of the payload's shape.
    pub schema_version: u16,
    content_type: WireContentType<'a>,
    /// Most messages have nothing of this: one byte says so.
    extra: Option<Extra<'a>>,
}

/// What only some messages have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, BorrowDecode)]
#[bincode(crate = "crate::codec::bincode")]
struct Extra<'a> {
    reply_to: Option<&'a str>,
    headers: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, BorrowDecode)]
#[bincode(crate = "crate::codec::bincode")]
enum WireContentType<'a> {
    Json,
    Text,
    Bytes,
    Other(&'a str),
}

impl<'a> Head<'a> {
    /// The head of `draft` as number `seq` of the feed of a node in its run `epoch`.
    pub fn new(draft: &'a Draft, seq: u64, epoch: Epoch, time: Timestamp) -> Self {
        Self {
            seq,
            time: time.as_millis().wrapping_sub_unsigned(epoch.0),
            topic: draft.topic.as_str(),
            event: &draft.event,
            originating_node: draft.originating_node.as_ref().map(|node| node.as_str()),
            correlation_id: draft.correlation_id.as_deref(),
            causation_id: draft.causation_id.as_deref(),
            schema_version: draft.schema_version,
            content_type: match &draft.content_type {
                ContentType::Json => WireContentType::Json,
                ContentType::Text => WireContentType::Text,
                ContentType::Bytes => WireContentType::Bytes,
                ContentType::Other(name) => WireContentType::Other(name),
            },
            extra: (draft.reply_to.is_some() || !draft.headers.is_empty()).then(|| Extra {
                reply_to: draft.reply_to.as_deref(),
                headers: draft.headers.view().as_str(),
            }),
        }
    }

    /// Where an answer is awaited, as `instance/topic`, if one is.
    pub fn reply_to(&self) -> Option<&'a str> {
        self.extra.and_then(|extra| extra.reply_to)
    }

    /// What else its publisher says.
    pub fn headers(&self) -> HeadersView<'a> {
        HeadersView::unchecked(self.extra.map_or("", |extra| extra.headers))
    }

    /// Where the topic begins in the encoding.
    pub(crate) fn topic_at(&self) -> usize {
        // A signed integer is encoded as an unsigned one whose lowest bit is the sign.
        let time = (self.time.cast_unsigned() << 1) ^ (self.time >> 63).cast_unsigned();
        // A topic's length fits into one byte.
        const { assert!(MAX_TOPIC_BYTES <= 250) };
        bincode_codec::varint_len(self.seq) + bincode_codec::varint_len(time) + 1
    }

    /// The seq that an encoded head begins with, and where what follows seq and time begins: the topic's length.
    pub(crate) fn decode_front(bytes: &[u8]) -> Result<(u64, usize), CodecError> {
        let ((seq, _), used): ((u64, i64), usize) = bincode_codec::decode_front(bytes)?;
        Ok((seq, used))
    }

    /// When it was published, without the rest of the head.
    pub(crate) fn decode_time(bytes: &[u8], epoch: Epoch) -> Result<Timestamp, CodecError> {
        let ((_, time), _): ((u64, i64), usize) = bincode_codec::decode_front(bytes)?;
        Ok(Timestamp::from_millis(time.wrapping_add_unsigned(epoch.0)))
    }

    /// Reads a head from exactly these bytes.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, CodecError> {
        bincode_codec::decode(bytes)
    }

    /// Whether every field is what a draft could have said: what came from elsewhere is held to the same bounds.
    pub(crate) fn is_in_bounds(&self) -> bool {
        let content_type = match self.content_type {
            WireContentType::Other(name) => name,
            _ => "",
        };
        let ids = [
            ("correlation_id", self.correlation_id),
            ("causation_id", self.causation_id),
        ];
        self.seq > 0
            && Topic::check(self.topic).is_ok()
            && !self.event.is_empty()
            && self.originating_node.is_none_or(|node| NodeId::new(node).is_ok())
            && check_text("event", self.event, MAX_EVENT_BYTES).is_ok()
            && check_text("content_type", content_type, MAX_CONTENT_TYPE_BYTES).is_ok()
            && ids
                .iter()
                .all(|(field, id)| check_text(field, id.unwrap_or_default(), MAX_ID_BYTES).is_ok())
            && check_text("reply_to", self.reply_to().unwrap_or_default(), MAX_REPLY_TO_BYTES).is_ok()
            && HeadersView::checked(self.headers().as_str()).is_some()
    }

    /// When it was published, by the publishing node's clock.
    pub fn timestamp(&self, epoch: Epoch) -> Timestamp {
        Timestamp::from_millis(self.time.wrapping_add_unsigned(epoch.0))
    }

    /// What the payload's bytes are.
    pub fn content_type(&self) -> ContentType {
        match self.content_type {
            WireContentType::Json => ContentType::Json,
            WireContentType::Text => ContentType::Text,
            WireContentType::Bytes => ContentType::Bytes,
            WireContentType::Other(name) => ContentType::from_name(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Headers;

    /// Wire format 1. If this fails, old peers cannot read us: raise the format version instead.
    #[test]
    fn the_encoding_of_a_head_is_fixed() {
        let draft = Draft::new(Topic::new("a:b").unwrap(), "tag")
            .correlation_id("c")
            .json("{}");
        let head = Head::new(&draft, 300, Epoch(1_000), Timestamp::from_millis(1_005));
        let mut bytes = Vec::new();
        bincode_codec::encode_into(&head, &mut bytes).unwrap();
        assert_eq!(bytes, b"\xfb\x2c\x01\x0a\x03a:b\x03tag\x00\x01\x01c\x00\x01\x00\x00");
        let mut headers = Headers::default();
        headers.push("N", "v").unwrap();
        let full = draft.clone().reply_to("events/r").headers(headers);
        let full = Head::new(&full, 300, Epoch(1_000), Timestamp::from_millis(1_005));
        let mut longer = Vec::new();
        bincode_codec::encode_into(&full, &mut longer).unwrap();
        assert_eq!(
            longer.strip_prefix(&bytes[..bytes.len() - 1]),
            Some(&b"\x01\x01\x08events/r\x06N: v\r\n"[..])
        );
        let read = Head::decode(&longer).unwrap();
        assert_eq!(
            (read.reply_to(), read.headers().get("N")),
            (Some("events/r"), Some("v"))
        );
        let back = Head::decode(&bytes).unwrap();
        assert_eq!(back, head);
        assert_eq!(back.timestamp(Epoch(1_000)), Timestamp::from_millis(1_005));
    }
}
