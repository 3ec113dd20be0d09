//! Zenoh: a peer in each process.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use zenoh::pubsub::Publisher;
use zenoh::qos::CongestionControl;
use zenoh::{Config, Session, Wait};

use super::{Arrivals, Channels, Inbox};
use crate::arguments::Place;
use crate::certificate;

/// How long a peer may need to reach those before it.
const CONNECT_TIMEOUT_MS: u64 = 10_000;
const MESSAGES: &str = "bench/messages";
const ANSWERS: &str = "bench/answers";

/// A handle on the session, which all clones share.
#[derive(Clone)]
pub(crate) struct ZenohBus {
    session: Session,
    publisher: Arc<Publisher<'static>>,
    heard: &'static str,
}

impl ZenohBus {
    /// `transport` is what an endpoint's address begins with.
    pub(super) async fn join(place: &Place, transport: &str) -> anyhow::Result<Self> {
        let config = settings(place, transport).to_string();
        let config = Config::from_json5(&config).map_err(anyhow::Error::from_boxed)?;
        let session = zenoh::open(config).await.map_err(anyhow::Error::from_boxed)?;
        let Channels { published, heard } = Channels::of(place, MESSAGES, ANSWERS);
        // A publisher is reliable unless it is told otherwise.
        let publisher = session
            .declare_publisher(published)
            .congestion_control(CongestionControl::Block)
            .express(false)
            .await
            .map_err(anyhow::Error::from_boxed)?;
        Ok(Self {
            session,
            publisher: Arc::new(publisher),
            heard,
        })
    }

    /// The inbox is called where Zenoh receives, without a queue between, which is the fastest that it has.
    pub(super) async fn subscribe(&self, inbox: Arc<impl Inbox>) -> anyhow::Result<Arrivals> {
        // Only the first fault matters.
        let (raised, mut faults) = mpsc::channel(1);
        let bus = self.clone();
        let take = move |payload: &[u8]| match inbox.take(payload)? {
            Some(answer) => bus.publish(answer),
            None => Ok(()),
        };
        let subscriber = self
            .session
            .declare_subscriber(self.heard)
            .callback(move |sample| {
                if let Err(fault) = take(&sample.payload().to_bytes()) {
                    let _ = raised.try_send(fault);
                }
            })
            .await
            .map_err(anyhow::Error::from_boxed)?;
        Ok(tokio::spawn(async move {
            let fault = faults.recv().await.context("the subscription has ended")?;
            drop(subscriber);
            Err(fault)
        }))
    }

    /// Blocks while the link has too much to send.
    pub(super) fn publish(&self, payload: Vec<u8>) -> anyhow::Result<()> {
        self.publisher.put(payload).wait().map_err(anyhow::Error::from_boxed)
    }
}

/// Peers that know each other's addresses and look for nobody else.
fn settings(place: &Place, transport: &str) -> Value {
    let path = |file: &str| place.folder.join(file).display().to_string();
    let endpoint = |address: &SocketAddr| format!("{transport}/{address}");
    let mut settings = json!({
        "mode": "peer",
        "listen": { "endpoints": [endpoint(&place.address)] },
        "connect": {
            "endpoints": place.earlier.iter().map(endpoint).collect::<Vec<_>>(),
            "timeout_ms": CONNECT_TIMEOUT_MS,
            "exit_on_failure": true,
        },
        "scouting": { "multicast": { "enabled": false }, "gossip": { "enabled": false } },
    });
    if transport == "quic" {
        settings["transport"]["link"]["tls"] = json!({
            "root_ca_certificate": path(certificate::CERTIFICATE),
            "listen_certificate": path(certificate::CERTIFICATE),
            "listen_private_key": path(certificate::KEY),
        });
    }
    settings
}
