//! Messages in a stream: each is its length, four bytes, and its payload.

/// Bytes of a length.
const LENGTH: usize = 4;

/// A message with room for its length, whose payload is to be written.
#[derive(Debug)]
pub(super) struct Frame {
    bytes: Vec<u8>,
}

impl Frame {
    pub(super) fn new(payload_bytes: usize) -> Self {
        let length = u32::try_from(payload_bytes).unwrap_or(u32::MAX);
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.resize(LENGTH + payload_bytes, b'x');
        Self { bytes }
    }

    pub(super) fn payload_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[LENGTH..]
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Splits what comes of a stream. Messages are looked at in place; one that ends in a later chunk is copied.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// The beginning of a message.
    begun: Vec<u8>,
}

impl Splitter {
    /// Gives the payload of each message that is whole now.
    pub(super) fn split(
        &mut self,
        mut chunk: &[u8],
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        while !self.begun.is_empty() && !chunk.is_empty() {
            let missing = match frame_bytes(&self.begun) {
                Some(bytes) => bytes - self.begun.len(),
                None => LENGTH - self.begun.len(),
            };
            let (more, rest) = chunk.split_at(missing.min(chunk.len()));
            self.begun.extend_from_slice(more);
            chunk = rest;
            if frame_bytes(&self.begun) == Some(self.begun.len()) {
                take(&self.begun[LENGTH..])?;
                self.begun.clear();
            }
        }
        while let Some((frame, rest)) = frame_bytes(chunk).and_then(|bytes| chunk.split_at_checked(bytes)) {
            take(&frame[LENGTH..])?;
            chunk = rest;
        }
        self.begun.extend_from_slice(chunk);
        Ok(())
    }
}

/// How long the message is that begins here, its length included.
fn frame_bytes(begun: &[u8]) -> Option<usize> {
    let length = begun.first_chunk::<LENGTH>()?;
    Some(LENGTH + u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_the_same_however_the_stream_is_cut() {
        let stream: Vec<u8> = [1, 3, 1, 5]
            .into_iter()
            .flat_map(|bytes| Frame::new(bytes).bytes)
            .collect();
        for cut in 1..=stream.len() {
            let (mut splitter, mut lengths) = (Splitter::default(), Vec::new());
            for chunk in stream.chunks(cut) {
                let taken = splitter.split(chunk, |payload| {
                    lengths.push(payload.len());
                    Ok(())
                });
                assert!(taken.is_ok());
            }
            assert_eq!(lengths, [1, 3, 1, 5], "in chunks of {cut}");
        }
    }
}
