//! Alerts as they live: raised, acknowledged, escalated, cleared; the same on every node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_broker::Delivery;
use bellwether_catalogue::families::alerts::{AlertAck, AlertEscalation, EscalationLevel};
use bellwether_catalogue::type_of;
use bellwether_mesh::MemberState;
use bellwether_message::{Envelope, Epoch, Instance, NodeId, Pattern, Source};
use bellwether_monitor::alert_book::{Acknowledgement, Alert, AlertBook, AlertSettings, Escalation, Level, Severity};
pub use bellwether_monitor::alert_book::{AlertState, AlertView, MAX_ALERT_ID_BYTES};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::integration::{Alerting, PublishTypedError};
use crate::node::Node;
use crate::replay::ReplayFrom;

/// The key of an alert's metadata that names the key of alerts that are over with it.
pub(crate) const CLEARS: &str = "clears_key";
/// The key of an alert's metadata that says what it is about, where that is not its type and its node.
const KEY: &str = "alert_key";
/// After a subscription that was ended or refused, so long until the next.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Runs of nodes of which is remembered how far they were read; beyond, all are forgotten.
const MAX_SOURCES: usize = 4_096;
/// How often the book looks for what is due.
const TICK: Duration = Duration::from_secs(1);

/// The alerts that a node knows of. Filled from the `alerts` of the whole mesh, those before its start included as far as
/// the nodes still keep them, once the integration is switched on.
///
/// Alerts with one key are one alert that is counted. Of an alert that does not say otherwise the key is its type and its
/// node, `node_failure:b`; its `metadata` may say another as `alert_key`, and as `clears_key` the key of alerts that are over
/// with it.
#[derive(Debug, Clone)]
pub struct Alerts {
    node: Node,
}

/// What of the alerts lives as long as the node.
#[derive(Debug)]
pub(crate) struct AlertsState {
    book: Mutex<AlertBook>,
    began: Instant,
}

impl AlertsState {
    pub(crate) fn new(alerting: &Alerting) -> Self {
        Self {
            book: Mutex::new(AlertBook::new(book_settings(alerting))),
            began: Instant::now(),
        }
    }

    /// Alerts are repeated and escalated by these settings from now on.
    pub(crate) fn configure(&self, alerting: &Alerting) {
        self.book().set_settings(book_settings(alerting));
    }

    fn book(&self) -> MutexGuard<'_, AlertBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether this book has an alert of that key that is not over.
    pub(crate) fn is_raised(&self, key: &str) -> bool {
        self.book().is_raised(key)
    }

    fn on_cleared(&self, key: &str) {
        self.book().on_cleared(key, self.now());
    }

    fn should_publish(&self, key: &str, severity: &str) -> bool {
        self.book().should_publish(key, severity_of(severity), self.now())
    }
}

fn book_settings(alerting: &Alerting) -> AlertSettings {
    AlertSettings {
        dedupe_for: alerting.dedupe_for,
        escalate_after: alerting.escalate_after,
        ..AlertSettings::default()
    }
}

/// An alert that the node itself raises.
#[derive(Debug)]
pub(crate) struct Raised {
    /// Its type, which is its topic, too.
    pub(crate) alert_type: String,
    /// What it is about: with the type, the key by which repetitions are known.
    pub(crate) about: String,
    pub(crate) severity: &'static str,
    pub(crate) words: String,
    pub(crate) context: Value,
}

impl Raised {
    pub(crate) fn key(&self) -> String {
        key(&self.alert_type, &self.about)
    }

    /// Publishes it, unless this node did so a short while ago and it is no worse now.
    pub(crate) fn raise(mut self, node: &Node) {
        let key = self.key();
        if !node.integration().enabled() || !node.alerts_state().should_publish(&key, self.severity) {
            return;
        }
        self.context[KEY] = key.into();
        self.publish(node);
    }

    /// Says that it is over, in these words.
    pub(crate) fn clear(mut self, node: &Node, words: &str) {
        let cleared = self.key();
        node.alerts_state().on_cleared(&cleared);
        self.context[KEY] = key(&self.alert_type, &format!("{} is over", self.about)).into();
        self.context[CLEARS] = cleared.into();
        self.severity = "info";
        words.clone_into(&mut self.words);
        self.publish(node);
    }

    /// Of a broadcast that fails it was said where it failed.
    fn publish(self, node: &Node) {
        let context = self.context;
        let _ = node
            .integration()
            .broadcast_alert(&self.alert_type, self.severity, &self.words, context);
    }
}

/// The key of alerts of a type about something.
pub(crate) fn key(alert_type: &str, about: &str) -> String {
    format!("{alert_type}:{about}")
}

impl Node {
    /// The alerts that this node knows of.
    pub fn alerts(&self) -> Alerts {
        Alerts { node: self.clone() }
    }
}

impl Alerts {
    /// Those that nobody has acknowledged and that are not over, the worst first.
    pub fn open(&self) -> Vec<AlertView> {
        self.state().book().open()
    }

    /// All that are remembered, in the order in which they came: acknowledged and cleared ones for an hour, at most 4,096.
    pub fn all(&self) -> Vec<AlertView> {
        self.state().book().all()
    }

    /// One by its id.
    pub fn one(&self, alert_id: &str) -> Option<AlertView> {
        self.state().book().one(alert_id)
    }

    /// Says on every node that somebody has seen an alert, and publishes it as `AlertAck`. Alerts that this node does not
    /// know may be acknowledged too: another may know them.
    ///
    /// # Errors
    /// [`PublishTypedError`]; nothing was published.
    pub fn acknowledge(
        &self,
        alert_id: &str,
        by: &str,
        note: Option<&str>,
        resolution: Option<&str>,
    ) -> Result<(), PublishTypedError> {
        let mut ack = AlertAck::new(alert_id, by).node(self.node.id());
        ack.ack_note = note.map(str::to_owned);
        ack.resolution = resolution.map(str::to_owned);
        self.node.publish_typed(&ack, None)?;
        // Whoever asks this node next finds it, whether the message has come back yet or not.
        let state = self.state();
        state
            .book()
            .on_acknowledged(alert_id, acknowledgement(ack), state.now());
        Ok(())
    }

    fn state(&self) -> &AlertsState {
        self.node.alerts_state()
    }
}

/// Keeps the book, once the integration was switched on.
pub(crate) async fn run(node: Node) {
    let mut enabled = node.integration_state().watch_enabled();
    if enabled.wait_for(|enabled| *enabled).await.is_err() {
        return std::future::pending().await;
    }
    let mut read = Read::default();
    loop {
        follow(&node, &mut read).await;
        // The node stops, or the subscription was ended for reading too slowly: what is still kept is read again.
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// Reads until the subscription ends.
async fn follow(node: &Node, read: &mut Read) {
    let everything = Pattern::new("*").into_iter();
    let subscribed = node
        .subscribe_from(Instance::Alerts, everything, ReplayFrom::Earliest)
        .await;
    let mut alerts = match subscribed {
        Ok((alerts, _)) => alerts.untraced(),
        Err(err) => {
            tracing::debug!(err = %err, "alerts cannot be followed; it is tried again");
            return;
        }
    };
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            delivery = alerts.next() => match delivery {
                Some(Delivery::Message(envelope)) if read.is_new(&envelope) => take(node.alerts_state(), &envelope),
                Some(_) => {}
                None => return,
            },
            _ = ticks.tick() => tick(node),
        }
    }
}

/// How far the feeds were read, by subscriptions that are over too: what is kept is replayed, and a clear that comes twice
/// would end an alert that was raised after it.
#[derive(Debug, Default)]
struct Read(HashMap<Arc<Source>, u64>);

impl Read {
    fn is_new(&mut self, envelope: &Envelope) -> bool {
        if self.0.len() >= MAX_SOURCES && !self.0.contains_key(envelope.source()) {
            self.0.clear();
        }
        let last = self.0.entry(envelope.source().clone()).or_default();
        let is_new = envelope.seq() > *last;
        *last = envelope.seq().max(*last);
        is_new
    }
}

/// What is no alert of the catalogue is none of ours.
fn take(state: &AlertsState, envelope: &Envelope) {
    let Some(payload) = validated(envelope) else { return };
    let now = state.now();
    match envelope.head().event {
        "system_alert" => {
            let Some(alert) = alert(envelope, &payload) else { return };
            if let Some(cleared) = metadata(&payload, CLEARS) {
                state.book().on_cleared(cleared, now);
            }
            state.book().on_raised(alert, now);
        }
        "alert_acknowledged" => {
            if let Ok(ack) = serde_json::from_value::<AlertAck>(payload) {
                let alert_id = ack.alert_id.clone();
                state.book().on_acknowledged(&alert_id, acknowledgement(ack), now);
            }
        }
        "alert_escalated" => {
            if let Ok(escalation) = serde_json::from_value::<AlertEscalation>(payload) {
                let level = match escalation.to_level {
                    EscalationLevel::Level3 => Level::Level3,
                    EscalationLevel::Level2 => Level::Level2,
                    _ => Level::Level1,
                };
                state.book().on_escalated(&escalation.alert_id, level, now);
            }
        }
        _ => {}
    }
}

fn validated(envelope: &Envelope) -> Option<Value> {
    let message_type = type_of(Instance::Alerts, envelope.head().event)?;
    let payload = serde_json::from_slice(envelope.payload()).ok()?;
    message_type.validate(payload).ok()
}

fn alert(envelope: &Envelope, payload: &Value) -> Option<Alert> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    let title = text("title")?;
    let about = text("node").unwrap_or_else(|| envelope.reporting_node());
    let key = match metadata(payload, KEY) {
        Some(key) => key.to_owned(),
        None => key(text("alert_type").unwrap_or(title), about),
    };
    let severity = text("severity")?;
    let requires_ack = payload.get("requires_ack").and_then(Value::as_bool);
    Some(Alert {
        alert_id: text("alert_id").map_or_else(|| envelope.id().to_string(), str::to_owned),
        key,
        severity: severity_of(severity),
        title: title.to_owned(),
        source: text("source")?.to_owned(),
        node: envelope.source().node.clone(),
        epoch: envelope.source().epoch,
        requires_ack: requires_ack.unwrap_or_else(|| severity_of(severity) >= Severity::Error),
        timestamp: text("timestamp")
            .and_then(|time| time.parse().ok())
            .unwrap_or_else(|| envelope.timestamp()),
    })
}

fn metadata<'a>(payload: &'a Value, name: &str) -> Option<&'a str> {
    payload.get("metadata")?.get(name)?.as_str()
}

/// A word that this version does not know is taken for an error: too much attention is better than too little.
fn severity_of(word: &str) -> Severity {
    match word {
        "info" => Severity::Info,
        "warning" => Severity::Warning,
        "critical" => Severity::Critical,
        _ => Severity::Error,
    }
}

fn acknowledgement(ack: AlertAck) -> Acknowledgement {
    Acknowledgement {
        resolution: ack.resolution,
        by: ack.ack_by,
        note: ack.ack_note,
    }
}

fn tick(node: &Node) {
    let state = node.alerts_state();
    let now = state.now();
    state.book().expire(now);
    let is_off = !node.integration().enabled();
    if is_off || state.book().next_due().is_none_or(|due| due > now) {
        return;
    }
    let heirs = Heirs::of(node);
    let due = state.book().due(now, |reporter, epoch| heirs.is_mine(reporter, epoch));
    for escalation in due {
        escalate(node, &escalation);
    }
}

/// Of a broadcast that fails it was said where it failed.
fn escalate(node: &Node, escalation: &Escalation) {
    let word = |level: Level| match level {
        Level::Level1 => EscalationLevel::Level1,
        Level::Level2 => EscalationLevel::Level2,
        Level::Level3 => EscalationLevel::Level3,
    };
    let reason = "nobody has acknowledged it in time";
    let _ = node.integration().publish(|| {
        AlertEscalation::new(
            escalation.alert_id.clone(),
            word(escalation.from),
            word(escalation.to),
            reason,
        )
    });
}

/// Whose alerts fall to this node: its own, and those of runs that are over if it has the lowest id of those left.
struct Heirs {
    own: (NodeId, Epoch),
    living: Vec<(NodeId, Epoch)>,
}

impl Heirs {
    fn of(node: &Node) -> Self {
        let living = node
            .members()
            .into_iter()
            .filter(|member| member.state != MemberState::Down);
        Self {
            own: (node.id().clone(), node.epoch()),
            living: living.map(|member| (member.node, member.epoch)).collect(),
        }
    }

    fn is_mine(&self, reporter: &NodeId, epoch: Epoch) -> bool {
        let lives = |(node, run): &(NodeId, Epoch)| node == reporter && *run == epoch;
        lives(&self.own) || (!self.living.iter().any(lives) && self.living.first() == Some(&self.own))
    }
}
