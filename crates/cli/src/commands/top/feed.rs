//! What the nodes tell, for as long as somebody looks: dials again when the node that is asked is lost.

use std::time::Duration;

use bellwether_client::{CallError, Client, MeshWatch, Snapshot};
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
    /// Asks for the first time: what is refused is so for good, and is told before anything is drawn.
    pub(super) async fn open(client: Client) -> Result<Self, CallError> {
        let watch = client.watch_mesh().await?;
        let (sender, events) = mpsc::channel(WAITING);
        Ok(Self {
            events,
            task: tokio::spawn(run(client, watch, sender)),
        })
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
async fn run(client: Client, watch: MeshWatch, events: mpsc::Sender<Event>) {
    let mut watching = Ok(watch);
    loop {
        let words = match watching {
            Err(err) => CallError::to_string(&err),
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
        watching = client.watch_mesh().await;
    }
}
