//! A mesh for cluster-wide events, to embed in a Rust program.
//!
//! A [`Node`] runs a local broker with ten segregated [instances](Instance), finds its peers by gossip and hands
//! messages to them over QUIC, each message signed and tagged with the node where it arose and the node that reported
//! it.

mod alerts;
mod builder;
pub mod config;
pub mod emitters;
mod epoch_file;
mod figures;
mod host;
mod instance_info;
mod integration;
mod keys;
mod log_bridge;
mod node;
mod process;
mod publishing;
mod readiness;
mod replay;
mod reporters;
mod snapshot;
mod span_counts;
#[cfg(feature = "otel")]
mod spans;
#[cfg(not(feature = "otel"))]
#[path = "no_spans.rs"]
mod spans;
mod subscriber;
mod subscription;
pub mod subscription_health;
mod taking_over;
mod ticks;

pub use bellwether_catalogue as catalogue;

pub use bellwether_broker::{
    Broker, Counters, Delivery, DropReason, EpochEnded, Gap, GapCause, InstanceSettings, LATENCY_BUCKETS_MS, Latency,
    LatencyCounts, Live, Overflow, Position, PublishError, SubscribeError, TopicCount,
};
pub use bellwether_mesh::{GossipFigures, LaneFigures, LinkFigures, Member, MemberState, Outcome, SocketFactory};
pub use bellwether_message::json::MessageJson;
pub use bellwether_message::{
    Confirm, ConfirmTextError, ContentType, DEFAULT_EVENT, Draft, DraftError, Envelope, Epoch, Head, HeaderError,
    Headers, HeadersView, Instance, InstanceError, KeyId, KeyIdError, KeyRing, MAX_PAYLOAD_BYTES, MessageId,
    MessageIdError, NodeId, Pattern, Source, TRACEPARENT, TRACESTATE, Timestamp, TimestampError, Topic, TopicError,
    TraceParent, WallClock,
};

pub use self::alerts::{AlertState, AlertView, Alerts, MAX_ALERT_ID_BYTES};
pub use self::builder::NodeBuilder;
pub use self::config::{Config, ConfigError, Layer, Secrets};
pub use self::emitters::{EmitterPool, EmitterSettings};
pub use self::figures::{AddRuleError, Gauge, GaugeKind, ThresholdKind, ThresholdRule};
pub use self::host::Host;
pub use self::instance_info::InstanceInfo;
pub use self::integration::{
    Alerting, BatchCounts, Compatibility, Details, HealthMonitoring, Integration, IntegrationSettings,
    IntegrationStatus, Outcome as BroadcastOutcome, PublishTypedError, Sent,
};
pub use self::keys::{KeyInfo, Keys, MemberKeys, ReplaceSecretsError, Rotation};
pub use self::log_bridge::{
    AttachError, LogBridge, LogBridgeCounts, LogBridgeSettings, LogRule, LogRuleError, RuleAction, RuleBy,
};
pub use self::node::{Node, StartError, Stopped};
pub use self::process::ProcessFigures;
pub use self::publishing::{Confirmed, PeerOutcome, PublishConfirmedError, PublishWaitingError};
pub use self::readiness::{LiveReport, Readiness};
pub use self::replay::{FeedPosition, ReplayFrom};
pub use self::snapshot::{InstanceRow, LaneRow, LinkRow, ProcessRow, SNAPSHOTS, Snapshot, WorstRow};
pub use self::span_counts::SpanCounts;
#[cfg(feature = "otel")]
pub use self::spans::SPANS_PER_SECOND;
pub use self::subscriber::Subscriber;
pub use self::subscription::Subscription;
pub use self::subscription_health::SubscriptionHealthTracker;
pub use self::subscription_health::circuit_breaker::{BreakerHandle, BreakerOptions};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
