//! What one process has of the system that is measured: a way to publish, and one to be told what arrives.
//!
//! The publisher, the subscribers and their checks are the same for all systems; only what is in here differs.

mod bellwether;
pub(crate) mod nats;
mod zenoh;

use std::convert::Infallible;
use std::sync::Arc;

use tokio::task::JoinHandle;

use self::bellwether::BellwetherBus;
use self::nats::NatsBus;
use self::zenoh::ZenohBus;
use crate::arguments::{PUBLISHER, Place};
use crate::system::System;

/// Clones share the connection. They publish what the process has to say and hear what the others say: the publisher's
/// messages go to the subscribers, their answers to the publisher.
#[derive(Clone)]
pub(crate) enum Bus {
    Bellwether(BellwetherBus),
    Zenoh(ZenohBus),
    Nats(NatsBus),
}

/// Takes what arrives, on whatever thread the system delivers.
pub(crate) trait Inbox: Send + Sync + 'static {
    /// Takes one payload. What it returns is published as the answer.
    fn take(&self, payload: &[u8]) -> anyhow::Result<Option<Vec<u8>>>;
}

/// Ends with a fault of the system or of what it delivered, and never else.
pub(crate) type Arrivals = JoinHandle<anyhow::Result<Infallible>>;

impl Bus {
    /// Listens, or connects to the server.
    pub(crate) async fn join(place: &Place) -> anyhow::Result<Self> {
        Ok(match place.system {
            System::Bellwether => Self::Bellwether(BellwetherBus::join(place).await?),
            System::ZenohTcp => Self::Zenoh(ZenohBus::join(place, "tcp").await?),
            System::ZenohQuic => Self::Zenoh(ZenohBus::join(place, "quic").await?),
            System::Nats | System::BellwetherNats => Self::Nats(NatsBus::join(place).await?),
        })
    }

    /// Begins to hand what arrives to the inbox.
    pub(crate) async fn subscribe(&self, inbox: Arc<impl Inbox>) -> anyhow::Result<Arrivals> {
        match self {
            Self::Bellwether(bus) => bus.subscribe(inbox).await,
            Self::Zenoh(bus) => bus.subscribe(inbox).await,
            Self::Nats(bus) => bus.subscribe(inbox).await,
        }
    }

    /// Hands one message to the system. Waits where the system makes its publishers wait.
    pub(crate) async fn publish(&mut self, payload: Vec<u8>) -> anyhow::Result<()> {
        match self {
            Self::Bellwether(bus) => bus.publish(payload),
            Self::Zenoh(bus) => bus.publish(payload),
            Self::Nats(bus) => bus.publish(payload).await,
        }
    }
}

/// `messages` and `answers`, as far as this process is concerned.
struct Channels<T> {
    published: T,
    heard: T,
}

impl<T> Channels<T> {
    fn of(place: &Place, messages: T, answers: T) -> Self {
        match place.index {
            PUBLISHER => Self {
                published: messages,
                heard: answers,
            },
            _ => Self {
                published: answers,
                heard: messages,
            },
        }
    }
}
