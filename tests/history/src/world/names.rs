//! Names as small numbers, and the hash that finds them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map for a checker: quick, and not hardened against keys that were chosen to collide.
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

/// Numbers for names, in the order in which they were first seen.
#[derive(Debug, Default)]
pub(crate) struct Names<'e> {
    by_name: FastMap<&'e str, usize>,
    names: Vec<&'e str>,
}

impl<'e> Names<'e> {
    pub(crate) fn number(&mut self, name: &'e str) -> usize {
        *self.by_name.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }

    pub(crate) fn name(&self, number: usize) -> &'e str {
        self.names[number]
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// `a, b`.
    pub(crate) fn list(&self, numbers: impl IntoIterator<Item = usize>) -> String {
        let names: Vec<&str> = numbers.into_iter().map(|number| self.name(number)).collect();
        names.join(", ")
    }
}

/// Multiply and rotate, a word at a time. The standard hash took a third of the time of a check.
#[derive(Debug, Default)]
pub(crate) struct FastHasher(u64);

impl FastHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.mix(rest);
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(byte.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.mix(word as u64);
    }

    fn finish(&self) -> u64 {
        // The map takes the bucket from the low bits, the product is best mixed in the high ones.
        self.0.rotate_left(26)
    }
}
