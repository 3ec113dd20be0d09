//! The thread of the doors.

use std::thread::{self, JoinHandle};

use anyhow::Context;
use bellwether::Node;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::doors::Doors;
use crate::failure::Failure;
use crate::runtime;

/// The doors on their own thread with their own runtime.
pub(super) struct DoorsThread {
    /// Ends them, also when this is dropped.
    running: DropGuard,
    /// Tells the clients that go elsewhere by themselves to do so.
    leaving: CancellationToken,
    /// Once they have gone, or had their time to.
    left: oneshot::Receiver<()>,
    /// What they say when they are over.
    outcome: oneshot::Receiver<anyhow::Result<()>>,
    thread: JoinHandle<()>,
}

impl DoorsThread {
    pub(super) fn spawn(doors: Doors, node: Node) -> Result<Self, Failure> {
        let stop = CancellationToken::new();
        let running = stop.clone().drop_guard();
        let (tell_outcome, outcome) = oneshot::channel();
        let leaving = stop.child_token();
        let (tell_left, left) = oneshot::channel();
        let leave = (leaving.clone(), tell_left);
        let runtime = runtime::current_thread()?;
        let serve = move || {
            let outcome = runtime.block_on(doors.serve(node, stop, leave));
            // Nobody listens when the node has failed meanwhile.
            let _ = tell_outcome.send(outcome);
        };
        let thread = thread::Builder::new().name("gateway".to_owned()).spawn(serve);
        Ok(Self {
            running,
            leaving,
            left,
            outcome,
            thread: thread.context("cannot start the thread that serves clients")?,
        })
    }

    /// Waits until they are over though nobody stopped them; for ever, if there are none. Cancel safe.
    pub(super) async fn failed(doors: Option<&mut Self>) -> String {
        let Some(doors) = doors else {
            return std::future::pending().await;
        };
        match (&mut doors.outcome).await {
            Ok(Ok(())) => "they ended by themselves".to_owned(),
            Ok(Err(err)) => format!("{err:#}"),
            Err(_) => "what serves them panicked".to_owned(),
        }
    }

    /// Has clients that know of other nodes go there, while this one still serves them.
    pub(super) async fn leave(&mut self) {
        self.leaving.cancel();
        if !self.left.is_terminated() {
            // An error says that they are over, which is as good.
            let _ = (&mut self.left).await;
        }
    }

    /// Lets open requests end, for as long as the doors grant them.
    pub(super) async fn stop(self) {
        drop(self.running);
        if !self.outcome.is_terminated() {
            let _ = self.outcome.await;
        }
        if self.thread.join().is_err() {
            tracing::error!("what serves clients panicked");
        }
    }
}
