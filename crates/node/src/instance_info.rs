//! An instance as an operator sees it.

use std::collections::BTreeMap;

use bellwether_broker::{Broker, DropReason, InstanceSettings};
use bellwether_message::Instance;
use serde::Serialize;

/// One instance as an operator sees it: totals since the node started, sizes now, and its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceInfo {
    /// Which.
    pub instance: Instance,
    /// What it is for.
    pub purpose: &'static str,
    /// Messages accepted from local publishers.
    pub published: u64,
    /// Messages handed to local subscriptions, once per subscription.
    pub delivered: u64,
    /// Messages sent to peers, once per peer.
    pub forwarded: u64,
    /// Messages accepted from peers.
    pub received: u64,
    /// Messages dropped or refused, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Local subscriptions.
    pub subscriptions: usize,
    /// Messages that wait in their queues.
    pub queue_messages: usize,
    /// Messages that wait in the longest of them.
    pub deepest_queue_messages: usize,
    /// How full the fullest of them is, of its messages or of its bytes, whichever is more: 0 to 100.
    pub fullest_queue_percent: usize,
    /// Messages kept for peers.
    pub backlog_messages: usize,
    /// Their bytes.
    pub backlog_bytes: usize,
    /// Largest payload accepted.
    pub max_payload_bytes: usize,
    /// Bound of the backlog in messages.
    pub backlog_limit_messages: usize,
    /// Bound of the backlog in bytes.
    pub backlog_limit_bytes: usize,
    /// Bound of a subscription's queue in messages.
    pub queue_limit_messages: usize,
    /// Bound of a subscription's queue in bytes.
    pub queue_limit_bytes: usize,
    /// What happens to a subscription whose queue is full, by its [name](crate::Overflow::name).
    pub overflow: &'static str,
}

impl InstanceInfo {
    pub(crate) fn of(broker: &Broker, instance: Instance) -> Self {
        let counters = broker.counters(instance);
        let (backlog_messages, backlog_bytes) = broker.backlog_size(instance);
        let settings: InstanceSettings = broker.settings(instance);
        let queues = broker.queues(instance);
        Self {
            instance,
            purpose: instance.purpose(),
            published: counters.published.value(),
            delivered: counters.delivered.value(),
            forwarded: counters.forwarded.value(),
            received: counters.received.value(),
            dropped: DropReason::ALL
                .into_iter()
                .map(|why| (why.name(), counters.dropped(why).value()))
                .collect(),
            queue_messages: queues.messages,
            deepest_queue_messages: queues.deepest,
            fullest_queue_percent: queues.fullest_percent,
            subscriptions: queues.subscriptions,
            backlog_messages,
            backlog_bytes,
            max_payload_bytes: settings.max_payload_bytes,
            backlog_limit_messages: settings.backlog_messages,
            backlog_limit_bytes: settings.backlog_bytes,
            queue_limit_messages: settings.queue_messages,
            queue_limit_bytes: settings.queue_bytes,
            overflow: settings.overflow.name(),
        }
    }
}
