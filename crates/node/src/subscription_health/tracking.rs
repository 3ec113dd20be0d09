//! The task that listens to what is told of subscriptions, and sums it up.

use std::time::Duration;

use bellwether_broker::Delivery;
use bellwether_catalogue::Message;
use bellwether_catalogue::families::raw::{HealthSummary, SubscriptionHealth as Told};
use bellwether_catalogue::field::Object;
use bellwether_catalogue::word::Word;
use bellwether_mesh::MemberState;
use bellwether_message::{Envelope, Instance, Pattern, Timestamp};
use bellwether_monitor::log_level::LogLevel;
use bellwether_monitor::subscription_health::{HealthChange, HealthEvent, HealthSettings, Observation, StoreSummary};
use serde_json::Value;
use tokio::time::MissedTickBehavior;

use super::copies::Copies;
use super::duty::Duty;
use crate::node::Node;
use crate::replay::ReplayFrom;
use crate::subscription::Subscription;

/// What is told of one subscription, on its topic and on its store's; and the summaries of other nodes.
const PATTERNS: [&str; 3] = ["subscription_health:*", "+:health", "health_summary:+"];
/// Where the metadata of an event say what went wrong, in the order in which it is looked for.
const REASONS: [&str; 3] = ["error", "crash_reason", "reason"];
/// The least time between two looks, whatever the settings say.
const LEAST_PERIOD: Duration = Duration::from_millis(10);
/// After a subscription that was ended or refused, so long until the next.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Starts it.
pub(crate) fn spawn(node: &Node) {
    node.supervisor()
        .spawn_forever("subscription health", run(node.clone()));
}

/// Listens while the integration is switched on. Whenever it is switched off, or the settings change, all is forgotten:
/// nothing may stay paused by what nobody can correct any more.
async fn run(node: Node) {
    let mut enabled = node.integration_state().watch_enabled();
    let mut settings = node.health_shell().watch_settings();
    loop {
        if enabled.wait_for(|enabled| *enabled).await.is_err() {
            return std::future::pending().await;
        }
        let current = *settings.borrow_and_update();
        node.health_shell().begin_anew(node.uptime());
        tokio::select! {
            () = listen(&node, current) => {}
            () = async { drop(enabled.wait_for(|enabled| !*enabled).await) } => {}
            _ = settings.changed() => {}
        }
        node.health_shell().begin_anew(node.uptime());
    }
}

async fn listen(node: &Node, settings: HealthSettings) {
    if !settings.enabled {
        return std::future::pending().await;
    }
    let patterns = PATTERNS.iter().filter_map(|pattern| Pattern::new(pattern).ok());
    // What happened before this node listened counts as far as it would not have expired.
    let ago = i64::try_from(settings.expire_after.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp::from_millis(node.now().as_millis().saturating_sub(ago));
    match node
        .subscribe_from(Instance::Health, patterns, ReplayFrom::Time(since))
        .await
    {
        Ok((subscription, _)) => Listener::new(node, settings).run(subscription.untraced()).await,
        Err(err) => tracing::warn!(err = %err, "the health of subscriptions cannot be followed; it is tried again"),
    }
    tokio::time::sleep(AGAIN_AFTER).await;
}

struct Listener<'a> {
    node: &'a Node,
    settings: HealthSettings,
    duty: Duty,
    copies: Copies,
    /// What comes is published now. Old news are not logged.
    is_live: bool,
}

impl<'a> Listener<'a> {
    fn new(node: &'a Node, settings: HealthSettings) -> Self {
        Self {
            node,
            settings,
            duty: Duty::default(),
            copies: Copies::default(),
            is_live: false,
        }
    }

    async fn run(mut self, mut subscription: Subscription) {
        let period = self.settings.check_interval.min(self.settings.summary_interval);
        let mut ticks = tokio::time::interval(period.max(LEAST_PERIOD));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                delivery = subscription.next() => match delivery {
                    Some(Delivery::Message(envelope)) => self.hear(&envelope),
                    Some(Delivery::Live(_)) => self.is_live = true,
                    // What was lost is made up for by what is told next.
                    Some(_) => {}
                    None => return,
                },
                _ = ticks.tick() => self.tick(),
            }
        }
    }

    fn hear(&mut self, envelope: &Envelope) {
        let event = envelope.head().event;
        if event == Told::TYPE.tag {
            self.observe(envelope);
        } else if event == HealthSummary::TYPE.tag
            && self.is_live
            && envelope.reporting_node() < self.node.id().as_str()
            && let Ok(summary) = HealthSummary::read(envelope.payload())
        {
            self.duty.heard(&summary.store_id, self.node.uptime());
        }
    }

    fn observe(&mut self, envelope: &Envelope) {
        let told = match Told::read(envelope.payload()) {
            Ok(told) => told,
            Err(err) => {
                tracing::debug!(err = %err, id = %envelope.id(), "what is told of a subscription cannot be read");
                return;
            }
        };
        let topic = envelope.topic();
        let is_on_store = topic.ends_with(":health") && !topic.starts_with("subscription_health:");
        if self
            .copies
            .is_copy(is_on_store, envelope.reporting_node(), envelope.payload())
        {
            return;
        }
        let event = HealthEvent::from_name(told.event_type.as_str());
        let observation = Observation {
            store: &told.store_id,
            subscription: &told.subscription_name,
            event,
            error: reason(&told.metadata),
            at: told.timestamp.unwrap_or_else(|| envelope.timestamp()),
            key: None,
        };
        match self.node.health_shell().observe(observation, self.node.uptime()) {
            Ok((Some(change), _)) => self.log(&change),
            Ok((None, Some(emission))) => {
                let (store, subscription) = (&told.store_id, &told.subscription_name);
                tracing::warn!(store, subscription, event = told.event_type.as_str(), %emission, "a subscription's emission changes");
            }
            Ok((None, None)) => {}
            Err(err) => tracing::debug!(err = %err, id = %envelope.id(), "what is told of a subscription is refused"),
        }
    }

    fn tick(&mut self) {
        let now = self.node.uptime();
        let (changes, summaries) = self.node.health_shell().tick(self.node.now(), now);
        for change in changes {
            self.log(&change);
        }
        if summaries.is_empty() {
            return;
        }
        let rank = self.rank();
        for summary in &summaries {
            if self
                .duty
                .is_mine(&summary.store_id, rank, self.settings.summary_interval, now)
            {
                self.publish(summary);
            }
        }
        self.duty
            .keep(|store| summaries.iter().any(|summary| summary.store_id == store));
    }

    /// How many members alive stand before this node.
    fn rank(&self) -> u32 {
        let members = self.node.members();
        let before = members
            .iter()
            .filter(|member| member.state != MemberState::Down && member.node < *self.node.id());
        u32::try_from(before.count()).unwrap_or(u32::MAX)
    }

    /// Under the names that are sent and those that are read. Of one that fails it was said where it failed.
    fn publish(&self, summary: &StoreSummary) {
        let _ = self.node.integration().publish(|| {
            let mut message = HealthSummary::new(summary.store_id.as_str(), summary.total_subscriptions)
                .healthy(summary.healthy)
                .degraded(summary.degraded)
                .failed(summary.failed)
                .registering(summary.registering)
                .unknown(summary.unknown);
            message.extra = other_names(summary);
            message
        });
    }

    fn log(&self, change: &HealthChange) {
        let level = if self.is_live { change.level() } else { LogLevel::Debug };
        let (store, subscription) = (&*change.store, &*change.subscription);
        let (from, to) = (change.from.name(), change.to.name());
        let event = change.event.as_ref().map_or("silence", HealthEvent::name);
        let reason = change.reason.as_deref().unwrap_or_default();
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    store,
                    subscription,
                    from,
                    to,
                    event,
                    reason,
                    "a subscription's health changes"
                )
            };
        }
        match level {
            LogLevel::Error => log!(error),
            LogLevel::Warn => log!(warn),
            LogLevel::Info => log!(info),
            _ => log!(debug),
        }
    }
}

/// What of a summary has a name that consumers read, and another that publishers send.
fn other_names(summary: &StoreSummary) -> Object {
    let pairs = [
        ("store", Value::from(summary.store_id.as_str())),
        ("healthy_subscriptions", summary.healthy.into()),
        ("unhealthy_subscriptions", summary.unhealthy().into()),
    ];
    pairs
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

fn reason(metadata: &Object) -> Option<&str> {
    REASONS.iter().find_map(|key| metadata.get(*key)?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_error_is_looked_for_where_the_original_puts_it() {
        for (metadata, found) in [
            (json!({"error": "e", "reason": "r"}), Some("e")),
            (json!({"crash_reason": "c", "reason": "r"}), Some("c")),
            (json!({"reason": "r"}), Some("r")),
            (json!({"reason": 7}), None),
            (json!({}), None),
        ] {
            let Value::Object(metadata) = metadata else { continue };
            assert_eq!(reason(&metadata), found);
        }
    }
}
