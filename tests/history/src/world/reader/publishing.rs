//! Reads what publishers did.

use super::Reader;
use crate::kind::Kind;
use crate::world::moment::Moment;
use crate::world::settle::{Call, Outcome};

impl<'e> Reader<'e, '_> {
    pub(super) fn on_publish(&mut self, now: Moment, epoch: u64, kind: &'e Kind) {
        match kind {
            Kind::PublishCall {
                call,
                instance,
                topic,
                hash,
            } => {
                self.report.published += 1;
                let Some(life) = self.world.lives.find(now.node, epoch) else {
                    return self.form(now, "it publishes in a run that has not started");
                };
                let epoch = self.world.lives.get(life).epoch;
                let ledger = self.ledger(now.node, epoch, *instance);
                let topic = self.world.topics.number(topic);
                let index = self.calls.len();
                self.calls.push(Call {
                    ledger,
                    topic,
                    moment: now,
                    hash: *hash,
                    outcome: Outcome::Unknown,
                });
                if self.by_call.insert((now.node, epoch, *call), index).is_some() {
                    self.form(now, "its run has published under this call number before");
                }
            }
            Kind::PublishAck { call, seq } => {
                self.report.acked += 1;
                self.conclude(now, epoch, *call, Outcome::Acked { seq: *seq });
            }
            Kind::PublishFail { call, .. } => {
                self.report.refused += 1;
                self.conclude(now, epoch, *call, Outcome::Refused);
            }
            _ => {}
        }
    }

    fn conclude(&mut self, now: Moment, epoch: u64, call: u64, outcome: Outcome) {
        let life = self.world.lives.find(now.node, epoch);
        let epoch = life.map_or(epoch, |life| self.world.lives.get(life).epoch);
        match self.by_call.get(&(now.node, epoch, call)) {
            Some(index) => self.calls[*index].outcome = outcome,
            None => self.form(now, "its run made no such call"),
        }
    }
}
