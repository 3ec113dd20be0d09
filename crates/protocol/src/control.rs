//! Control frames: a length (u32, little endian) and a bincode value.

use bellwether_message::codec::{self, Decode, Encode};

/// The wire version spoken here, first in every hello. Version N is to speak with N − 1.
pub const WIRE_VERSION: u16 = 1;
/// Longest frame before the hello was accepted.
pub const MAX_HELLO: usize = 1024;
/// Longest frame after it.
pub const MAX_FRAME: usize = 64 * 1024;
/// Patterns per interest frame: 128 of 240 bytes stay well below [`MAX_FRAME`].
pub const WANTS_PER_FRAME: usize = 128;

/// The dialer's first words on every connection.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub struct Hello {
    /// The version the dialer speaks.
    pub wire_version: u16,
    /// Its cluster.
    pub cluster: String,
    /// Its node id, which its certificate must say too.
    pub node: String,
    /// Its run.
    pub epoch: u64,
    /// Where the dialer itself is dialed.
    pub advertise: String,
    /// Counts the dialer's links: a higher number replaces a lower one of the same run.
    pub link: u64,
    /// The lane this connection is to be.
    pub lane: u8,
    /// Whether the dialer was linked with others before: tells a heal from a newcomer with a taken name.
    pub joined: bool,
    /// The dialer's program version.
    pub program: String,
}

/// What the dialer says after its hello.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub enum FromDialer {
    /// Are you there?
    Ping(u64),
    /// The dialer is stopping: its silence will be no alarm.
    Leaving,
    /// The ids of the keys in the dialer's ring, the signing one first: on every link, and again when the ring is
    /// replaced.
    Keys(Vec<[u8; 8]>),
}

/// What the acceptor says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub enum FromAcceptor {
    /// The hello is accepted.
    Welcome(Welcome),
    /// What the acceptor wants.
    Interest(InterestFrame),
    /// The answer to a ping.
    Pong(u64),
    /// How far feeds have come.
    Ack(Vec<Ack>),
}

/// How far one feed has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub struct Ack {
    /// The feed's instance.
    pub instance: u8,
    /// The last seq the acceptor's broker holds or has accounted for, and one more once the feed's end was heard.
    pub seq: u64,
    /// The acceptor's subscribers that read have room for messages up to this seq.
    pub room_until: u64,
}

/// The answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub struct Welcome {
    /// The version the acceptor speaks.
    pub wire_version: u16,
    /// Its node id, which its certificate must say too.
    pub node: String,
    /// Its run.
    pub epoch: u64,
    /// Its program version.
    pub program: String,
    /// Whether the acceptor has been in a mesh.
    pub joined: bool,
    /// Per instance the next seq wanted; 0 = begin with what is published from now on.
    pub next: Vec<u64>,
}

/// A change of interest, or a part of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub struct InterestFrame {
    /// The version this leads to, once no more parts follow.
    pub version: u64,
    /// Whether what was told before is void.
    pub whole: bool,
    /// Whether parts follow.
    pub more: bool,
    /// The changes, oldest first.
    pub changes: Vec<InterestChange>,
}

/// A pattern more, or one less.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub enum InterestChange {
    /// One more.
    Add(Want),
    /// One less.
    Remove {
        /// Of this instance.
        instance: u8,
        /// The pattern.
        pattern: String,
        /// As this version had added it.
        added: u64,
    },
}

/// One pattern of the acceptor.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub struct Want {
    /// Its instance.
    pub instance: u8,
    /// The pattern.
    pub pattern: String,
    /// The version that added it, echoed in the mark that confirms it.
    pub added: u64,
    /// The seq from which it was live on an earlier link; 0 = from the moment the dialer learns of it.
    pub live_from: u64,
}

/// The bytes of a frame. A frame beyond [`MAX_FRAME`] is a bug of ours, so it is refused here.
pub fn encode<T: Encode>(frame: &T) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 4];
    codec::encode_into(frame, &mut bytes).ok()?;
    let len = u32::try_from(bytes.len() - 4)
        .ok()
        .filter(|len| *len as usize <= MAX_FRAME)?;
    bytes
        .iter_mut()
        .zip(len.to_le_bytes())
        .for_each(|(to, from)| *to = from);
    Some(bytes)
}

/// Reads the value of a frame, without its length.
pub fn decode<T: for<'a> codec::BorrowDecode<'a, ()>>(bytes: &[u8]) -> Option<T> {
    codec::decode(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wire version 1. If this fails, old peers cannot read us: raise the version instead.
    #[test]
    fn the_encodings_are_fixed() {
        let hello = Hello {
            wire_version: WIRE_VERSION,
            cluster: "c".into(),
            node: "a".into(),
            epoch: 9,
            advertise: "127.0.0.1:1".into(),
            link: 3,
            lane: 0,
            joined: true,
            program: "0.1.0".into(),
        };
        let bytes = encode(&hello).unwrap();
        assert_eq!(bytes, b"\x1b\0\0\0\x01\x01c\x01a\x09\x0b127.0.0.1:1\x03\0\x01\x050.1.0");
        assert_eq!(decode::<Hello>(&bytes[4..]), Some(hello));
        assert_eq!(encode(&FromDialer::Ping(7)).unwrap(), b"\x02\0\0\0\0\x07");
        assert_eq!(encode(&FromDialer::Leaving).unwrap(), b"\x01\0\0\0\x01");
        assert_eq!(
            encode(&FromDialer::Keys(vec![*b"12345678"])).unwrap(),
            b"\x0a\0\0\0\x02\x0112345678"
        );
        let welcome = Welcome {
            wire_version: 1,
            node: "b".into(),
            epoch: 2,
            program: "p".into(),
            joined: true,
            next: vec![0, 5],
        };
        assert_eq!(
            encode(&FromAcceptor::Welcome(welcome)).unwrap(),
            b"\x0b\0\0\0\0\x01\x01b\x02\x01p\x01\x02\0\x05"
        );
        let frame = InterestFrame {
            version: 4,
            whole: true,
            more: false,
            changes: vec![
                InterestChange::Add(Want {
                    instance: 5,
                    pattern: "a:*".into(),
                    added: 4,
                    live_from: 1,
                }),
                InterestChange::Remove {
                    instance: 5,
                    pattern: "b".into(),
                    added: 2,
                },
            ],
        };
        assert_eq!(
            encode(&FromAcceptor::Interest(frame)).unwrap(),
            b"\x12\0\0\0\x01\x04\x01\0\x02\0\x05\x03a:*\x04\x01\x01\x05\x01b\x02"
        );
        assert_eq!(encode(&FromAcceptor::Pong(7)).unwrap(), b"\x02\0\0\0\x02\x07");
        assert_eq!(
            encode(&FromAcceptor::Ack(vec![Ack {
                instance: 1,
                seq: 9,
                room_until: 20
            }]))
            .unwrap(),
            b"\x05\0\0\0\x03\x01\x01\x09\x14"
        );
    }

    #[test]
    fn a_full_interest_frame_fits() {
        let want = Want {
            instance: 9,
            pattern: "x".repeat(240),
            added: u64::MAX,
            live_from: u64::MAX,
        };
        let changes = vec![InterestChange::Add(want); WANTS_PER_FRAME];
        let frame = InterestFrame {
            version: u64::MAX,
            whole: true,
            more: true,
            changes,
        };
        assert!(encode(&FromAcceptor::Interest(frame)).is_some());
    }
}
