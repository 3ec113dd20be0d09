//! Traffic: numbered messages, published on one node while something else happens.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::process::Process;

/// Between two messages: a few hundred a second keep every queue short and every gap visible.
const EVERY: Duration = Duration::from_millis(3);

/// Publishes 0, 1, 2, … as text until it is stopped.
#[derive(Debug)]
pub struct Traffic {
    stop: oneshot::Sender<()>,
    publishing: JoinHandle<u64>,
}

impl Traffic {
    /// Begins on `node`.
    pub async fn begin(node: &Process, instance: &str, topic: &str) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let (mut client, instance, topic) = (node.client().await, instance.to_owned(), topic.to_owned());
        let publishing = tokio::spawn(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut number = 0;
            while stopped.try_recv().is_err() {
                ticks.tick().await;
                client.publish(&instance, &topic, number.to_string()).await;
                number += 1;
            }
            number
        });
        Self { stop, publishing }
    }

    /// Ends it and gives how many messages were published, each of them acknowledged.
    pub async fn stop(self) -> u64 {
        // It listens until it is stopped, unless it has panicked, which the next line tells.
        let _ = self.stop.send(());
        self.publishing.await.expect("traffic flows until it is stopped")
    }
}
