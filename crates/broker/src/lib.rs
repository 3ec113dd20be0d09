//! One node's ten PubSub instances: backlog, matching, subscriptions.
//!
//! The rules of delivery are plain synchronous state ([`matcher`], `backlog`, `ring`, `interest`); [`Subscription`] is
//! the thin async skin. The broker does not know that other nodes exist: it knows sources, and messages of other
//! sources enter beside local ones.

pub mod matcher;

mod backlog;
mod broker;
mod exchange;
mod gates;
mod group;
mod interest;
mod queue;
mod queue_seat;
mod ring;
mod subscription;

mod counters;
mod delivery;
mod feed_watch;
mod footprint;
mod latency;
mod position;
mod room;
mod routes;
mod settings;
mod signal;
mod source_slot;

pub use self::backlog::BatchTail;
pub use self::broker::Broker;
pub use self::counters::{Counters, DropReason};
pub use self::delivery::{Delivery, EpochEnded, Gap, GapCause, Live};
pub use self::exchange::{FeedRead, PublishError, Queues, SubscribeError, SubscriptionInfo};
pub use self::feed_watch::FeedWatch;
pub use self::interest::{Change, Interest, InterestEntry, InterestUpdate, MAX_PATTERNS};
pub use self::latency::{LATENCY_BUCKETS_MS, Latency, LatencyCounts};
pub use self::position::Position;
pub use self::queue_seat::QueueSeat;
pub use self::room::Room;
pub use self::routes::TopicCount;
pub use self::settings::{InstanceSettings, Overflow};
pub use self::source_slot::SourceSlot;
pub use self::subscription::Subscription;
