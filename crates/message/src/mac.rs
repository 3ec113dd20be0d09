//! HMAC-SHA256 with a keyed state, for many short messages.
//!
//! The same function as the `hmac` crate's (its tests say so), without what that has to do for inputs of any shape: here
//! whole blocks are compressed where they lie, the rest is padded once, and a message begins with a copy of two states.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use sha2::block_api::compress256;
use subtle::ConstantTimeEq;

/// Bytes of HMAC-SHA256 that travel: 128 bits, as TLS uses for its own tags.
pub const TAG_BYTES: usize = 16;
/// Bytes of a block of SHA-256.
pub(crate) const BLOCK_BYTES: usize = 64;
/// The end of every padded input: one bit, and the length in bits (FIPS 180-4, section 5.1.1).
const PADDING_BYTES: usize = 9;
/// The initial state of SHA-256 (FIPS 180-4, section 5.3.3).
const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

type State = [u32; 8];

/// A keyed state that has absorbed the key and whole blocks. Cheap to copy: a message begins with a copy.
#[derive(Clone, Copy)]
pub(crate) struct Mac {
    inner: State,
    outer: State,
    /// Blocks that the inner state has absorbed.
    blocks: u64,
}

impl Mac {
    /// The state of a key (RFC 2104, section 2).
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let padded = |pad: u8| {
            let mut block = [pad; BLOCK_BYTES];
            block.iter_mut().zip(key).for_each(|(to, from)| *to ^= from);
            let mut state = INITIAL;
            compress256(&mut state, &[block]);
            state
        };
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
            blocks: 1,
        }
    }

    /// Absorbs the whole blocks that `bytes` begin with, and says how many bytes that were.
    pub(crate) fn absorb(&mut self, bytes: &[u8]) -> usize {
        let (blocks, _) = bytes.as_chunks();
        if !blocks.is_empty() {
            compress256(&mut self.inner, blocks);
            self.blocks += blocks.len() as u64;
        }
        blocks.len() * BLOCK_BYTES
    }

    /// The code of everything that was absorbed, then `bytes`, then `trailer`.
    pub(crate) fn finish<const N: usize>(mut self, bytes: &[u8], trailer: [u8; N]) -> [u8; 32] {
        const { assert!(N + PADDING_BYTES <= BLOCK_BYTES) };
        let absorbed = self.absorb(bytes);
        let rest = bytes.get(absorbed..).unwrap_or_default();
        let bits = (self.blocks * BLOCK_BYTES as u64 + (rest.len() + N) as u64) * 8;
        if rest.len() + N + PADDING_BYTES <= BLOCK_BYTES {
            let mut last = [0; BLOCK_BYTES];
            pad(rest, trailer, bits, &mut last);
            compress256(&mut self.inner, &[last]);
        } else {
            // The rest is shorter than a block, so with the trailer and the padding it fits into two.
            let mut last = [[0; BLOCK_BYTES]; 2];
            pad(rest, trailer, bits, last.as_flattened_mut());
            compress256(&mut self.inner, &last);
        }
        self.finish_outer()
    }

    fn finish_outer(self) -> [u8; 32] {
        const DIGEST_BITS: u64 = ((BLOCK_BYTES + 32) * 8) as u64;
        let mut block = [0; BLOCK_BYTES];
        let (digest, after) = block.split_at_mut(32);
        put_words(&self.inner, digest);
        if let Some(end) = after.first_mut() {
            *end = 0x80;
        }
        if let Some(length) = after.last_chunk_mut() {
            *length = DIGEST_BITS.to_be_bytes();
        }
        let mut state = self.outer;
        compress256(&mut state, &[block]);
        let mut code = [0; 32];
        put_words(&state, &mut code);
        code
    }
}

impl fmt::Debug for Mac {
    /// Never shows the state: it is as good as the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac")
    }
}

/// Writes the end of an input, its trailer and the padding to `blocks`, which are zero.
fn pad<const N: usize>(rest: &[u8], trailer: [u8; N], bits: u64, blocks: &mut [u8]) {
    if let Some((to, after)) = blocks.split_at_mut_checked(rest.len()) {
        to.copy_from_slice(rest);
        if let Some((to, after)) = after.split_first_chunk_mut::<N>() {
            *to = trailer;
            if let Some(end) = after.first_mut() {
                *end = 0x80;
            }
        }
    }
    if let Some(length) = blocks.last_chunk_mut() {
        *length = bits.to_be_bytes();
    }
}

fn put_words(words: &State, to: &mut [u8]) {
    let (to, _) = to.as_chunks_mut();
    to.iter_mut().zip(words).for_each(|(to, word)| *to = word.to_be_bytes());
}

/// Whether the code of some message is the one that the `hmac` crate gives.
pub(crate) fn is_sound(key: &[u8; 32]) -> bool {
    const MESSAGE: [u8; 200] = [0x5a; 200];
    let Ok(mut known) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    known.update(&MESSAGE);
    let (message, trailer) = MESSAGE.split_last_chunk::<7>().unwrap_or((&[], &[0; 7]));
    known.verify_slice(&Mac::new(key).finish(message, *trailer)).is_ok()
}

/// Whether `code` begins with `tag`, in a time that does not tell where they differ.
pub(crate) fn begins_with(code: &[u8; 32], tag: &[u8; TAG_BYTES]) -> bool {
    // As one integer: byte by byte it takes ten times as long.
    code.first_chunk()
        .is_some_and(|begin| u128::from_le_bytes(*begin).ct_eq(&u128::from_le_bytes(*tag)).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn it_is_the_hmac_of_the_hmac_crate(
            key in any::<[u8; 32]>(),
            first in any::<[u8; 64]>(),
            early in proptest::collection::vec(any::<u8>(), 0..300),
            late in proptest::collection::vec(any::<u8>(), 0..300),
            trailer in any::<[u8; 7]>(),
        ) {
            let mut known = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            [&first[..], &early, &late, &trailer].iter().for_each(|part| known.update(part));

            let mut mac = Mac::new(&key);
            prop_assert_eq!(mac.absorb(&first), 64);
            let absorbed = mac.absorb(&early);
            let rest = [&early[absorbed..], &late].concat();
            let code = mac.finish(&rest, trailer);
            prop_assert_eq!(&code[..], &known.finalize().into_bytes()[..]);
            prop_assert!(begins_with(&code, code.first_chunk().unwrap()));
            let mut other = code;
            other[15] ^= 1;
            prop_assert!(!begins_with(&code, other.first_chunk().unwrap()));
        }
    }
}
