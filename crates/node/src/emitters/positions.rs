//! How far each stream was emitted.

use std::collections::HashMap;

/// Streams of which it is remembered how far they were emitted: some 10 MiB. Of further ones nothing is remembered, so
/// that a pool that begins there repeats them.
pub const MAX_STREAMS: usize = 65_536;

/// The number of the last event of each stream that was emitted.
#[derive(Debug, Default)]
pub(super) struct Positions(HashMap<String, u64>);

impl Positions {
    /// What was emitted before this pool began.
    pub(super) fn new(before: HashMap<String, u64>) -> Self {
        Self(before)
    }

    pub(super) fn emitted(&mut self, stream: &str, number: u64) {
        if let Some(last) = self.0.get_mut(stream) {
            *last = number.max(*last);
        } else if self.0.len() < MAX_STREAMS {
            self.0.insert(stream.to_owned(), number);
        }
    }

    pub(super) fn all(&self) -> HashMap<String, u64> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_of_each_stream_is_remembered_within_bounds() {
        let mut positions = Positions::new(HashMap::from([("old".to_owned(), 7)]));
        for (stream, number) in [("a", 1), ("b", 5), ("a", 2), ("b", 4)] {
            positions.emitted(stream, number);
        }
        let expected = [("old", 7), ("a", 2), ("b", 5)].map(|(stream, number)| (stream.to_owned(), number));
        assert_eq!(positions.all(), HashMap::from(expected));
        for number in 0..MAX_STREAMS {
            positions.emitted(&format!("s{number}"), 1);
        }
        positions.emitted("a", 3);
        assert_eq!((positions.all().len(), positions.all()["a"]), (MAX_STREAMS, 3));
    }
}
