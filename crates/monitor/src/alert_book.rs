//! The life of alerts: raised, repeated, acknowledged, escalated, cleared, forgotten.
//!
//! Every node keeps a book from the messages on `alerts`, in whatever order they reach it, and all books say the same
//! once all have heard the same:
//!
//! - **Equal keys** raised within [`dedupe_for`](AlertSettings::dedupe_for) of the last are one alert with a count,
//!   though another has acknowledged it. The worst of them gives it its id, severity, title and node; of several the
//!   one that was published first; then the lesser id. It is found by the id of any.
//! - **An acknowledgement** counts for what was acknowledged and for what is no worse. Should the same trouble become
//!   worse, the alert is open again. It may arrive before its alert. Of two, the one that says what was done counts,
//!   then the lesser by name and note.
//! - **Levels** only rise, so of two escalations the higher counts.
//! - **A clear** ends what this node has heard of until then. It is the one word that does not commute: an alert that
//!   another node raised with the same key arrives after it as a new one. Those of one node arrive in order.
//!
//! Windows and waits go by the time at which messages arrive, not by their timestamps; where a window ends while
//! messages are on their way, one node may count a repetition as an alert of its own.

mod alert;
mod early;
mod entry;
mod outcome;
mod publications;
mod settings;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bellwether_message::{Epoch, NodeId};

use self::alert::key_part;
pub use self::alert::{
    Acknowledgement, Alert, AlertState, Escalation, Level, MAX_ALERT_ID_BYTES, MAX_KEY_BYTES, MAX_TEXT_BYTES, Severity,
};
use self::early::Early;
pub use self::early::MAX_EARLY;
use self::entry::Entry;
pub use self::entry::MAX_IDS;
pub use self::outcome::{Outcome, Taken};
pub use self::publications::MAX_KEYS;
use self::publications::Publications;
pub use self::settings::AlertSettings;
pub use self::view::AlertView;

/// Most alerts that are kept. When full, those that somebody has dealt with go first, then those that need nobody, then
/// the others, the ones not raised for longest first; [`AlertBook::evicted`] counts them. An alert that needs nobody
/// takes no place from one that needs somebody.
pub const MAX_ALERTS: usize = 4_096;
/// So many go at once, so that not each further alert looks through the whole book.
const EVICTED_AT_ONCE: usize = 64;

/// One node's book of alerts. See the module for how books of several nodes agree.
#[derive(Debug)]
pub struct AlertBook {
    settings: AlertSettings,
    /// In the order in which they came.
    entries: BTreeMap<u64, Entry>,
    next: u64,
    by_id: HashMap<String, u64>,
    /// Those not cleared.
    by_key: HashMap<String, BTreeSet<u64>>,
    early: Early,
    publications: Publications,
    evicted: u64,
}

impl AlertBook {
    /// An empty book.
    pub fn new(settings: AlertSettings) -> Self {
        Self {
            settings,
            entries: BTreeMap::new(),
            next: 0,
            by_id: HashMap::new(),
            by_key: HashMap::new(),
            early: Early::default(),
            publications: Publications::default(),
            evicted: 0,
        }
    }

    /// Alerts are repeated, escalated and kept by these from now on, those that are there too.
    pub fn set_settings(&mut self, settings: AlertSettings) {
        self.settings = settings;
    }

    /// An alert was published, by this node or another. Texts beyond [`MAX_TEXT_BYTES`] are cut.
    pub fn on_raised(&mut self, alert: Alert, now: Duration) -> Outcome {
        if !is_alert_id(&alert.alert_id) {
            return Outcome::Refused;
        }
        if self.by_id.contains_key(&alert.alert_id) {
            return Outcome::Known;
        }
        let alert = alert.trimmed();
        match self.current(&alert.key, now) {
            Some(number) => self.repeat(number, alert, now),
            None => self.add(alert, now),
        }
    }

    /// Somebody has taken an alert up. One that is cleared stays cleared, but shows it.
    pub fn on_acknowledged(&mut self, alert_id: &str, ack: Acknowledgement, now: Duration) -> Taken {
        let ack = ack.trimmed();
        if let Some(entry) = self.entry(alert_id) {
            entry.acknowledge(alert_id, ack, now);
            return Taken::Now;
        }
        if !is_alert_id(alert_id) {
            return Taken::Refused;
        }
        self.early.acknowledge(alert_id, ack);
        Taken::Early
    }

    /// An alert was escalated. Where it came from does not matter: levels only rise.
    pub fn on_escalated(&mut self, alert_id: &str, to: Level, now: Duration) -> Taken {
        if let Some(entry) = self.entry(alert_id) {
            entry.escalate(to, now);
            return Taken::Now;
        }
        if !is_alert_id(alert_id) {
            return Taken::Refused;
        }
        self.early.escalate(alert_id, to);
        Taken::Early
    }

    /// What the alerts with this key were about is over. Returns how many that ends.
    pub fn on_cleared(&mut self, key: &str, now: Duration) -> usize {
        self.publications.forget(key);
        let numbers = self.by_key.remove(key_part(key)).unwrap_or_default();
        let mut ended = 0;
        for number in numbers {
            if let Some(entry) = self.entries.get_mut(&number) {
                ended += usize::from(entry.clear(now));
            }
        }
        ended
    }

    /// Whether this node is to publish an alert that it would raise: not if it has published one with this key, at
    /// least as bad, within [`dedupe_for`](AlertSettings::dedupe_for), unless that was cleared. If so, it is noted as
    /// published.
    pub fn should_publish(&mut self, key: &str, severity: Severity, now: Duration) -> bool {
        self.publications.admit(key, severity, self.settings.dedupe_for, now)
    }

    /// The escalations that this node is to publish now: of alerts that require an acknowledgement and have none, and
    /// whose run `is_mine`: this one, or one that is over and whose alerts fall to this one. Each step is returned
    /// once, and the book has taken it already; one alert takes one step at most.
    pub fn due(&mut self, now: Duration, is_mine: impl Fn(&NodeId, Epoch) -> bool) -> Vec<Escalation> {
        let mut steps = Vec::new();
        for entry in self.entries.values_mut() {
            let step = entry.next_step(self.settings.escalate_after);
            let Some((from, to, _)) = step.filter(|(_, _, at)| *at <= now) else {
                continue;
            };
            let Some((alert_id, ..)) = entry.name().filter(|(_, node, epoch)| is_mine(node, *epoch)) else {
                continue;
            };
            steps.push(Escalation {
                alert_id: alert_id.to_owned(),
                from,
                to,
            });
            entry.escalate(to, now);
        }
        steps
    }

    /// When the next step is due, whosever it is.
    pub fn next_due(&self) -> Option<Duration> {
        let step = |entry: &Entry| entry.next_step(self.settings.escalate_after);
        self.entries.values().filter_map(step).map(|(_, _, at)| at).min()
    }

    /// Forgets what has needed nobody for [`keep_for`](AlertSettings::keep_for): acknowledged, cleared, or neither an
    /// error nor in need of an acknowledgement. Returns how many. To be called now and then.
    pub fn expire(&mut self, now: Duration) -> usize {
        let is_old = |entry: &Entry| {
            let since = entry.idle_since();
            since.is_some_and(|since| now.saturating_sub(since) >= self.settings.keep_for)
        };
        let entries = self.entries.iter().filter(|(_, entry)| is_old(entry));
        let old: Vec<u64> = entries.map(|(number, _)| *number).collect();
        for number in &old {
            self.remove(*number);
        }
        old.len()
    }

    /// The open alerts: the worst first, of equals the one last raised first.
    pub fn open(&self) -> Vec<AlertView> {
        let open = self.entries.values().filter(|entry| entry.state() == AlertState::Open);
        let mut open: Vec<AlertView> = open.filter_map(Entry::view).collect();
        open.sort_by_key(|view| std::cmp::Reverse((view.severity, view.last_seen)));
        open
    }

    /// All alerts kept, in the order in which they came.
    pub fn all(&self) -> Vec<AlertView> {
        self.entries.values().filter_map(Entry::view).collect()
    }

    /// One alert, by its id or that of a repetition.
    pub fn one(&self, alert_id: &str) -> Option<AlertView> {
        let number = self.by_id.get(alert_id)?;
        self.entries.get(number).and_then(Entry::view)
    }

    /// Whether an alert with this key is kept that is not over.
    pub fn is_raised(&self, key: &str) -> bool {
        self.by_key.contains_key(key_part(key))
    }

    /// How many alerts were given up for lack of room.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Of how many alerts something is known that are not here.
    pub fn early(&self) -> usize {
        self.early.len()
    }

    fn entry(&mut self, alert_id: &str) -> Option<&mut Entry> {
        let number = self.by_id.get(alert_id)?;
        self.entries.get_mut(number)
    }

    /// The entry that an alert with this key repeats.
    fn current(&self, key: &str, now: Duration) -> Option<u64> {
        let number = *self.by_key.get(key)?.last()?;
        let entry = self.entries.get(&number)?;
        (now.saturating_sub(entry.last_seen()) < self.settings.dedupe_for).then_some(number)
    }

    fn repeat(&mut self, number: u64, alert: Alert, now: Duration) -> Outcome {
        let alert_id = alert.alert_id.clone();
        let (ack, level) = self.early_words(&alert_id);
        self.by_id.insert(alert_id, number);
        let Some(entry) = self.entries.get_mut(&number) else {
            return Outcome::Refused;
        };
        let before = entry.severity();
        let forgotten = entry.raise(alert, ack, level, now);
        let (count, is_worse) = (entry.count(), before < entry.severity());
        if let Some(forgotten) = forgotten {
            self.by_id.remove(&forgotten);
        }
        match is_worse {
            true => Outcome::Worsened { count },
            false => Outcome::Repeated { count },
        }
    }

    fn add(&mut self, alert: Alert, now: Duration) -> Outcome {
        let (alert_id, key) = (alert.alert_id.clone(), alert.key.clone());
        let needs_somebody = alert.requires_ack || alert.severity >= Severity::Error;
        if self.entries.len() >= MAX_ALERTS && !self.make_room(needs_somebody) {
            self.evicted = self.evicted.saturating_add(1);
            return Outcome::Full;
        }
        let (ack, level) = self.early_words(&alert_id);
        let number = self.next;
        self.next = self.next.saturating_add(1);
        self.entries.insert(number, Entry::new(alert, ack, level, now));
        self.by_id.insert(alert_id, number);
        self.by_key.entry(key).or_default().insert(number);
        Outcome::New
    }

    fn early_words(&mut self, alert_id: &str) -> (Option<Acknowledgement>, Level) {
        match self.early.take(alert_id) {
            Some(word) => (word.ack, word.level),
            None => (None, Level::Level1),
        }
    }

    /// Gives up the least needed alerts. False if all need somebody and the new one does not.
    fn make_room(&mut self, needs_somebody: bool) -> bool {
        let need = |entry: &Entry| match (entry.state(), entry.needs_somebody()) {
            (AlertState::Acknowledged | AlertState::Cleared, _) => 0,
            (AlertState::Open, false) => 1,
            (AlertState::Open, true) => 2,
        };
        let entries = self.entries.iter();
        let mut order: Vec<(u8, Duration, u64)> = entries
            .map(|(number, entry)| (need(entry), entry.last_seen(), *number))
            .collect();
        order.sort_unstable();
        let least = order.first().map_or(0, |(need, ..)| *need);
        if least == 2 && !needs_somebody {
            return false;
        }
        let victims = order
            .iter()
            .take(EVICTED_AT_ONCE)
            .take_while(|(need, ..)| *need == least);
        for (_, _, number) in victims {
            self.remove(*number);
            self.evicted = self.evicted.saturating_add(1);
        }
        true
    }

    fn remove(&mut self, number: u64) {
        let Some(entry) = self.entries.remove(&number) else {
            return;
        };
        if let Some(numbers) = self.by_key.get_mut(entry.key()) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_key.remove(entry.key());
            }
        }
        for alert_id in entry.into_ids() {
            self.by_id.remove(&alert_id);
        }
    }
}

fn is_alert_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ALERT_ID_BYTES
}

#[cfg(test)]
mod tests;
