//! Where a client's stream of deliveries begins and stands, whatever the door it came through.
//!
//! A client says where a stream is to begin ([`Beginning`]); the door follows what it hands out ([`Place`]), and tells the
//! client an opaque word ([`ResumeToken`]) with which a later stream goes on there, without a hole and without a double.
//! What it hands out has one [form in JSON](json). A connection that becomes something else than HTTP goes on in a
//! [`Handover`]; how it has come in is its [`Peer`].

mod beginning;
mod handover;
pub mod json;
mod peer;
mod place;
mod resume_token;

pub use self::beginning::{Beginning, BeginningError};
pub use self::handover::{Handover, Session};
pub use self::peer::Peer;
pub use self::place::Place;
pub use self::resume_token::{ResumeToken, ResumeTokenError};
