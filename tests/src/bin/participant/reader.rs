//! The reader of one subscription.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether::{Delivery, Subscription};
use bellwether_history::Kind;
use bellwether_tests::participant::Reading;
use bellwether_tests::{Recorder, fingerprint};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep};

use crate::tally::Tally;

/// Items taken in a row, before they are written.
const TURN: usize = 64;

#[derive(Debug)]
pub(crate) struct Reader {
    reading: watch::Sender<Reading>,
    tally: Arc<Mutex<Tally>>,
    task: JoinHandle<()>,
    recorder: Recorder,
    sub: u64,
}

impl Reader {
    pub(crate) fn start(sub: u64, subscription: Subscription, recorder: Recorder) -> Self {
        let (reading, changes) = watch::channel(Reading::Fast);
        let tally = Arc::new(Mutex::new(Tally::default()));
        let work = Work {
            sub,
            subscription,
            recorder: recorder.clone(),
            tally: tally.clone(),
        };
        Self {
            reading,
            tally,
            task: tokio::spawn(work.run(changes)),
            recorder,
            sub,
        }
    }

    pub(crate) fn read(&mut self, reading: Reading) {
        self.reading.send_replace(reading);
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn unsubscribe(self) {
        self.recorder.write(Kind::Unsubscribe { sub: self.sub });
        self.task.abort();
        // It was aborted, which is no failure.
        let _ = self.task.await;
    }

    /// Waits until the node has ended the subscription and all was handed out.
    pub(crate) async fn ended(self) {
        self.task.await.expect("a reader does not panic");
        self.recorder.write(Kind::StreamEnded { sub: self.sub });
    }
}

struct Work {
    sub: u64,
    subscription: Subscription,
    recorder: Recorder,
    tally: Arc<Mutex<Tally>>,
}

impl Work {
    async fn run(mut self, mut reading: watch::Receiver<Reading>) {
        loop {
            let now = *reading.borrow_and_update();
            tokio::select! {
                // Nobody holds the sender any more when the participant stops.
                changed = reading.changed(), if now == Reading::Stopped => if changed.is_err() { return },
                delivery = self.subscription.next(), if now != Reading::Stopped => {
                    let Some(delivery) = delivery else { return };
                    self.on_delivery(delivery);
                    match now {
                        Reading::Slow(ms) => sleep(Duration::from_millis(ms)).await,
                        _ => self.take_a_turn(),
                    }
                    self.recorder.flush();
                }
            }
        }
    }

    fn take_a_turn(&mut self) {
        for _ in 1..TURN {
            let Some(delivery) = self.subscription.try_next() else {
                break;
            };
            self.on_delivery(delivery);
        }
    }

    fn on_delivery(&mut self, delivery: Delivery) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let sub = self.sub;
        let kind = match &delivery {
            Delivery::Message(envelope) => {
                let payload = envelope.payload();
                tally.on_message(envelope.source(), envelope.seq(), payload);
                Kind::Deliver {
                    sub,
                    origin: envelope.source().node.as_str().into(),
                    origin_epoch: envelope.source().epoch.0,
                    instance: envelope.instance(),
                    seq: envelope.seq(),
                    topic: envelope.topic().into(),
                    hash: fingerprint(payload),
                }
            }
            Delivery::Gap(gap) => {
                tally.on_gap(gap);
                Kind::Gap {
                    sub,
                    origin: gap.source.node.as_str().into(),
                    origin_epoch: gap.source.epoch.0,
                    instance: gap.instance,
                    first: gap.first,
                    last: gap.last,
                    count: gap.count,
                    exact: gap.exact,
                    cause: gap.cause.name().into(),
                }
            }
            Delivery::EpochEnded(end) => {
                tally.on_end(&end.source);
                Kind::EpochEnded {
                    sub,
                    origin: end.source.node.as_str().into(),
                    origin_epoch: end.source.epoch.0,
                    instance: end.instance,
                    last_seq: end.last_seq,
                    tail_unknown: end.tail_unknown,
                }
            }
            other => panic!("a delivery that no history can tell: {other:?}"),
        };
        self.recorder.note(kind);
    }
}
