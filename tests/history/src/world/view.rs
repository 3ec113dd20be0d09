//! Views: whom one run of a node takes for living.

use super::moment::Moment;

/// The members that a run told of so far, without itself.
#[derive(Debug, Default)]
pub(crate) struct View {
    members: Vec<(usize, u64)>,
    /// When it last changed; `None` if nothing was told yet.
    pub(crate) changed: Option<Moment>,
    pub(crate) told: bool,
}

impl View {
    pub(crate) fn up(&mut self, node: usize, epoch: u64, now: Moment) {
        self.told = true;
        match self.members.iter_mut().find(|(member, _)| *member == node) {
            Some((_, known)) => *known = epoch,
            None => {
                self.members.push((node, epoch));
                self.changed = Some(now);
            }
        }
    }

    /// The run is down or left. One that is older than the known run is no news.
    pub(crate) fn down(&mut self, node: usize, epoch: u64, now: Moment) {
        self.told = true;
        let before = self.members.len();
        self.members
            .retain(|(member, known)| *member != node || (epoch != 0 && *known > epoch));
        if self.members.len() != before {
            self.changed = Some(now);
        }
    }

    /// The whole view. Members that are known keep their epoch, new ones have the one given.
    pub(crate) fn set(&mut self, members: &[(usize, u64)], now: Moment) {
        self.told = true;
        let kept = |node| self.members.iter().find(|(member, _)| *member == node).copied();
        let next: Vec<_> = members.iter().map(|given| kept(given.0).unwrap_or(*given)).collect();
        let same = next.len() == self.members.len() && next.iter().all(|(node, _)| kept(*node).is_some());
        if !same {
            self.changed = Some(now);
        }
        self.members = next;
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = usize> {
        self.members.iter().map(|(node, _)| *node)
    }

    pub(crate) fn runs(&self) -> &[(usize, u64)] {
        &self.members
    }
}
