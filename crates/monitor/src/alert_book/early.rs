//! Words about alerts that have not arrived yet.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use super::alert::{Acknowledgement, Level};

/// Most alerts of which something is known before they are. A node that publishes nonsense would fill it; the oldest
/// goes.
pub const MAX_EARLY: usize = 1_024;

/// What was said of alerts that this node has not heard: another source's messages may overtake them.
#[derive(Debug, Default)]
pub(super) struct Early {
    words: BTreeMap<String, Word>,
    /// In the order in which they came. Holds each id of `words` once.
    order: VecDeque<String>,
}

#[derive(Debug)]
pub(super) struct Word {
    pub(super) ack: Option<Acknowledgement>,
    pub(super) level: Level,
}

impl Early {
    pub(super) fn acknowledge(&mut self, alert_id: &str, ack: Acknowledgement) {
        let word = self.word(alert_id);
        if word.ack.as_ref().is_none_or(|known| ack.prevails_over(known)) {
            word.ack = Some(ack);
        }
    }

    pub(super) fn escalate(&mut self, alert_id: &str, to: Level) {
        let word = self.word(alert_id);
        word.level = word.level.max(to);
    }

    /// The alert is here.
    pub(super) fn take(&mut self, alert_id: &str) -> Option<Word> {
        let word = self.words.remove(alert_id)?;
        self.order.retain(|id| id != alert_id);
        Some(word)
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    fn word(&mut self, alert_id: &str) -> &mut Word {
        if !self.words.contains_key(alert_id) {
            if self.order.len() >= MAX_EARLY
                && let Some(oldest) = self.order.pop_front()
            {
                self.words.remove(&oldest);
            }
            self.order.push_back(alert_id.to_owned());
        }
        self.words.entry(alert_id.to_owned()).or_insert(Word {
            ack: None,
            level: Level::Level1,
        })
    }
}
