//! Downs: for how long one run of a node took another for dead.

use super::moment::Moment;
use super::names::FastMap;

/// All times that a run was taken for down while it went on.
#[derive(Debug, Default)]
pub(crate) struct Downs {
    open: FastMap<(usize, usize), Moment>,
    closed: Vec<Down>,
}

/// One such time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Down {
    /// The run that took the other for down.
    pub(crate) observer: usize,
    /// The run that was taken for down.
    pub(crate) member: usize,
    pub(crate) begin: Moment,
    /// `None` if it lasts.
    pub(crate) end: Option<u64>,
}

impl Downs {
    pub(crate) fn begin(&mut self, observer: usize, member: usize, now: Moment) {
        self.open.entry((observer, member)).or_insert(now);
    }

    pub(crate) fn end(&mut self, observer: usize, member: usize, t: u64) {
        if let Some(begin) = self.open.remove(&(observer, member)) {
            self.closed.push(Down {
                observer,
                member,
                begin,
                end: Some(t),
            });
        }
    }

    /// In the order of their begins.
    pub(crate) fn all(&self) -> Vec<Down> {
        let open = self.open.iter().map(|((observer, member), begin)| Down {
            observer: *observer,
            member: *member,
            begin: *begin,
            end: None,
        });
        let mut all: Vec<Down> = self.closed.iter().copied().chain(open).collect();
        all.sort_by_key(|down| down.begin.at);
        all
    }
}
