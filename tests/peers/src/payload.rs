//! What a message of the benchmark carries.

/// Bytes of the shortest payload that has room for it all.
pub(crate) const LEAST_BYTES: usize = 18;

/// Its first bytes; the rest is filling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Payload {
    /// Of a message: its place among all of the publisher, from 0. Of an answer: how many messages have arrived.
    pub(crate) number: u64,
    /// When it was published; 0 where that is not measured.
    pub(crate) published_ns: u64,
    pub(crate) kind: Kind,
    /// The place of the process that sent it.
    pub(crate) sender: u8,
}

/// What is to be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is counted.
    Message,
    /// It is counted, and the publisher waits to hear that it has arrived.
    Mark,
    /// It is answered, not counted: the publisher wants to know who is there.
    Greeting,
}

impl Payload {
    /// A payload of this many bytes, at least [`LEAST_BYTES`].
    pub(crate) fn to_bytes(self, length: usize) -> Vec<u8> {
        let mut bytes = vec![b'x'; length.max(LEAST_BYTES)];
        bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.published_ns.to_le_bytes());
        bytes[16] = self.kind as u8;
        bytes[17] = self.sender;
        bytes
    }

    /// Reads it; `None` if these are not bytes of the benchmark.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        let (published_ns, rest) = rest.split_first_chunk()?;
        let [kind, sender] = rest.first_chunk()?;
        let kinds = [Kind::Message, Kind::Mark, Kind::Greeting];
        Some(Self {
            number: u64::from_le_bytes(*number),
            published_ns: u64::from_le_bytes(*published_ns),
            kind: kinds.into_iter().find(|known| *known as u8 == *kind)?,
            sender: *sender,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        for kind in [Kind::Message, Kind::Mark, Kind::Greeting] {
            let payload = Payload {
                number: 1 << 40,
                published_ns: 77,
                kind,
                sender: 2,
            };
            assert_eq!(Payload::read(&payload.to_bytes(128)), Some(payload));
            assert_eq!(payload.to_bytes(128).len(), 128);
            assert_eq!(payload.to_bytes(0).len(), LEAST_BYTES);
        }
    }

    #[test]
    fn what_others_write_is_refused() {
        assert_eq!(Payload::read(&[0; LEAST_BYTES - 1]), None);
        assert_eq!(Payload::read(&[b'x'; 128]), None);
    }
}
