//! What every node of the mesh tells of itself, as a stream from one node.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use hyper::Request;
use hyper::header::ACCEPT;

use crate::client::Client;
use crate::error::CallError;
use crate::subscription::{EventStream, Loss};

impl Client {
    /// Watches the whole mesh: a [`Snapshot`](crate::Snapshot) of each node every second, whichever node is asked. Nodes
    /// take them only while somebody watches.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn watch_mesh(&self) -> Result<MeshWatch, CallError> {
        let request = Request::get("/v1/mesh?format=sse").header(ACCEPT, "text/event-stream");
        let (connection, body) = self.stream(request).await?;
        Ok(MeshWatch {
            stream: EventStream::new(connection, body, self),
        })
    }
}

/// A stream of snapshots. Pulls: what is not asked for waits at the node. Dropping it ends it.
#[must_use = "nothing is received unless it is asked for"]
pub struct MeshWatch {
    stream: EventStream,
}

impl MeshWatch {
    /// The next snapshot in its JSON form. Cancel safe.
    ///
    /// # Errors
    /// How it was lost: it does not dial again by itself.
    pub async fn next_json(&mut self) -> Result<Bytes, Loss> {
        poll_fn(|context| {
            loop {
                if let Some(event) = self.stream.received() {
                    return Poll::Ready(Ok(event.data));
                }
                if let Err(loss) = std::task::ready!(self.stream.poll_receive(context)) {
                    return Poll::Ready(Err(loss));
                }
            }
        })
        .await
    }
}

impl std::fmt::Debug for MeshWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeshWatch").finish_non_exhaustive()
    }
}
