//! What is said on a Bellwether mesh: instances, topics, envelopes, and how they are signed.
//!
//! Pure: no sockets, no tasks; time is passed in (one function reads the clock for publishers, [`Timestamp::now`]).

// What arrives from elsewhere must never panic this process.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::string_slice))]

mod epoch;
mod instance;
mod message_id;
mod node_id;
mod pattern;
mod timestamp;
mod topic;

mod text;

mod batch;
mod confirm;
mod content_type;
mod draft;
mod envelope;
mod head;
mod headers;
mod piece;
mod record;
mod segment;
mod trace_context;

mod keyring;
mod mac;
mod open;
mod seal;
mod stream_header;

pub mod codec;
pub mod json;
pub mod leb128;
pub mod planted;

pub use self::batch::{Batch, BatchBuilder};
pub use self::confirm::{Confirm, ConfirmTextError};
pub use self::content_type::ContentType;
pub use self::draft::{
    DEFAULT_EVENT, DEFAULT_MAX_PAYLOAD_BYTES, Draft, DraftError, MAX_CONTENT_TYPE_BYTES, MAX_EVENT_BYTES, MAX_ID_BYTES,
    MAX_PAYLOAD_BYTES, MAX_REPLY_TO_BYTES,
};
pub use self::envelope::Envelope;
pub use self::epoch::{Epoch, Source};
pub use self::head::{Head, MAX_HEAD_BYTES};
pub use self::headers::{HeaderError, Headers, HeadersView, MAX_HEADERS_BYTES};
pub use self::instance::{Instance, InstanceError};
pub use self::keyring::{KeyId, KeyIdError, KeyRing, MIN_SECRET_BYTES, SecretError};
pub use self::mac::TAG_BYTES;
pub use self::message_id::{MessageId, MessageIdError};
pub use self::node_id::{LabelEnd, MAX_NODE_ID_BYTES, MAX_NODE_LABEL_BYTES, NodeId, NodeIdError};
pub use self::open::{MAX_BODY_BYTES, Opener, Verified, VerifyError};
pub use self::pattern::Pattern;
pub use self::piece::Piece;
pub use self::seal::{Absorbed, FrameKind, SealError, Sealer};
pub use self::segment::Segment;
pub use self::stream_header::StreamHeader;
pub use self::timestamp::{Timestamp, TimestampError, WallClock};
pub use self::topic::{MAX_TOPIC_BYTES, MAX_TOPIC_LEVELS, Topic, TopicError};
pub use self::trace_context::{TRACEPARENT, TRACESTATE, TraceParent};
