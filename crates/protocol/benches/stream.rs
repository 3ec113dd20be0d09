//! A piece of a data stream, as it arrives.

use bellwether_meter::sample;
use bellwether_protocol::frame::put_message;
use bytes::{Bytes, BytesMut};

/// Bytes that a writer hands over at once.
const CHUNK: usize = 64 * 1024;
/// What a packet of the usual size holds of them.
const PACKET: usize = 1_400;

/// The messages of a feed from its beginning, framed.
pub(crate) struct Stream {
    pub(crate) messages: usize,
    /// What is read at once, whole frames in all.
    pub(crate) chunks: Vec<Bytes>,
}

/// In which pieces a stream arrives.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arrival {
    /// All at once.
    Whole,
    /// Packet by packet: frames straddle them.
    Packets,
}

impl Stream {
    /// As many messages as a writer hands over at once.
    pub(crate) fn new(payload: usize, arrival: Arrival) -> Self {
        let mut stream = BytesMut::with_capacity(CHUNK);
        let mut messages = 0;
        for envelope in sample::feed(vec![sample::draft(payload); CHUNK / payload]) {
            if stream.len() < CHUNK {
                put_message(1, envelope.body(), &mut stream);
                messages += 1;
            }
        }
        let stream = stream.freeze();
        let piece = match arrival {
            Arrival::Whole => stream.len(),
            Arrival::Packets => PACKET,
        };
        let starts = (0..stream.len()).step_by(piece);
        let chunks = starts.map(|at| stream.slice(at..stream.len().min(at + piece)));
        Self {
            messages,
            chunks: chunks.collect(),
        }
    }
}

impl Arrival {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Whole, Self::Packets];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whole => "in 64 KiB",
            Self::Packets => "in packets",
        }
    }
}
