//! Who gets a subscription's events, if it is not everybody who listens to its topic.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bellwether_catalogue::EventRecord;
use tokio::sync::mpsc;

/// What a subscriber's function returns, with its error as text.
pub(super) type Delivering = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// The one who gets a subscription's events. Each comes as a batch of its own. Cheap to clone.
#[derive(Clone)]
#[non_exhaustive]
pub enum Subscriber {
    /// A bounded channel. One that is full makes events wait; one that is closed ends the pool.
    Channel(mpsc::Sender<Vec<EventRecord>>),
    /// An asynchronous function. An event for which it fails, panics, or takes too long is given to it again.
    Function(Arc<dyn Fn(Vec<EventRecord>) -> Delivering + Send + Sync>),
}

impl Subscriber {
    /// A channel.
    pub fn channel(sender: mpsc::Sender<Vec<EventRecord>>) -> Self {
        Self::Channel(sender)
    }

    /// A function, called for one batch after the other by each worker.
    pub fn function<F, R, E>(function: F) -> Self
    where
        F: Fn(Vec<EventRecord>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        Self::Function(Arc::new(move |batch| {
            let delivering = function(batch);
            Box::pin(async move { delivering.await.map_err(|err| err.to_string()) })
        }))
    }

    /// What it is, for people to read.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Channel(_) => "channel",
            Self::Function(_) => "function",
        }
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<mpsc::Sender<Vec<EventRecord>>> for Subscriber {
    fn from(sender: mpsc::Sender<Vec<EventRecord>>) -> Self {
        Self::Channel(sender)
    }
}
