//! Framing of data streams.
//!
//! ```text
//! stream  = kind (u8 = 2) ‖ header length (u16 LE) ‖ StreamHeader ‖ start (u64 LE) ‖ frame*
//! frame   = length (LEB128) ‖ 0 ‖ delta (LEB128) ‖ sealed message
//!         | length (LEB128) ‖ 1 ‖ sealed mark
//! ```
//!
//! `start` is the first seq the stream speaks of. `delta` is the message's seq minus that of the frame before it: what
//! lies between was not wanted, and needs no frames of its own. Both are outside the signature (TLS covers them), since
//! they differ from link to link while a message is signed once.

use bellwether_message::{FrameKind, MAX_BODY_BYTES, StreamHeader, leb128};
use bytes::{BufMut, Bytes, BytesMut};

/// First byte of a gossip stream.
pub const STREAM_GOSSIP: u8 = 1;
/// First byte of a data stream.
pub const STREAM_DATA: u8 = 2;
/// Longest stream header: two names and some integers.
pub const MAX_STREAM_HEADER: usize = 512;
/// Longest frame after its length.
const MAX_FRAME: usize = MAX_BODY_BYTES + 16;
/// Memory that is kept for frames that straddle chunks.
const USUAL_PARTIAL: usize = 16 * 1024;
/// Longest LEB128 of a u64.
const MAX_VARINT: usize = 10;

/// What a data stream begins with.
pub fn put_preface(header: &StreamHeader, start: u64, out: &mut BytesMut) {
    let header = header.encode();
    out.put_u8(STREAM_DATA);
    // Bounded by the lengths of a cluster's and a node's name.
    out.put_u16_le(u16::try_from(header.len()).unwrap_or(u16::MAX));
    out.put_slice(&header);
    out.put_u64_le(start);
}

/// Appends a message that follows `delta` after the frame before it.
pub fn put_message(delta: u64, body: &[u8], out: &mut BytesMut) {
    leb128::put((1 + leb128::len(delta) + body.len()) as u64, out);
    out.put_u8(FrameKind::Message as u8);
    leb128::put(delta, out);
    out.put_slice(body);
}

/// Appends a mark.
pub fn put_mark(body: &[u8], out: &mut BytesMut) {
    leb128::put((1 + body.len()) as u64, out);
    out.put_u8(FrameKind::Mark as u8);
    out.put_slice(body);
}

/// One frame of a data stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A message.
    Message {
        /// Its seq minus that of the frame before.
        delta: u64,
        /// What was sealed.
        body: &'a [u8],
    },
    /// A mark.
    Mark {
        /// What was sealed.
        body: &'a [u8],
    },
}

/// Splits a stream into frames. Frames within one chunk are looked at where they lie; one that straddles chunks is copied.
#[derive(Debug, Default)]
pub struct FrameParser {
    chunk: Bytes,
    /// Where the next frame begins in the chunk.
    at: usize,
    /// The beginning of a frame that was not complete yet. Grows with what arrives, never with what is claimed.
    partial: Vec<u8>,
    /// Whether the partial frame was handed out and can go.
    is_whole: bool,
}

impl FrameParser {
    /// Takes the next bytes of the stream. Call it only when [`next_frame`](Self::next_frame) has found nothing more.
    pub fn push(&mut self, chunk: Bytes) {
        (self.chunk, self.at) = (chunk, 0);
    }

    /// The next whole frame.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        if self.is_whole {
            self.is_whole = false;
            self.partial.clear();
            // One that was large leaves no memory behind.
            self.partial.shrink_to(USUAL_PARTIAL);
        }
        if self.partial.is_empty() {
            let rest = self.chunk.get(self.at..).unwrap_or_default();
            let Some((skip, len)) = whole_frame(rest)? else {
                self.partial.extend_from_slice(rest);
                (self.chunk, self.at) = (Bytes::new(), 0);
                return Ok(None);
            };
            let begin = self.at + skip;
            self.at = begin + len;
            return read_frame(self.chunk.get(begin..self.at).unwrap_or_default()).map(Some);
        }
        // Byte by byte until the length is known, then in one piece.
        let skip = loop {
            let rest = self.chunk.get(self.at..).unwrap_or_default();
            let (skip, missing) = match read_varint(&self.partial)? {
                Some((len, used)) => (used, (used + checked_len(len)?).saturating_sub(self.partial.len())),
                None => (0, 1),
            };
            if missing == 0 {
                break skip;
            }
            let more = rest.get(..missing.min(rest.len())).unwrap_or_default();
            if more.is_empty() {
                return Ok(None);
            }
            self.partial.extend_from_slice(more);
            self.at += more.len();
        };
        self.is_whole = true;
        read_frame(self.partial.get(skip..).unwrap_or_default()).map(Some)
    }

    /// Whether a frame has begun and not ended: a stream must not end here.
    pub fn is_inside_frame(&self) -> bool {
        (!self.partial.is_empty() && !self.is_whole) || self.at < self.chunk.len()
    }
}

/// Length of the length, and of the frame, if the frame is complete.
fn whole_frame(bytes: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let Some((len, used)) = read_varint(bytes)? else {
        return Ok(None);
    };
    let len = checked_len(len)?;
    Ok((bytes.len() - used >= len).then_some((used, len)))
}

fn checked_len(len: u64) -> Result<usize, FrameError> {
    usize::try_from(len)
        .ok()
        .filter(|len| *len <= MAX_FRAME)
        .ok_or(FrameError::TooLong)
}

fn read_frame(frame: &[u8]) -> Result<Frame<'_>, FrameError> {
    let (kind, rest) = frame.split_first().ok_or(FrameError::Malformed)?;
    if *kind == FrameKind::Mark as u8 {
        return Ok(Frame::Mark { body: rest });
    }
    if *kind != FrameKind::Message as u8 {
        return Err(FrameError::Malformed);
    }
    let (delta, used) = read_varint(rest)?.ok_or(FrameError::Malformed)?;
    let body = rest.get(used..).unwrap_or_default();
    Ok(Frame::Message { delta, body })
}

/// A LEB128 integer and its length; `None` if more bytes are needed.
fn read_varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, FrameError> {
    // Most are short.
    if let Some(byte) = bytes.first().filter(|byte| **byte < 0x80) {
        return Ok(Some((u64::from(*byte), 1)));
    }
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(MAX_VARINT).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if at == MAX_VARINT - 1 && bits > 1 {
            return Err(FrameError::Malformed);
        }
        value |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if bytes.len() >= MAX_VARINT {
        Err(FrameError::Malformed)
    } else {
        Ok(None)
    }
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It says that it is longer than allowed.
    #[error("a frame is longer than allowed")]
    TooLong,
    /// It is no frame.
    #[error("a frame is malformed")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A message's delta, none for a mark; and what was sealed.
    type Parsed = (Option<u64>, Vec<u8>);

    fn parse(stream: &[u8], cuts: &[usize]) -> Result<Vec<Parsed>, FrameError> {
        let mut parser = FrameParser::default();
        let mut frames = Vec::new();
        let mut at = 0;
        for cut in cuts.iter().chain([&stream.len()]) {
            let to = (*cut).clamp(at, stream.len());
            parser.push(Bytes::copy_from_slice(&stream[at..to]));
            while let Some(frame) = parser.next_frame()? {
                frames.push(match frame {
                    Frame::Message { delta, body } => (Some(delta), body.to_vec()),
                    Frame::Mark { body } => (None, body.to_vec()),
                });
            }
            at = to;
        }
        assert!(!parser.is_inside_frame());
        Ok(frames)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn frames_survive_any_cut_of_the_stream(
            frames in proptest::collection::vec((any::<u64>(), proptest::collection::vec(any::<u8>(), 0..300), any::<bool>()), 0..20),
            mut cuts in proptest::collection::vec(0usize..4000, 0..40),
        ) {
            let mut stream = BytesMut::new();
            for (delta, body, mark) in &frames {
                if *mark { put_mark(body, &mut stream) } else { put_message(*delta, body, &mut stream) }
            }
            cuts.sort_unstable();
            let sent = frames.into_iter().map(|(delta, body, mark)| ((!mark).then_some(delta), body)).collect();
            prop_assert_eq!(parse(&stream, &cuts), Ok(sent));
        }

        #[test]
        fn garbage_is_an_error_or_waits_for_more(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut parser = FrameParser::default();
            parser.push(bytes.into());
            while let Ok(Some(_)) = parser.next_frame() {}
            prop_assert!(parser.partial.capacity() < 4096);
        }
    }

    #[test]
    fn a_lying_length_is_refused_before_anything_is_allocated() {
        let mut parser = FrameParser::default();
        parser.push(Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x7f, 0]));
        assert_eq!(parser.next_frame(), Err(FrameError::TooLong));
        parser = FrameParser::default();
        parser.push(Bytes::from_static(&[0xff; 11]));
        assert_eq!(parser.next_frame(), Err(FrameError::Malformed));
        parser = FrameParser::default();
        parser.push(Bytes::from_static(&[1, 2]));
        assert_eq!(parser.next_frame(), Err(FrameError::Malformed), "unknown kind");
        parser = FrameParser::default();
        parser.push(Bytes::from_static(&[0]));
        assert_eq!(parser.next_frame(), Err(FrameError::Malformed), "empty frame");
    }

    /// A stream of two small frames with a large one between, and where each of them begins, and the end.
    fn around(large: usize) -> (Bytes, Vec<usize>) {
        let (mut stream, mut bounds) = (BytesMut::new(), vec![0]);
        for (delta, len) in [(1, 10), (300, large), (2, 10)] {
            put_message(delta, &vec![delta as u8; len], &mut stream);
            bounds.push(stream.len());
        }
        (stream.freeze(), bounds)
    }

    #[test]
    fn a_frame_larger_than_what_is_kept_for_it_straddles_chunks_of_any_size() {
        for large in [USUAL_PARTIAL - 4, USUAL_PARTIAL, 100_000] {
            let (stream, bounds) = around(large);
            let sent = [(1, 10), (300, large), (2, 10)];
            let sent: Vec<Parsed> = sent.map(|(delta, len)| (Some(delta), vec![delta as u8; len])).into();
            for chunk in [1, 7, 1_200, USUAL_PARTIAL, large] {
                let cuts: Vec<usize> = (chunk..stream.len()).step_by(chunk).collect();
                assert_eq!(parse(&stream, &cuts).as_ref(), Ok(&sent), "{large} bytes by {chunk}");
            }
            for cut in bounds.iter().flat_map(|bound| bound.saturating_sub(6)..bound + 6) {
                assert_eq!(parse(&stream, &[cut]).as_ref(), Ok(&sent), "{large} bytes cut at {cut}");
            }
        }
    }

    #[test]
    fn a_large_frame_leaves_no_memory_behind() {
        let (stream, bounds) = around(100_000);
        let mut parser = FrameParser::default();
        parser.push(stream.slice(..bounds[2] - 1));
        while parser.next_frame().unwrap().is_some() {}
        assert!(parser.partial.capacity() > USUAL_PARTIAL);
        parser.push(stream.slice(bounds[2] - 1..));
        while parser.next_frame().unwrap().is_some() {}
        assert!(parser.partial.capacity() <= USUAL_PARTIAL);
    }

    #[test]
    fn a_stream_is_inside_a_frame_everywhere_but_between_two() {
        let (stream, bounds) = around(40_000);
        let near = bounds.iter().flat_map(|bound| bound.saturating_sub(8)..bound + 8);
        for cut in near.chain([20_000]).filter(|cut| *cut <= stream.len()) {
            let mut parser = FrameParser::default();
            assert!(!parser.is_inside_frame());
            parser.push(stream.slice(..cut));
            while parser.next_frame().unwrap().is_some() {}
            assert_eq!(parser.is_inside_frame(), !bounds.contains(&cut), "cut at {cut}");
            parser.push(stream.slice(cut..));
            while parser.next_frame().unwrap().is_some() {}
            assert!(!parser.is_inside_frame(), "cut at {cut}");
        }
    }

    #[test]
    fn a_stream_is_inside_a_frame_while_bytes_wait_behind_one_that_was_handed_out() {
        let (stream, bounds) = around(40_000);
        let mut parser = FrameParser::default();
        parser.push(stream.slice(..bounds[1] + 9));
        assert!(parser.is_inside_frame(), "nothing was handed out");
        parser.next_frame().unwrap().unwrap();
        assert!(parser.is_inside_frame(), "the second has begun");
        assert_eq!(parser.next_frame(), Ok(None));
        parser.push(stream.slice(bounds[1] + 9..bounds[2]));
        parser.next_frame().unwrap().unwrap();
        assert!(
            !parser.is_inside_frame(),
            "the second has straddled chunks and ended with one"
        );
        parser.push(stream.slice(bounds[2]..));
        assert!(parser.is_inside_frame());
        parser.next_frame().unwrap().unwrap();
        assert!(!parser.is_inside_frame(), "and the third");
        assert_eq!(parser.next_frame(), Ok(None));
    }
}
