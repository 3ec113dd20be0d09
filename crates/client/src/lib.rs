//! A program's connection to the node on its host: publish, subscribe, confirm, and resume after the node has restarted.
//!
//! For programs that do not embed a node. Speaks HTTP/1.1 to the node's listener, over TCP, TLS (feature `tls`) or a Unix
//! socket; no mesh, no gossip, no QUIC. Words and types (instances, topics, patterns, drafts) are those of a node, from
//! `bellwether_message`: small and pure, and a program that later embeds a node keeps its drafts and patterns.
//!
//! ```no_run
//! use bellwether_client::{Client, Delivery, Draft, Instance, Pattern, Topic};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("http://127.0.0.1:7480").await?;
//! let mut orders = client
//!     .subscribe([(Instance::Events, Pattern::new("orders:*")?)])
//!     .open()
//!     .await?;
//! let draft = Draft::new(Topic::new("orders:new")?, "order_placed").json(r#"{"id":7}"#);
//! client.publish(Instance::Events, &draft).await?;
//! while let Some(delivery) = orders.next().await {
//!     if let Delivery::Message(message) = delivery? {
//!         println!("{} from {}", message.topic, message.reporting_node);
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | connect, with a token and certificates | [`Client::connect`], [`Client::options`] |
//! | publish, confirm, wait for room | [`Client::publish`], [`Client::publish_assured`], [`Client::publish_typed`]; many at once: [`Client::publish_batch`] |
//! | subscribe, resume | [`Client::subscribe`], [`Subscription::cursor`] |
//! | ask and answer | [`Client::request`], [`Client::inbox`], [`Message::reply`] |
//! | look | [`Client::members`], [`Client::instances`], [`Client::subscribers`]; at all nodes: [`Client::watch_mesh`] |

// What arrives from elsewhere must never panic this process.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::string_slice))]

mod client;
mod options;

mod assurance;
mod batch;
mod publish;

mod beginning;
mod delivery;
mod message;
mod subscription;

mod request;

mod mesh_watch;
mod snapshot;
mod views;

mod address;
mod error;
mod query;
mod token;

mod backoff;
mod connection;
mod events;
mod pool;

pub use self::address::{AddressError, NodeAddress};
pub use self::assurance::Assurance;
pub use self::batch::Batch;
pub use self::beginning::{Beginning, BeginningError, Cursor, CursorError};
pub use self::client::Client;
pub use self::delivery::{Continuation, Delivery, EpochEnded, Gap, Live, Reconnected, Subscribed};
pub use self::error::CallError;
pub use self::mesh_watch::MeshWatch;
pub use self::message::Message;
pub use self::options::{AsAddress, ConnectError, Options};
pub use self::publish::{PeerOutcome, PublishError, Published, PublishedTyped, TypedDraft};
pub use self::query::{Path, Query};
pub use self::request::{Asked, Inbox, ReplyError, RequestError};
pub use self::snapshot::{InstanceSnapshot, LaneSnapshot, Link, ProcessSnapshot, Snapshot, WorstSubscriber};
pub use self::subscription::{Item, Loss, StreamError, Subscribe, SubscribeError, Subscription};
pub use self::views::{InstanceInfo, Member, Subscriber};
pub use bellwether_message::{
    Confirm, ConfirmTextError, ContentType, Draft, DraftError, Epoch, HeaderError, Headers, Instance, InstanceError,
    MessageId, NodeId, NodeIdError, Pattern, Timestamp, Topic, TopicError,
};
