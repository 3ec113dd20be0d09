//! What the nodes tell, for as long as somebody looks: dials again when the node that is asked is lost.

use std::time::Duration;

use bellwether_client::{Client, Snapshot};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Snapshots that wait to be looked at; behind them the node waits.
const WAITING: usize = 64;
/// Between two dials.
const PAUSE: Duration = Duration::from_secs(1);

/// What has happened.
#[derive(Debug)]
pub(super) enum Event {
    Snapshot(Box<Snapshot>),
    /// Nothing comes until it is back.
    Lost(String),
}

/// Ends when it is dropped.
pub(super) struct Feed {
    events: mpsc::Receiver<Event>,
    task: JoinHandle<()>,
}

impl Feed {
    pub(super) fn spawn(client: Client) -> Self {
        let (sender, events) = mpsc::channel(WAITING);
        Self {
            events,
            task: tokio::spawn(run(client, sender)),
        }
    }

    /// Cancel safe. None: what reads it has failed.
    pub(super) async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Until nobody listens.
async fn run(client: Client, events: mpsc::Sender<Event>) {
    loop {
        let words = match client.watch_mesh().await {
            Err(err) => err.to_string(),
            Ok(mut watch) => loop {
                match watch.next_json().await {
                    Err(loss) => break loss.to_string(),
                    Ok(json) => {
                        // What is none is the word of a newer node, or why the stream ends.
                        let Ok(snapshot) = serde_json::from_slice(&json) else {
                            continue;
                        };
                        if events.send(Event::Snapshot(Box::new(snapshot))).await.is_err() {
                            return;
                        }
                    }
                }
            },
        };
        if events.send(Event::Lost(words)).await.is_err() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
