//! The NATS client protocol, spoken to programs on the host: any NATS client of any language is a client of the mesh.
//!
//! [`subject`](place_of) says where a subject lies in the mesh, [`parse`] what a client says, `client` carries it out,
//! `connection` moves the bytes, `door` takes the connections.
//!
//! What is the mesh's is kept: order per publisher and subject, queue groups over all nodes, answers, headers, `echo`,
//! `verbose`, no responders, limits. There are no accounts, no JetStream (a request to it is answered that nobody hears, and
//! libraries then say so), no leaf nodes. Nothing is told in-band of messages that were lost: NATS has no word for it; they
//! are counted and logged, and a client that does not read is disconnected (`Slow Consumer`).

// What arrives from elsewhere must never panic this process.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::string_slice))]

mod operation;
mod parser;

mod subject;
mod subject_pattern;
mod token;

mod connect;
mod fault;
mod headers;
mod info;

mod message;
mod own_messages;
mod pending;
mod pings;
mod publishing;
mod ready;
mod subscriptions;

mod announce;
mod client;
mod connection;
mod door;
mod house;

pub use self::door::{BindError, DEFAULT_MAX_CONNECTIONS, Nats, NatsSettings, ServeError};
pub use self::operation::{Operation, Publish};
pub use self::parser::{MAX_CONTROL_LINE_BYTES, ParseError, Step, parse};
pub use self::subject::{place_of, write_subject};
