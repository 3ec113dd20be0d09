//! What the catalogue promises to say: typed messages, their topics, validation and schemas.
//!
//! Pure: no sockets, no tasks.
