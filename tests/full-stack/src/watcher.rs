//! Watches one node's view of the mesh, and writes down what changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether::{Member, MemberState, Node};
use bellwether_history::{Kind, Run};

use crate::record::Record;

/// How often a view is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What a node's view was when it was last looked at.
#[derive(Debug, Clone)]
pub struct Watcher {
    node: Node,
    run: Run,
    record: Record,
    seen: Arc<Mutex<BTreeMap<String, Member>>>,
    /// Who was not there at some time since [`begin_stop`](Self::begin_stop).
    missed: Arc<Mutex<BTreeSet<String>>>,
}

impl Watcher {
    /// Nothing was seen yet.
    pub fn new(node: &Node, run: &Run, record: &Record) -> Self {
        Self {
            node: node.clone(),
            run: run.clone(),
            record: record.clone(),
            seen: Arc::default(),
            missed: Arc::default(),
        }
    }

    /// Looks again and again, for ever.
    pub async fn run(self) {
        loop {
            self.look();
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The node begins to stop: from now on it is noted who is away.
    pub fn begin_stop(&self) {
        lock(&self.missed).clear();
        self.look();
        let away = |member: &Member| member.state == MemberState::Down;
        let seen = lock(&self.seen);
        let missed = seen
            .iter()
            .filter(|(_, member)| away(member))
            .map(|(name, _)| name.clone());
        lock(&self.missed).extend(missed);
    }

    /// Who was taken for down, or was not known, at some time since the node began to stop.
    pub fn missed(&self) -> BTreeSet<String> {
        lock(&self.missed).clone()
    }

    /// Writes down what has changed since the last look.
    pub fn look(&self) {
        let members = self.node.members();
        let mut seen = lock(&self.seen);
        let mut changed = false;
        for member in members.iter().filter(|member| member.state != MemberState::Own) {
            let before = seen.insert(member.node.to_string(), member.clone());
            if member.state == MemberState::Down || before.is_none() {
                lock(&self.missed).insert(member.node.to_string());
            }
            changed |= self.tell(before.as_ref(), member);
        }
        let is_there = |name: &str| members.iter().any(|member| member.node.as_str() == name);
        let gone: Vec<String> = seen.keys().filter(|name| !is_there(name)).cloned().collect();
        for name in gone {
            let Some(member) = seen.remove(&name) else { continue };
            if member.state == MemberState::Down {
                self.record.reached("forgotten after five minutes down");
            } else {
                changed = true;
                self.tell_of(&member, |member, member_epoch| Kind::MemberLeft {
                    member,
                    member_epoch,
                });
            }
        }
        if changed {
            let living = seen.values().filter(|member| member.state != MemberState::Down);
            let members = living.map(|member| member.node.as_str().into()).collect();
            self.record.of(&self.run, Kind::View { members });
        }
    }

    /// True if it is another view now.
    fn tell(&self, before: Option<&Member>, member: &Member) -> bool {
        let is_down = member.state == MemberState::Down;
        let was_up = before.filter(|before| before.state != MemberState::Down);
        if let Some(before) = before {
            if before.epoch != member.epoch {
                self.record.reached("restart seen");
            } else if (before.inbound && !member.inbound || before.outbound && !member.outbound) && !is_down {
                self.record.reached("link lost to a member that is not down");
            }
            if before.state == MemberState::Down && !is_down && before.epoch == member.epoch {
                self.record.reached("back after it was down");
            }
        }
        if member.state == MemberState::Suspect {
            self.record.reached("a member is suspect");
        }
        match was_up {
            Some(before) if before.epoch == member.epoch && !is_down => false,
            Some(before) if is_down && before.epoch == member.epoch => {
                self.tell_of(member, |member, member_epoch| Kind::MemberDown { member, member_epoch });
                true
            }
            None if is_down => false,
            _ if is_down => {
                self.tell_of(member, |member, member_epoch| Kind::MemberDown { member, member_epoch });
                true
            }
            _ => {
                self.tell_of(member, |member, member_epoch| Kind::MemberUp { member, member_epoch });
                true
            }
        }
    }

    fn tell_of(&self, member: &Member, kind: impl FnOnce(Arc<str>, u64) -> Kind) {
        let kind = kind(member.node.as_str().into(), member.epoch.0);
        self.record.of(&self.run, kind);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
