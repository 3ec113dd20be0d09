//! What a data stream announces once, and every signature on it covers.

use bincode_codec::{BorrowDecode, Encode};
use sha2::{Digest, Sha256};

use crate::codec as bincode_codec;
use crate::codec::CodecError;
use crate::{Epoch, Instance, KeyId, NodeId, Source};

/// Format of frames and heads. Raised when either changes in a way an older node cannot read.
pub(crate) const FORMAT_VERSION: u8 = 1;

/// Domain label: a signature made for frames is worthless for anything else.
const LABEL: &[u8; 32] = b"bellwether envelope signature v1";

/// The constant part of a feed's envelopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamHeader {
    /// The cluster's name.
    pub cluster: String,
    /// The key that signs.
    pub key: KeyId,
    /// The writer of the feed.
    pub source: Source,
    /// The instance of the feed.
    pub instance: Instance,
}

#[derive(Encode, BorrowDecode)]
#[bincode(crate = "crate::codec::bincode")]
struct Wire<'a> {
    version: u8,
    cluster: &'a str,
    key: [u8; 8],
    node: &'a str,
    epoch: u64,
    instance: u8,
}

impl StreamHeader {
    /// Its bytes on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let wire = Wire {
            version: FORMAT_VERSION,
            cluster: &self.cluster,
            key: self.key.0,
            node: self.source.node.as_str(),
            epoch: self.source.epoch.0,
            instance: self.instance as u8,
        };
        bincode_codec::encode_into(&wire, &mut bytes).expect("strings and integers always encode");
        bytes
    }

    /// Reads a header; `None` if it is malformed, of another format version, or names what cannot exist.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let wire: Result<Wire<'_>, CodecError> = bincode_codec::decode(bytes);
        let wire = wire.ok().filter(|wire| wire.version == FORMAT_VERSION)?;
        Some(Self {
            cluster: wire.cluster.to_owned(),
            key: KeyId(wire.key),
            source: Source {
                node: NodeId::new(wire.node).ok()?,
                epoch: Epoch(wire.epoch),
            },
            instance: Instance::from_index(wire.instance)?,
        })
    }

    /// One full HMAC block (64 bytes) that stands for the header: absorbed once per stream, so that signing it
    /// costs nothing per message. A digest, because the names may be longer than a block.
    pub(crate) fn block(&self) -> [u8; 64] {
        let mut block = [0; 64];
        let digest = Sha256::digest(self.encode());
        block
            .iter_mut()
            .zip(LABEL.iter().chain(digest.iter()))
            .for_each(|(to, from)| *to = *from);
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_of_a_stream_header_is_fixed() {
        let header = StreamHeader {
            cluster: "c".into(),
            key: KeyId([1, 2, 3, 4, 5, 6, 7, 8]),
            source: Source {
                node: NodeId::new("a").unwrap(),
                epoch: Epoch(9),
            },
            instance: Instance::Alerts,
        };
        let bytes = header.encode();
        assert_eq!(bytes, b"\x01\x01c\x01\x02\x03\x04\x05\x06\x07\x08\x01a\x09\x05");
        assert_eq!(StreamHeader::decode(&bytes), Some(header));
        assert_eq!(
            StreamHeader::decode(b"\x02\x01c\x01\x02\x03\x04\x05\x06\x07\x08\x01a\x09\x05"),
            None,
            "other version"
        );
        assert_eq!(
            StreamHeader::decode(b"\x01\x01c\x01\x02\x03\x04\x05\x06\x07\x08\x01A\x09\x05"),
            None,
            "bad node id"
        );
    }
}
