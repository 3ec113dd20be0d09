//! The node's listener for other programs on the host: HTTP to publish, to subscribe and to look.
//!
//! Only translates: requests become calls of a [`Node`](bellwether::Node), deliveries become lines of JSON. It decides
//! nothing about messages, keeps none, and may be stopped or flooded without harm to the mesh. Nothing in it blocks.
//!
//! ```no_run
//! use bellwether::{Config, Node, NodeId};
//! use bellwether_access::Access;
//! use bellwether_gateway::Gateway;
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::bind("127.0.0.1:7480".parse()?)?;
//! let node = Node::start(Config::new(NodeId::new("a")?)).await?;
//! gateway.serve(node, Access::open(), CancellationToken::new()).await?;
//! # Ok(())
//! # }
//! ```

mod gateway;
mod listener;
mod socket_file;
pub mod tls;

mod api;
mod client;
mod credentials;
mod guard;
mod routes;

mod assurance;
mod batch;
mod body;
mod cloud_event;
mod cloud_events;
mod message_line;
mod outgoing;
mod publish;
mod publishing;
mod socket;
mod subscribe;
mod trace_context;
mod typed_publish;

mod alerts;
mod broadcast;
mod control;
mod integration;
mod keys;
mod subscription_health;
mod thresholds;

mod catalogue;
pub mod catalogue_json;

mod merged;
mod session;
mod stream;
mod watch;

mod rendering;

mod dashboard;
mod mesh_view;
mod metrics;
mod topics;
mod views;

mod error;

pub use self::control::{Control, Order, Reloaded, Stage, Stop};
pub use self::gateway::{BindError, DEFAULT_MAX_CONNECTIONS, Gateway, ServeError};
pub use self::socket::check_socket_frames;
pub use self::socket_file::SocketError;
pub use bellwether_delivery::{Beginning, BeginningError, ResumeTokenError, json};
