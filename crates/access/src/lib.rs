//! Who may do what on a node: principals, tokens, permissions and limits.
//!
//! Pure: no sockets, no tasks, no clock; time is passed in. One decision function ([`Rules::judge`]) answers for every door
//! (HTTP, WebSocket, NATS, Phoenix channels) and for every path (exact, pattern, group, resume, replay, admin).
//!
//! A door turns what a client shows into [`Credentials`], and gets a [`Caller`]; then it opens a [`Session`], asks the
//! caller before each publish and each subscribe, asks again for each delivery whose pattern is only partly permitted, and
//! at least twice a second whether the caller [still stands](Caller::check).
//!
//! ```
//! use bellwether_access::{Access, Credentials, Grant, Policy, Principal};
//! use bellwether_message::{Instance, Timestamp};
//!
//! let mut grant = Grant::default();
//! grant.allow_publish = vec!["metrics:*".parse()?];
//! let policy = Policy::closed().with_principal(Principal::new("collector", grant).with_uid(1000));
//! let access = Access::new(policy, None);
//!
//! let caller = access.authenticate(Credentials::Peer { uid: 1000, gid: 1000 }, Timestamp::from_millis(0))?;
//! assert!(caller.may_publish(Instance::Metrics, "cpu:load").is_ok());
//! assert!(caller.may_publish(Instance::Events, "orders").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod account;
mod bucket;
mod caller;
mod denied;
mod in_force;
mod limits;
mod permission;
mod policy;
mod policy_watch;
mod reach;
mod refusals;
mod revoked;
mod rules;
mod session;
mod token;

pub use self::access::{Access, AuthenticateError, Credentials};
pub use self::caller::{Caller, Reach};
pub use self::denied::{Action, Denied};
pub use self::limits::{LimitExceeded, Limits, LimitsOverride};
pub use self::permission::{Permission, PermissionError};
pub use self::policy::{ANONYMOUS, AnonymousRight, AnonymousRightError, Policy, Principal};
pub use self::policy_watch::PolicyWatch;
pub use self::refusals::{Refusal, RefusalReport};
pub use self::revoked::{MAX_REVOKED, Revoked, RevokedError};
pub use self::rules::{Grant, Question, Rules};
pub use self::session::{Permit, Session};
pub use self::token::{
    Claims, ClaimsError, DEFAULT_TOKEN_AGE, MAX_TOKEN_AGE, MAX_TOKEN_BYTES, MAX_TOKEN_PERMISSIONS, TOKEN_PREFIX,
    TokenError, TokenId, TokenKeys,
};
