//! What an observer keeps of one node: how it sees it, what was last said of it, and what it may have to say.

use std::time::Duration;

use bellwether_message::Epoch;

use super::effect::News;
use super::seen::{Life, Seen};

/// Who is not the first waits so long for each one before it: hearing each other takes less.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// What was said of a node's end before this observer saw it holds for so long. Views differ by a few seconds at most;
/// later it would hide another failure of the same run.
pub const HEARD_FOR: Duration = Duration::from_secs(10);

/// One node, as one observer knows it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) epoch: Epoch,
    pub(super) view: View,
    /// When the view changed last.
    pub(super) changed_at: Duration,
    /// When it was new, or came back; none if it was there before the observer.
    pub(super) appeared_at: Option<Duration>,
    /// When it came back: from being down, or by a restart.
    returned_at: Option<Duration>,
    /// The last word on it, by this observer or another.
    told: Option<Told>,
    /// What is to be said of it, unless another says it first.
    pub(super) due: Option<Due>,
    /// It has let a turn of its own pass unheard: it does not report.
    pub(super) is_mute: bool,
}

/// How the observer sees a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Alive,
    Suspect,
    Down,
    /// Not in view: it has left, or (`was_down`) was down until it was forgotten, or is only known by hearsay.
    Gone {
        was_down: bool,
    },
}

#[derive(Debug, Clone, Copy)]
struct Told {
    news: News,
    epoch: Epoch,
    at: Duration,
}

/// Something to be said in turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) news: News,
    pub(super) epoch: Epoch,
    /// The first in turn says it then.
    pub(super) since: Duration,
}

/// What a change of view means to the membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    WentDown,
    CameBack,
    Left,
}

impl View {
    fn of(life: Life) -> Self {
        match life {
            Life::Alive => Self::Alive,
            Life::Suspect => Self::Suspect,
            Life::Down => Self::Down,
        }
    }

    pub(super) fn is_active(self) -> bool {
        matches!(self, Self::Alive | Self::Suspect)
    }
}

impl Told {
    /// Whether something heard after it means nothing: a word on an older run, though not the first alert about the
    /// node; and a mere lifecycle event where an alert was raised, which only an alert takes back. A word on a run that
    /// nobody else has seen counts for a while only: anybody may claim one.
    fn outweighs(self, news: News, epoch: Epoch, now: Duration) -> bool {
        let is_quiet = matches!(self.news, News::Returned | News::Joined);
        let is_first_alert = is_quiet && news == News::Failed;
        (self.epoch > epoch && !is_first_alert && self.is_fresh(now))
            || (self.news == News::Failed && matches!(news, News::Returned | News::Joined))
    }
}

impl Told {
    fn is_fresh(self, now: Duration) -> bool {
        now.saturating_sub(self.at) < HEARD_FOR
    }
}

impl Record {
    /// A node that is not in view.
    pub(super) fn unseen(epoch: Epoch, now: Duration) -> Self {
        Self {
            epoch,
            view: View::Gone { was_down: false },
            changed_at: now,
            appeared_at: None,
            returned_at: None,
            told: None,
            due: None,
            is_mute: false,
        }
    }

    /// Takes the view as it is: nothing is said of what was there before the observer.
    pub(super) fn accept(&mut self, seen: Option<&Seen>, now: Duration) {
        self.changed_at = now;
        match seen {
            Some(seen) => {
                self.epoch = seen.epoch;
                self.view = View::of(seen.state);
            }
            None => self.view = View::Gone { was_down: false },
        }
    }

    /// Compares the view with what it was.
    pub(super) fn look(&mut self, seen: Option<&Seen>, now: Duration) -> Option<Change> {
        let Some(seen) = seen else {
            return self.vanish(now);
        };
        let is_new_run = seen.epoch != self.epoch;
        let before = std::mem::replace(&mut self.view, View::of(seen.state));
        if before != self.view || is_new_run {
            self.changed_at = now;
        }
        match (before, self.view) {
            (View::Down, View::Down) if !is_new_run => None,
            // A new run that is down already was never seen alive; its end is told all the same.
            (_, View::Down) => {
                self.epoch = seen.epoch;
                self.fail(now);
                Some(Change::WentDown)
            }
            (View::Down | View::Gone { was_down: true }, _) if !is_new_run => {
                self.come(now, seen.epoch, None);
                Some(Change::CameBack)
            }
            (View::Gone { was_down: false }, _) => {
                self.come(now, seen.epoch, Some(News::Joined));
                Some(Change::Added)
            }
            _ if is_new_run => {
                self.come(now, seen.epoch, Some(News::Returned));
                Some(Change::Added)
            }
            _ => None,
        }
    }

    /// Another has spoken of the node.
    pub(super) fn hear(&mut self, news: News, epoch: Epoch, now: Duration) {
        if self.told.is_some_and(|told| told.outweighs(news, epoch, now)) {
            return;
        }
        self.told = Some(Told { news, epoch, at: now });
        if self.due.is_some_and(|due| Self::is_settled(due, news, epoch)) {
            self.due = None;
        }
        let has_returned = self.view.is_active()
            && (self.epoch >= epoch)
            && self.returned_at.is_some_and(|at| now.saturating_sub(at) < HEARD_FOR);
        // It was back before its failure was heard of. Who raised the alert takes it back, unless that one is gone now.
        let is_due = self.due.is_some_and(|due| due.news == News::Recovered);
        if news == News::Failed && has_returned && !is_due {
            self.due = Some(Due {
                news: News::Recovered,
                epoch: self.epoch,
                since: now.saturating_add(PATIENCE),
            });
        }
    }

    /// The observer says it itself.
    pub(super) fn say(&mut self, due: Due, now: Duration) {
        self.due = None;
        self.told = Some(Told {
            news: due.news,
            epoch: due.epoch,
            at: now,
        });
    }

    /// Whether what was said makes what is due needless.
    fn is_settled(due: Due, news: News, epoch: Epoch) -> bool {
        match (due.news, news) {
            // A newer run that is there means that the end of the older is known. That the same run is there does
            // not: it may have been said before its end.
            (News::Failed | News::Left, News::Recovered | News::Returned | News::Joined) => due.epoch < epoch,
            (News::Failed | News::Left, News::Failed | News::Left) => due.epoch <= epoch,
            (News::Recovered, News::Recovered) => due.epoch <= epoch,
            (News::Returned | News::Joined, News::Recovered | News::Returned | News::Joined) => due.epoch <= epoch,
            (News::Recovered | News::Returned | News::Joined, _) => false,
        }
    }

    fn fail(&mut self, now: Duration) {
        self.due = self.end(News::Failed, now);
    }

    fn vanish(&mut self, now: Duration) -> Option<Change> {
        match self.view {
            View::Gone { .. } => None,
            View::Down => {
                self.view = View::Gone { was_down: true };
                self.changed_at = now;
                None
            }
            View::Alive | View::Suspect => {
                self.view = View::Gone { was_down: false };
                self.changed_at = now;
                self.due = self.end(News::Left, now);
                Some(Change::Left)
            }
        }
    }

    /// The end of the run, unless another was quicker to see it.
    fn end(&self, news: News, now: Duration) -> Option<Due> {
        let is_known = self.told.is_some_and(|told| {
            let is_said = told.epoch > self.epoch || (told.epoch == self.epoch && told.news.is_end());
            is_said && told.is_fresh(now)
        });
        (!is_known).then_some(Due {
            news,
            epoch: self.epoch,
            since: now,
        })
    }

    /// It is there, in the given run. `otherwise` is what to say of it if its failure was not told.
    fn come(&mut self, now: Duration, epoch: Epoch, otherwise: Option<News>) {
        let is_first_seen = epoch != self.epoch || otherwise == Some(News::Joined);
        self.epoch = epoch;
        self.appeared_at = Some(now);
        if otherwise != Some(News::Joined) {
            self.returned_at = Some(now);
        }
        let news = match self.told {
            // This very run, seen for the first time, was told to have failed: the view is behind, and will follow.
            Some(told) if told.news == News::Failed && told.epoch == epoch && is_first_seen => None,
            Some(told) if told.news == News::Failed && told.epoch <= epoch => Some(News::Recovered),
            Some(told) if told.epoch > epoch && told.is_fresh(now) => None,
            Some(told) if told.epoch == epoch && !told.news.is_end() => None,
            _ => otherwise,
        };
        self.due = news.map(|news| Due {
            news,
            epoch,
            since: now,
        });
    }
}
