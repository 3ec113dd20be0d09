//! A connection that has become something else than HTTP: what goes on with it runs in the connection's own task, counts as
//! the connection, and ends with it.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What goes on with the connection.
pub type Session = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a handler leaves what its connection is to go on with. An extension of each request.
#[derive(Debug, Clone)]
pub struct Handover {
    sessions: mpsc::Sender<Session>,
    stop: CancellationToken,
}

impl Handover {
    /// For one connection; the session arrives once every copy of this is gone, or none does.
    pub fn new(stop: CancellationToken) -> (Self, mpsc::Receiver<Session>) {
        let (sessions, handed_over) = mpsc::channel(1);
        (Self { sessions, stop }, handed_over)
    }

    /// Cancelled when the gateway stops.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Leaves it there. Where the connection is gone, it is dropped.
    pub async fn go_on_with(self, session: impl Future<Output = ()> + Send + 'static) {
        let _ = self.sessions.send(Box::pin(session)).await;
    }
}
