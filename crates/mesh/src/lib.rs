//! Bellwether nodes together: identity, membership, links, interest, fan-out.
//!
//! `protocol` holds the rules, without sockets, tasks or clocks. Around it: `outbound`, `session` and `writer` publish on the
//! links this node dials, `inbound` and `reader` receive on those its peers dial. Only `dial` opens connections, for `links`; only
//! `protocol::roster` decides who is a member.

// What arrives from elsewhere must never panic this process.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::string_slice))]

mod membership;
mod mesh;
mod seeds;
mod shared;
mod supervisor;

mod endpoint;
mod figures;
mod identity;
mod keys;

mod stranger;

mod confirmation;
mod control_stream;
mod dial;
mod inbound;
mod links;
mod outbound;
mod reader;
mod replay;
mod session;
mod sources;
mod writer;

mod close;

pub use self::confirmation::Outcome;
pub use self::endpoint::{SocketFactory, UdpSockets};
pub use self::figures::{GossipFigures, LaneFigures, LinkFigures};
pub use self::identity::IdentityError;
pub use self::keys::MemberKeys;
pub use self::mesh::{Mesh, MeshError, MeshSettings};
pub use self::replay::{Replay, ReplayError};
pub use self::stranger::Strangers;
pub use self::supervisor::Supervisor;
pub use bellwether_protocol::lane::Lane;
pub use bellwether_protocol::member::{Member, MemberState};
pub use bellwether_protocol::replay::ReplayStart;
pub use bellwether_protocol::upstream::PastRun;
