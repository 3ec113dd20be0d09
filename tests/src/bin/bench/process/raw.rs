//! The floor: one QUIC stream from the publisher to each subscriber, with nothing that makes it a mesh. No broker, no
//! signature, no sequence, no acknowledgement but one number now and then.
//!
//! What it has in common with the mesh, so that only what the mesh adds is compared: one thread per process, TLS by ring,
//! socket buffers and windows, batches of up to 64 KiB in one piece, and reading in place.

mod endpoint;
mod frames;
mod outbox;
mod publisher;
mod subscriber;

pub(crate) use self::publisher::{Listening, RawOutgoing};
pub(crate) use self::subscriber::RawSubscriber;
