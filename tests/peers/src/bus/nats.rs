//! NATS: a client of the process's own server.

use std::sync::Arc;

use anyhow::Context;
use async_nats::{Client, ConnectOptions, Event, Subject};
use futures_util::StreamExt;
use tokio::sync::watch;

use super::{Arrivals, Channels, Inbox};
use crate::arguments::Place;

/// Messages that wait for their reader before the client drops what comes: the default, and more than
/// [`WINDOW`](crate::publisher::WINDOW).
pub(crate) const PENDING: usize = 65_536;
const MESSAGES: &str = "bench.messages";
const ANSWERS: &str = "bench.answers";

/// A handle on the connection, which all clones share.
#[derive(Clone)]
pub(crate) struct NatsBus {
    client: Client,
    published: Subject,
    heard: Subject,
    /// The first thing that went wrong with the connection or with its slow reader.
    fault: watch::Receiver<Option<String>>,
}

impl NatsBus {
    pub(super) async fn join(place: &Place) -> anyhow::Result<Self> {
        let (raised, fault) = watch::channel(None);
        let raised = Arc::new(raised);
        let options = ConnectOptions::new()
            .name(place.name())
            .subscription_capacity(PENDING)
            .event_callback(move |event| {
                let raised = raised.clone();
                async move {
                    if event != Event::Connected {
                        raised.send_if_modified(|first| first.replace(event.to_string()).is_none());
                    }
                }
            });
        let Channels { published, heard } = Channels::of(place, MESSAGES, ANSWERS);
        Ok(Self {
            client: options.connect(format!("nats://{}", place.address)).await?,
            published: published.into(),
            heard: heard.into(),
            fault,
        })
    }

    pub(super) async fn subscribe(&self, inbox: Arc<impl Inbox>) -> anyhow::Result<Arrivals> {
        let mut subscriber = self.client.subscribe(self.heard.clone()).await?;
        let (mut bus, mut fault) = (self.clone(), self.fault.clone());
        let deliver = async move {
            loop {
                let message = subscriber.next().await.context("the subscription has ended")?;
                if let Some(answer) = inbox.take(&message.payload)? {
                    bus.publish(answer).await?;
                }
            }
        };
        Ok(tokio::spawn(async move {
            tokio::select! {
                raised = fault.wait_for(Option::is_some) => {
                    let event = raised.context("the connection has ended")?.clone().unwrap_or_default();
                    Err(anyhow::anyhow!("NATS: {event}"))
                }
                ended = deliver => ended,
            }
        }))
    }

    /// Waits while the client has too much to send.
    pub(super) async fn publish(&mut self, payload: Vec<u8>) -> anyhow::Result<()> {
        self.client.publish(self.published.clone(), payload.into()).await?;
        Ok(())
    }
}
