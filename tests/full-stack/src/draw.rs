//! Seeded draws: SplitMix64, so that a seed means the same on every machine and in every version.

/// A stream of numbers that follow from a seed.
#[derive(Debug, Clone)]
pub struct Draw {
    state: u64,
}

impl Draw {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The stream of a seed for one purpose: draws for another do not shift it.
    pub fn of(seed: u64, purpose: &str) -> Self {
        let mut hash = Fingerprint::default();
        hash.add(&seed.to_le_bytes());
        hash.add(purpose.as_bytes());
        Self::new(hash.value())
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high.saturating_sub(low) + 1)
    }

    /// True in so many of a thousand cases.
    pub fn in_thousand(&mut self, cases: u64) -> bool {
        self.next() % 1000 < cases
    }

    /// One of `all`.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = usize::try_from(self.within(0, all.len() as u64 - 1)).unwrap_or(0);
        all.get(at).expect("one of several")
    }
}

/// FNV-1a, to compare what is too long to keep.
#[derive(Debug, Clone, Copy)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    /// Takes in further bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// The fingerprint of everything taken in.
    pub fn value(self) -> u64 {
        self.0
    }

    /// The fingerprint of some bytes.
    pub fn of(bytes: &[u8]) -> u64 {
        let mut hash = Self::default();
        hash.add(bytes);
        hash.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_stay_within_their_bounds() {
        let (mut one, mut other) = (Draw::of(7, "plan"), Draw::of(7, "plan"));
        for _ in 0..1000 {
            let drawn = one.within(3, 5);
            assert!((3..=5).contains(&drawn));
            assert_eq!(drawn, other.within(3, 5));
        }
        assert_ne!(Draw::of(7, "plan").next(), Draw::of(7, "network").next());
        assert_ne!(Draw::of(7, "plan").next(), Draw::of(8, "plan").next());
    }
}
