//! Lives: the runs of the nodes.

use super::moment::Moment;
use super::names::FastMap;
use super::view::View;

/// All runs of all nodes.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    list: Vec<Life>,
    by_run: FastMap<(usize, u64), usize>,
    /// By node, in order of start.
    by_node: FastMap<usize, Vec<usize>>,
}

/// One run of one node.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) node: usize,
    pub(crate) epoch: u64,
    pub(crate) start: Moment,
    pub(crate) end: Option<Ending>,
    pub(crate) killed: bool,
    /// The event that told of the process's end, and its code.
    pub(crate) exit: Option<(usize, Option<i32>)>,
    pub(crate) view: View,
}

/// The end of a run.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) moment: Moment,
    pub(crate) how: How,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum How {
    /// It handed everything over to those it saw, but for the `unconfirmed`.
    Stopped {
        unconfirmed: Vec<usize>,
        /// Whom it saw; `None` if it never told.
        seen: Option<Vec<(usize, u64)>>,
    },
    /// Killed or crashed: what it had not handed over is lost with it.
    Dead,
}

impl Life {
    pub(crate) fn ended_by(&self, t: u64) -> bool {
        self.end.as_ref().is_some_and(|end| end.moment.t <= t)
    }

    /// Whether it had ended when the run of the mesh came to rest, or at all if it never did.
    pub(crate) fn ended_before(&self, quiet: Option<Moment>) -> bool {
        let end = self.end.as_ref();
        end.is_some_and(|end| quiet.is_none_or(|quiet| end.moment.at < quiet.at))
    }

    /// Whether this run said when it stopped that another has all it published. With `epoch` 0, whichever run of the node.
    ///
    /// Where two run under one name, what it says of the one is nothing about the other.
    pub(crate) fn handed_over_to(&self, (node, epoch): (usize, u64), has_views: bool) -> bool {
        match &self.end {
            Some(Ending {
                how: How::Stopped { unconfirmed, seen },
                ..
            }) => {
                let saw = match seen {
                    Some(seen) => seen
                        .iter()
                        .any(|(other, run)| *other == node && (*run == epoch || *run == 0 || epoch == 0)),
                    None => !has_views,
                };
                node == self.node || (saw && !unconfirmed.contains(&node))
            }
            _ => false,
        }
    }
}

impl Lives {
    /// Adds a run. `Err` is the highest epoch of an earlier run of the node that is not below.
    pub(crate) fn begin(&mut self, node: usize, epoch: u64, start: Moment) -> Result<(), u64> {
        let earlier = self.by_node.entry(node).or_default();
        let highest = earlier.iter().map(|life| self.list[*life].epoch).max();
        self.list.push(Life {
            node,
            epoch,
            start,
            end: None,
            killed: false,
            exit: None,
            view: View::default(),
        });
        let life = self.list.len() - 1;
        earlier.push(life);
        self.by_run.insert((node, epoch), life);
        match highest {
            Some(highest) if highest >= epoch => Err(highest),
            _ => Ok(()),
        }
    }

    /// The run; for epoch 0 the one that goes on, or else the last.
    pub(crate) fn find(&self, node: usize, epoch: u64) -> Option<usize> {
        if epoch != 0 {
            return self.by_run.get(&(node, epoch)).copied();
        }
        let runs = self.by_node.get(&node)?;
        let going_on = runs.iter().rev().find(|life| self.list[**life].end.is_none());
        going_on.or(runs.last()).copied()
    }

    pub(crate) fn end(&mut self, life: usize, moment: Moment, how: How) {
        self.list[life].end.get_or_insert(Ending { moment, how });
    }

    pub(crate) fn get(&self, life: usize) -> &Life {
        &self.list[life]
    }

    pub(crate) fn get_mut(&mut self, life: usize) -> &mut Life {
        &mut self.list[life]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Life> {
        self.list.iter()
    }

    /// The runs that have not ended.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Life> {
        self.list.iter().filter(|life| life.end.is_none())
    }

    /// Whether a newer run of the same node went on at `quiet`.
    pub(crate) fn is_followed(&self, life: &Life, quiet: Moment) -> bool {
        let newest = self.by_node.get(&life.node).and_then(|runs| runs.last());
        newest.is_some_and(|newest| {
            let newest = &self.list[*newest];
            newest.epoch > life.epoch && newest.start.at < quiet.at && !newest.ended_before(Some(quiet))
        })
    }
}
