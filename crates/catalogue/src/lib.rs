//! What the catalogue promises to say: typed messages, their topics, validation and schemas.
//!
//! Pure: no sockets, no tasks, no clock, no randomness; what a node adds to a message comes in as a [`Stamp`].

// What arrives from elsewhere must never panic this process.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::string_slice))]

mod broadcast;
mod message_type;
mod registry;

mod define;
pub mod families;

pub mod field;
mod node_name;
mod number;
pub mod word;

mod invalid;
mod schema;
mod stamp;

pub mod spelling;
mod template;
pub mod topics;

pub use self::broadcast::{Addressed, Broadcast, BroadcastError, Options};
pub use self::define::Message;
pub use self::families::events::EventRecord;
pub use self::invalid::{Invalid, Reason};
pub use self::message_type::{MessageType, SCHEMA_VERSION};
pub use self::node_name::NodeName;
pub use self::number::Number;
pub use self::registry::{
    FAMILIES, Family, RAW_TYPES, ValidateError, all_types, family_of, supported_instances, type_of, types_named,
    unknown_type, validate_message,
};
pub use self::stamp::Stamp;
pub use self::template::level;
