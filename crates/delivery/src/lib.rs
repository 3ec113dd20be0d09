//! What the doors share: where a client's stream of deliveries begins and stands, and what its publishing waits for.
//!
//! A client says where a stream is to begin ([`Beginning`]); the door follows what it hands out ([`Place`]), and tells the
//! client an opaque word ([`ResumeToken`]) with which a later stream goes on there, without a hole and without a double.
//! A publisher says what it wants to be sure of ([`Assurance`]). What is handed out has one [form in JSON](json). A connection that becomes something else than HTTP goes on in a
//! [`Handover`]; how it has come in is its [`Peer`].

mod assurance;
mod beginning;
mod handover;
pub mod json;
mod peer;
mod place;
mod resume_token;

pub use self::assurance::{
    Assurance, Assured, DEFAULT_CONFIRM_WITHIN_S, MAX_CONFIRM_WITHIN_S, MAX_WAIT_S, PublishAssuredError, Published,
};
pub use self::beginning::{Beginning, BeginningError};
pub use self::handover::{Handover, Session};
pub use self::peer::Peer;
pub use self::place::Place;
pub use self::resume_token::{ResumeToken, ResumeTokenError};
