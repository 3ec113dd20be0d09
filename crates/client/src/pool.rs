//! The kept-alive connections of a client.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::error::CallError;
use crate::options::Settings;

/// A connection idle for longer is not used again, since the node may be closing it right now: it does so after 10 s.
const IDLE: Duration = Duration::from_secs(5);

/// Connections that are free, the one used last on top. Bounded by the permits: whoever holds a connection has one.
#[derive(Debug)]
pub(crate) struct Pool {
    settings: Settings,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl Pool {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(settings.connections)),
            settings,
            idle: Mutex::new(Vec::new()),
        })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A connection that may be used now: a free one, or a new one; waits while all are in use. Cancel safe.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease, CallError> {
        let mut lease = self.empty().await;
        while let Some(connection) = self.free() {
            if lease.connection.insert(connection).ready().await {
                lease.is_used = true;
                return Ok(lease);
            }
            lease.connection = None;
        }
        lease.connection = Some(Connection::dial(&self.settings).await?);
        Ok(lease)
    }

    /// A new connection, whatever is free. Cancel safe.
    pub(crate) async fn dial(self: &Arc<Self>) -> Result<Lease, CallError> {
        let mut lease = self.empty().await;
        lease.connection = Some(Connection::dial(&self.settings).await?);
        Ok(lease)
    }

    async fn empty(self: &Arc<Self>) -> Lease {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        Lease {
            pool: Arc::clone(self),
            connection: None,
            is_clean: true,
            is_used: false,
            _permit: permit,
        }
    }

    fn free(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(connection, since)| since.elapsed() <= IDLE && !connection.is_closed());
        idle.pop().map(|(connection, _)| connection)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.settings.connections {
            idle.push((connection, Instant::now()));
        }
    }
}

/// One connection for one user. Dropped, it goes back to the pool if nothing is under way on it, and is closed otherwise.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Arc<Pool>,
    /// None only before it is handed out, and when it is taken away.
    connection: Option<Connection>,
    is_clean: bool,
    is_used: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// The connection. From here on something is under way.
    pub(crate) fn begin(&mut self) -> &mut Connection {
        self.is_clean = false;
        self.connection
            .as_mut()
            .expect("a lease has a connection once it is handed out")
    }

    /// The whole answer has come: the connection may serve again.
    pub(crate) fn end(&mut self) {
        self.is_clean = true;
    }

    /// Whether it has served before, so that its node may have closed it meanwhile.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used
    }

    /// Waits until the connection is closed. Cancel safe: it stays free for others.
    pub(crate) async fn closed(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.closed().await;
        }
    }

    /// Takes the connection out of the pool for good.
    pub(crate) fn keep(mut self) -> Connection {
        self.connection
            .take()
            .expect("a lease has a connection once it is handed out")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_clean
            && let Some(connection) = self.connection.take()
        {
            self.pool.give_back(connection);
        }
    }
}
