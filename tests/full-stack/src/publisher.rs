//! Publishers: tasks that publish on a node while the load lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwether::{Draft, Instance, Node, Topic};
use bellwether_history::{Kind, Run};
use tokio::sync::watch;

use crate::draw::{Draw, Fingerprint};
use crate::plan::PublisherPlan;
use crate::record::Record;

/// Publishes in the name of one run, and writes down what it publishes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    node: Node,
    run: Run,
    record: Record,
    calls: Arc<AtomicU64>,
}

impl Publisher {
    /// Nothing was published yet.
    pub fn new(node: &Node, run: &Run, record: &Record) -> Self {
        Self {
            node: node.clone(),
            run: run.clone(),
            record: record.clone(),
            calls: Arc::default(),
        }
    }

    /// Publishes one message. False: the node refuses.
    pub fn publish(&self, instance: Instance, topic: &str, bytes: usize) -> bool {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let mut text = format!("{}/{}/{call}/", self.run.node, self.run.epoch);
        text.extend(std::iter::repeat_n('.', bytes.saturating_sub(text.len())));
        let hash = Fingerprint::of(text.as_bytes());
        self.record
            .of(&self.run, Kind::publish_call(call, instance, topic, hash));
        let topic = Topic::new(topic).expect("topics of plans are valid");
        match self.node.publish(instance, &Draft::new(topic, "simulated").text(text)) {
            Ok(id) => {
                let seq = id.seq;
                self.record.of(&self.run, Kind::PublishAck { call, seq });
                true
            }
            Err(err) => {
                let error = err.to_string();
                self.record.of(&self.run, Kind::PublishFail { call, error });
                false
            }
        }
    }

    /// Publishes as planned, until the node refuses or the load is over.
    pub async fn run(self, plan: PublisherPlan, mut draw: Draw, mut load: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                biased;
                ended = load.wait_for(|goes_on| !goes_on) => {
                    drop(ended);
                    return;
                }
                () = tokio::time::sleep(plan.every) => {}
            }
            for _ in 0..plan.burst {
                let topic = draw.pick(&plan.topics).clone();
                if !self.publish(plan.instance, &topic, plan.bytes) {
                    return;
                }
            }
        }
    }
}
