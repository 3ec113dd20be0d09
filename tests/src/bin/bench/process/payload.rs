//! What a message of the benchmark carries.

use bellwether_tests::clock::now_ns;

/// Its first bytes; the rest is filling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Payload {
    /// Its place among all messages of the publisher, from 0.
    pub(crate) number: u64,
    /// When it was published; 0 where that is not measured.
    pub(crate) published_ns: u64,
    /// Whether the publisher waits to hear that it has arrived.
    pub(crate) is_mark: bool,
}

impl Payload {
    /// What it takes of a message.
    pub(crate) const BYTES: usize = 17;

    /// One that is published now, and whose latency counts.
    pub(crate) fn timed(number: u64) -> Self {
        Self {
            number,
            published_ns: now_ns(),
            is_mark: false,
        }
    }

    /// Writes it at the beginning of `bytes`, which has room for it.
    pub(crate) fn write(self, bytes: &mut [u8]) {
        let (number, rest) = bytes.split_at_mut(8);
        number.copy_from_slice(&self.number.to_le_bytes());
        let (published_ns, rest) = rest.split_at_mut(8);
        published_ns.copy_from_slice(&self.published_ns.to_le_bytes());
        rest[0] = self.is_mark.into();
    }

    /// Reads it; `None` if the bytes are too few.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        let (published_ns, rest) = rest.split_first_chunk()?;
        Some(Self {
            number: u64::from_le_bytes(*number),
            published_ns: u64::from_le_bytes(*published_ns),
            is_mark: *rest.first()? == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let payload = Payload {
            number: 1 << 40,
            published_ns: 77,
            is_mark: true,
        };
        let mut bytes = [0; 32];
        payload.write(&mut bytes);
        assert_eq!(Payload::read(&bytes), Some(payload));
        assert_eq!(Payload::read(&bytes[..16]), None);
    }
}
