//! Long-lived tasks: each runs until the node stops, or the node does.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Spawns a node's tasks and notices when one ends that should not.
///
/// A task that panics or gives up fails the whole node, with a reason: a node without its gossip, or deaf on one link,
/// is worse than one that a service manager restarts.
#[derive(Debug, Clone)]
pub struct Supervisor {
    tracker: TaskTracker,
    stop: CancellationToken,
    failure: Arc<watch::Sender<Option<String>>>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            failure: Arc::new(watch::Sender::new(None)),
        }
    }
}

impl Supervisor {
    /// Spawns a task that must not end before the node stops. It is dropped when the node stops.
    pub fn spawn_forever(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let this = self.clone();
        self.watch(name, async move {
            tokio::select! {
                () = this.stop.cancelled() => {}
                () = task => this.fail(format!("task `{name}` ended unexpectedly")),
            }
        });
    }

    /// Spawns a task that ends by itself, such as one link. It is dropped when the node stops.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.watch(name, async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    fn watch(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let this = self.clone();
        let task = tokio::spawn(task);
        self.tracker.spawn(async move {
            if task.await.is_err_and(|err| err.is_panic()) {
                this.fail(format!("task `{name}` panicked"));
            }
        });
    }

    /// The node cannot go on. The first reason is kept.
    pub fn fail(&self, reason: String) {
        self.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            if first {
                *failure = Some(reason);
            }
            first
        });
    }

    /// Waits until the node cannot go on; gives the reason. Cancel safe.
    pub async fn failed(&self) -> String {
        let mut failure = self.failure.subscribe();
        match failure.wait_for(Option::is_some).await.map(|reason| reason.clone()) {
            Ok(Some(reason)) => reason,
            // Unreachable: the sender lives in `self`, and the condition asks for a reason.
            _ => std::future::pending().await,
        }
    }

    /// Drops all tasks and waits until they are gone.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_or_an_early_end_fails_the_node_with_its_name() {
        let supervisor = Supervisor::default();
        supervisor.spawn("short", async {});
        supervisor.spawn_forever("gossip", async {});
        assert_eq!(supervisor.failed().await, "task `gossip` ended unexpectedly");
        let supervisor = Supervisor::default();
        supervisor.spawn("link", async { panic!("planted") });
        assert_eq!(supervisor.failed().await, "task `link` panicked");
    }

    #[tokio::test]
    async fn stopping_drops_the_tasks_and_is_no_failure() {
        let supervisor = Supervisor::default();
        supervisor.spawn_forever("gossip", std::future::pending());
        supervisor.stop().await;
        assert!(supervisor.failure.borrow().is_none());
    }
}
