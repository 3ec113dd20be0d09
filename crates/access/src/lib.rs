//! Who may do what on a node: principals, tokens, permissions and limits.
//!
//! Pure: no sockets, no tasks, no clock; time is passed in. One decision function answers for every door (HTTP, WebSocket,
//! NATS, Phoenix channels) and for every path (exact, pattern, group, resume, replay, admin).
//!
//! A door turns what a client shows into [`Credentials`], and gets a [`Caller`]; then it opens a [`Session`], asks the
//! caller before each publish and each subscribe, asks again for each delivery whose pattern is only partly permitted, and
//! at least twice a second whether the caller [still stands](Caller::check).

mod access;
mod caller;
mod denied;
mod limits;
mod session;

pub use self::access::{Access, AuthenticateError, Credentials};
pub use self::caller::{Caller, Reach};
pub use self::denied::{Action, Denied};
pub use self::limits::{LimitExceeded, Limits};
pub use self::session::{Permit, Session};
