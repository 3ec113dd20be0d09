//! The history of a run, and the checker that judges it.
//!
//! Whoever runs a mesh, simulated or real, writes one [`Event`] for each thing that a publisher, a subscriber, a node or
//! the driver of the run did or was told. The [`Checker`] reads the whole and finds what the mesh promises and did not
//! keep. It knows nothing of the mesh's own code: only what was published and what came.
//!
//! ```
//! use bellwether_history::{Checker, Event, Kind, Rules};
//! use bellwether_message::Instance;
//!
//! let said = |t, kind| Event::new(t, "a", 1, kind);
//! let history = [
//!     said(0, Kind::Start {}),
//!     said(1, Kind::subscribe_call(1, Instance::Events, ["orders:*"], "live")),
//!     said(2, Kind::SubscribeOk { sub: 1, unconfirmed: vec![] }),
//!     said(3, Kind::publish_call(1, Instance::Events, "orders:new", 0xfeed)),
//!     said(4, Kind::PublishAck { call: 1, seq: 1 }),
//!     said(9, Kind::Quiet {}),
//! ];
//! let broken = Checker::new(Rules::default()).check(&history).unwrap_err();
//! assert_eq!(broken.first().invariant.name(), "I7");
//! ```

mod event;
mod feed;
mod file;
mod kind;
mod same;

mod invariant;
mod report;
mod rules;
mod violation;

mod checker;
mod judge;
mod world;

pub use self::checker::Checker;
pub use self::event::{Event, Run};
pub use self::feed::Feed;
pub use self::file::{ReadError, Writer, merge, read};
pub use self::invariant::Invariant;
pub use self::kind::Kind;
pub use self::report::Report;
pub use self::rules::Rules;
pub use self::same::{Difference, same};
pub use self::violation::{Violation, Violations};
