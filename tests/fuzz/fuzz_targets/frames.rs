//! The frames of a data stream between nodes, in chunks: whatever the chunks are, the same frames come out.
#![no_main]

use bellwether_protocol::frame::FrameParser;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fn frames(bytes: &[u8], chunk: usize) -> Vec<String> {
    let mut parser = FrameParser::default();
    let mut found = Vec::new();
    for piece in bytes.chunks(chunk.max(1)) {
        parser.push(Bytes::copy_from_slice(piece));
        loop {
            match parser.next_frame() {
                Ok(Some(frame)) => found.push(format!("{frame:?}")),
                Ok(None) => break,
                Err(err) => {
                    found.push(format!("{err:?}"));
                    return found;
                }
            }
        }
    }
    found
}

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, bytes) = input;
    assert_eq!(frames(bytes, usize::MAX), frames(bytes, usize::from(chunk)));
});
