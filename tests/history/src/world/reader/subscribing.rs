//! Reads what subscribers asked for and what came to them.

use std::sync::Arc;

use bellwether_message::Instance;

use super::Reader;
use crate::kind::Kind;
use crate::world::moment::Moment;
use crate::world::subscription::{Accepted, Item, Subscription};

impl<'e> Reader<'e, '_> {
    pub(super) fn on_subscribe(
        &mut self,
        now: Moment,
        epoch: u64,
        sub: u64,
        instance: Instance,
        patterns: &'e [Arc<str>],
    ) {
        let patterns = match self.world.patterns.set(patterns.iter().map(|text| &**text)) {
            Ok(set) => set,
            Err(err) => return self.form(now, &format!("a pattern is wrong: {err}")),
        };
        self.world.subscriptions.push(Subscription {
            id: sub,
            node: now.node,
            life: self.world.lives.find(now.node, epoch),
            instance,
            patterns,
            is_in_queue: self.world.patterns.is_queue(patterns),
            accepted: None,
            confirmed: Vec::new(),
            of: None,
            closed: None,
            items: Vec::new(),
        });
        let index = self.world.subscriptions.len() - 1;
        if self.by_subscription.insert(sub, index).is_some() {
            self.form(now, "another subscription has this number");
        }
    }

    pub(super) fn on_subscription(&mut self, now: Moment, kind: &'e Kind) {
        let (Kind::SubscribeOk { sub, .. }
        | Kind::Confirmed { sub, .. }
        | Kind::Resumed { sub, .. }
        | Kind::Unsubscribe { sub }
        | Kind::StreamEnded { sub }) = kind
        else {
            return;
        };
        let Some(index) = self.subscription(now, *sub) else {
            return;
        };
        match kind {
            Kind::SubscribeOk { unconfirmed, .. } => {
                self.report.subscriptions += 1;
                let view = self.world.subscriptions[index].life;
                let view = view.map(|life| &self.world.lives.get(life).view);
                let seen = view.filter(|view| view.told).map(|view| view.runs().to_vec());
                let accepted = Accepted {
                    moment: now,
                    unconfirmed: self.numbers(unconfirmed),
                    seen,
                };
                self.world.subscriptions[index].accepted = Some(accepted);
            }
            Kind::Confirmed { source, .. } => {
                let source = self.world.nodes.number(source);
                self.world.subscriptions[index].confirmed.push((source, now));
            }
            Kind::Resumed { of, .. } => {
                self.report.resumed += 1;
                if let Some(earlier) = self.subscription(now, *of) {
                    if earlier >= index {
                        return self.form(now, "it resumes a subscription that began later");
                    }
                    self.world.subscriptions[earlier].close(now);
                    self.world.subscriptions[index].of = Some(earlier);
                }
            }
            _ => self.world.subscriptions[index].close(now),
        }
    }

    pub(super) fn on_item(&mut self, now: Moment, kind: &'e Kind) {
        let (sub, feed) = match kind {
            Kind::Deliver {
                sub,
                origin,
                origin_epoch,
                instance,
                ..
            }
            | Kind::Gap {
                sub,
                origin,
                origin_epoch,
                instance,
                ..
            }
            | Kind::EpochEnded {
                sub,
                origin,
                origin_epoch,
                instance,
                ..
            } => (*sub, Some((origin, *origin_epoch, *instance))),
            Kind::Live { sub, .. } => (*sub, None),
            _ => return,
        };
        let Some(subscription) = self.subscription(now, sub) else {
            return;
        };
        let ledger = feed.map(|(origin, epoch, instance)| {
            let origin = self.world.nodes.number(origin);
            self.ledger(origin, epoch, instance)
        });
        let items = &mut self.world.subscriptions[subscription].items;
        items.push(Item { at: now.at, ledger });
    }
}
