//! Reads the lives of nodes, and whom they take for living.

use super::Reader;
use crate::invariant::Invariant;
use crate::kind::Kind;
use crate::world::lives::How;
use crate::world::moment::Moment;

impl<'e> Reader<'e, '_> {
    pub(super) fn on_life(&mut self, now: Moment, epoch: u64, kind: &'e Kind) {
        if matches!(kind, Kind::Start {}) {
            self.report.starts += 1;
            self.disturb(now);
            if let Err(known) = self.world.lives.begin(now.node, epoch, now) {
                let name = self.world.nodes.name(now.node);
                let words = format!("{name} starts as run {epoch} after its run {known}: epochs must rise");
                self.findings.add(Invariant::I8, now.at, now.t, words);
            }
            return;
        }
        let Some(life) = self.world.lives.find(now.node, epoch) else {
            return self.form(now, "its run has not started");
        };
        match kind {
            Kind::Stop { unconfirmed } => {
                self.report.stops += 1;
                self.disturb(now);
                let unconfirmed = self.numbers(unconfirmed);
                let view = &self.world.lives.get(life).view;
                let seen = view.told.then(|| view.runs().to_vec());
                self.world.lives.end(life, now, How::Stopped { unconfirmed, seen });
            }
            Kind::Kill {} => {
                self.report.kills += 1;
                self.disturb(now);
                self.world.lives.get_mut(life).killed = true;
                self.world.lives.end(life, now, How::Dead);
            }
            Kind::Exit { code } => {
                self.world.lives.get_mut(life).exit = Some((now.at, *code));
                self.world.lives.end(life, now, How::Dead);
            }
            Kind::Panicked { text } => {
                let name = self.world.nodes.name(now.node);
                let words = format!("{name} panicked: {text}");
                self.findings.add(Invariant::I14, now.at, now.t, words);
            }
            _ => {}
        }
    }

    pub(super) fn on_view(&mut self, now: Moment, epoch: u64, kind: &'e Kind) {
        self.world.has_views = true;
        let Some(observer) = self.world.lives.find(now.node, epoch) else {
            return self.form(now, "its run has not started");
        };
        match kind {
            Kind::MemberUp { member, member_epoch } => {
                let member = self.world.nodes.number(member);
                let epoch = self.epoch(member, *member_epoch);
                self.world.lives.get_mut(observer).view.up(member, epoch, now);
                self.seen_living(observer, member, epoch, now.t);
            }
            Kind::MemberDown { member, member_epoch } => {
                self.report.downs += 1;
                let member = self.world.nodes.number(member);
                self.world.lives.get_mut(observer).view.down(member, *member_epoch, now);
                if let Some(life) = self.world.lives.find(member, *member_epoch)
                    && !self.world.lives.get(life).ended_by(now.t)
                {
                    self.world.downs.begin(observer, life, now);
                }
            }
            Kind::MemberLeft { member, member_epoch } => {
                let member = self.world.nodes.number(member);
                self.world.lives.get_mut(observer).view.down(member, *member_epoch, now);
            }
            Kind::View { members } => {
                let members: Vec<(usize, u64)> = self
                    .numbers(members)
                    .into_iter()
                    .filter(|member| *member != now.node)
                    .map(|member| (member, self.epoch(member, 0)))
                    .collect();
                self.world.lives.get_mut(observer).view.set(&members, now);
                for (member, epoch) in members {
                    self.seen_living(observer, member, epoch, now.t);
                }
            }
            _ => {}
        }
    }

    /// The epoch given, or that of the node's run that goes on.
    fn epoch(&self, node: usize, given: u64) -> u64 {
        let life = self.world.lives.find(node, given);
        life.map_or(given, |life| self.world.lives.get(life).epoch)
    }

    fn seen_living(&mut self, observer: usize, member: usize, epoch: u64, t: u64) {
        if let Some(life) = self.world.lives.find(member, epoch) {
            self.world.downs.end(observer, life, t);
        }
    }
}
