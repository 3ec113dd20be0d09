//! The NATS client protocol, spoken to programs on the host.

mod door;

pub use self::door::{BindError, Nats, NatsSettings, ServeError};
