//! Levels: how much waits in queues and backlogs, against what may.

use bellwether_broker::{Broker, SubscriptionInfo};
use bellwether_history::Kind;
use bellwether_message::Instance;

use crate::process::ProcessId;
use crate::world::World;

impl World {
    /// Now and then, the levels and their bounds.
    pub(crate) fn measure(&mut self, process: ProcessId) {
        if !self.random.percent(4) {
            return;
        }
        let nth = self.random.index(self.plan.instances.len());
        let instance = self.plan.instances[nth];
        let broker = self.processes[process].broker.clone();
        let settings = broker.settings(instance);
        let (messages, bytes) = broker.backlog_size(instance);
        self.size(process, "backlog messages", messages, settings.backlog_messages);
        if messages > 1 {
            self.size(process, "backlog bytes", bytes, settings.backlog_bytes);
        }
        for info in subscriptions(&broker, instance) {
            self.size(process, "queue messages", info.queue_messages, settings.queue_messages);
            if info.queue_messages > 1 {
                self.size(process, "queue bytes", info.queue_bytes, settings.queue_bytes);
            }
        }
    }

    /// Nothing waits to be read any more.
    pub(crate) fn measure_rest(&mut self, process: ProcessId) {
        let broker = self.processes[process].broker.clone();
        for nth in 0..self.plan.instances.len() {
            for info in subscriptions(&broker, self.plan.instances[nth]) {
                self.size(process, "queue messages at rest", info.queue_messages, 0);
            }
        }
    }

    fn size(&mut self, process: ProcessId, what: &str, value: usize, bound: usize) {
        let (what, value, bound) = (what.into(), value as u64, bound as u64);
        self.say(process, Kind::Size { what, value, bound });
    }
}

/// The subscriptions in an order of their own: the broker's is that of a hash table, which is another in each process.
fn subscriptions(broker: &Broker, instance: Instance) -> Vec<SubscriptionInfo> {
    let mut all = broker.subscriptions(instance);
    all.sort_by(|one, other| {
        let key = |info: &SubscriptionInfo| (info.queue_messages, info.queue_bytes);
        one.patterns.cmp(&other.patterns).then(key(one).cmp(&key(other)))
    });
    all
}
