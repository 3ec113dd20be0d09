//! One trouble: the alerts that were raised about it, and what was done.

use std::time::Duration;

use bellwether_message::{Epoch, NodeId, Timestamp};

use super::alert::{Acknowledgement, Alert, AlertState, Level, Severity};
use super::view::AlertView;

/// Most alerts of one entry whose ids are remembered, so that an acknowledgement of any finds it. Of further ones
/// only the number counts, unless they are worse.
pub const MAX_IDS: usize = 16;

/// Alerts with one key, raised soon after one another.
///
/// The worst gives the name; of several the one that was published first, then the lesser id. It is acknowledged once
/// an alert of that severity is: who acknowledged the warning has not seen that it became critical.
#[derive(Debug)]
pub(super) struct Entry {
    /// The one that gives the name comes first.
    raised: Vec<Raised>,
    key: String,
    count: u64,
    raised_at: Timestamp,
    last_raised_at: Timestamp,
    last_seen: Duration,
    requires_ack: bool,
    level: Level,
    /// When it came to its level.
    level_at: Duration,
    acknowledged_at: Option<Duration>,
    cleared_at: Option<Duration>,
}

#[derive(Debug)]
struct Raised {
    alert_id: String,
    severity: Severity,
    timestamp: Timestamp,
    title: String,
    source: String,
    node: NodeId,
    epoch: Epoch,
    ack: Option<Acknowledgement>,
}

impl Entry {
    pub(super) fn new(alert: Alert, ack: Option<Acknowledgement>, level: Level, now: Duration) -> Self {
        let mut entry = Self {
            raised: Vec::new(),
            key: alert.key.clone(),
            count: 0,
            raised_at: alert.timestamp,
            last_raised_at: alert.timestamp,
            last_seen: now,
            requires_ack: false,
            level: Level::Level1,
            level_at: now,
            acknowledged_at: None,
            cleared_at: None,
        };
        entry.raise(alert, ack, level, now);
        entry
    }

    /// One more alert about the same. Returns the id that finds this entry no longer, perhaps the new one.
    pub(super) fn raise(
        &mut self,
        alert: Alert,
        ack: Option<Acknowledgement>,
        level: Level,
        now: Duration,
    ) -> Option<String> {
        self.count = self.count.saturating_add(1);
        self.last_seen = now;
        self.raised_at = self.raised_at.min(alert.timestamp);
        self.last_raised_at = self.last_raised_at.max(alert.timestamp);
        self.requires_ack |= alert.requires_ack;
        self.escalate(level, now);
        self.raised.push(Raised {
            alert_id: alert.alert_id,
            severity: alert.severity,
            timestamp: alert.timestamp,
            title: alert.title,
            source: alert.source,
            node: alert.node,
            epoch: alert.epoch,
            ack,
        });
        self.raised.sort_by(|one, other| one.order().cmp(&other.order()));
        let forgotten = (self.raised.len() > MAX_IDS).then(|| self.raised.pop()).flatten();
        self.judge(now);
        forgotten.map(|raised| raised.alert_id)
    }

    /// Somebody has taken up the alert with that id.
    pub(super) fn acknowledge(&mut self, alert_id: &str, ack: Acknowledgement, now: Duration) {
        if let Some(raised) = self.raised.iter_mut().find(|raised| raised.alert_id == alert_id)
            && raised.ack.as_ref().is_none_or(|known| ack.prevails_over(known))
        {
            raised.ack = Some(ack);
        }
        self.judge(now);
    }

    /// It goes up to a level; never down.
    pub(super) fn escalate(&mut self, to: Level, now: Duration) {
        if self.level < to {
            self.level = to;
            self.level_at = now;
        }
    }

    /// It is over. False if it was before.
    pub(super) fn clear(&mut self, now: Duration) -> bool {
        let was_open = self.cleared_at.is_none();
        self.cleared_at.get_or_insert(now);
        was_open
    }

    pub(super) fn state(&self) -> AlertState {
        match (self.cleared_at, self.acknowledged_at) {
            (Some(_), _) => AlertState::Cleared,
            (None, Some(_)) => AlertState::Acknowledged,
            (None, None) => AlertState::Open,
        }
    }

    pub(super) fn severity(&self) -> Severity {
        self.raised.first().map_or(Severity::Info, |first| first.severity)
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn last_seen(&self) -> Duration {
        self.last_seen
    }

    /// Whether somebody has to do something about it.
    pub(super) fn needs_somebody(&self) -> bool {
        self.state() == AlertState::Open && (self.requires_ack || self.severity() >= Severity::Error)
    }

    /// When it needs nobody any more, and since when.
    pub(super) fn idle_since(&self) -> Option<Duration> {
        // One that is raised again and again is not idle because somebody has taken it up.
        let acknowledged = self.acknowledged_at.map(|at| at.max(self.last_seen));
        let ended = self.cleared_at.or(acknowledged);
        ended.or_else(|| (!self.needs_somebody()).then_some(self.last_seen))
    }

    /// The step that is due, and when.
    pub(super) fn next_step(&self, escalate_after: Duration) -> Option<(Level, Level, Duration)> {
        let to = self.level.next()?;
        let is_waiting = self.requires_ack && self.state() == AlertState::Open;
        is_waiting.then(|| (self.level, to, self.level_at.saturating_add(escalate_after)))
    }

    /// The id that it goes by, and the run of the node that reports it.
    pub(super) fn name(&self) -> Option<(&str, &NodeId, Epoch)> {
        let first = self.raised.first()?;
        Some((first.alert_id.as_str(), &first.node, first.epoch))
    }

    pub(super) fn into_ids(self) -> impl Iterator<Item = String> {
        self.raised.into_iter().map(|raised| raised.alert_id)
    }

    pub(super) fn view(&self) -> Option<AlertView> {
        let first = self.raised.first()?;
        let ack = self.ack();
        Some(AlertView {
            alert_id: first.alert_id.clone(),
            key: self.key.clone(),
            severity: first.severity,
            title: first.title.clone(),
            source: first.source.clone(),
            node: first.node.clone(),
            raised_at: self.raised_at,
            last_seen: self.last_raised_at,
            count: self.count,
            state: self.state(),
            level: self.level,
            acknowledged_by: ack.map(|ack| ack.by.clone()),
            ack_note: ack.and_then(|ack| ack.note.clone()),
            resolution: ack.and_then(|ack| ack.resolution.clone()),
            requires_ack: self.requires_ack,
        })
    }

    /// The acknowledgement that counts.
    fn ack(&self) -> Option<&Acknowledgement> {
        let worst = self.severity();
        let acks = self.raised.iter().filter(|raised| raised.severity == worst);
        let acks = acks.filter_map(|raised| raised.ack.as_ref());
        acks.reduce(|best, ack| if ack.prevails_over(best) { ack } else { best })
    }

    /// Whether it is acknowledged, as things are now.
    fn judge(&mut self, now: Duration) {
        match (self.ack().is_some(), self.acknowledged_at) {
            (true, None) => self.acknowledged_at = Some(now),
            (false, Some(_)) => {
                // It became worse: whoever took it up has not seen that, and the time runs anew.
                self.acknowledged_at = None;
                self.level_at = now;
            }
            _ => {}
        }
    }
}

impl Raised {
    fn order(&self) -> (std::cmp::Reverse<Severity>, Timestamp, &str) {
        (std::cmp::Reverse(self.severity), self.timestamp, &self.alert_id)
    }
}
