//! What NATS clients say, cut anywhere: the same operations come out, and what is asked for is never less than what is there.
#![no_main]

use bellwether_nats::{Step, parse};
use libfuzzer_sys::fuzz_target;

const MAX_PAYLOAD: usize = 1024;

fn operations(bytes: &[u8], chunk: usize) -> Vec<String> {
    let (mut input, mut found) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(chunk.max(1)) {
        input.extend_from_slice(piece);
        loop {
            let used = match parse(&input, MAX_PAYLOAD) {
                Ok(Step::Operation { operation, used }) => {
                    found.push(format!("{operation:?}"));
                    used
                }
                Ok(Step::Incomplete { .. }) => break,
                Err(err) => {
                    found.push(format!("{err:?}"));
                    return found;
                }
            };
            assert!((1..=input.len()).contains(&used));
            input.drain(..used);
        }
    }
    found
}

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, bytes) = input;
    assert_eq!(operations(bytes, usize::MAX), operations(bytes, usize::from(chunk)));
});
