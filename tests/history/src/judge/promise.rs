//! From when a subscription must get what a source publishes.

use crate::rules::Rules;
use crate::world::{Clock, Ledger, Message, Moment, Subscription, World};

/// What a subscription was promised of one feed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Promise {
    /// Nothing, until something of the feed comes.
    None,
    /// All messages whose publish began after this.
    Since {
        moment: Moment,
        /// Whether the subscribe call itself promised it, of all nodes.
        by_subscribe: bool,
    },
    /// All messages: the source began after the subscription.
    All,
}

impl Promise {
    pub(super) fn of(world: &World<'_>, rules: &Rules, subscription: &Subscription, ledger: &Ledger) -> Self {
        let Some(life) = ledger.life.map(|life| world.lives.get(life)) else {
            return Self::None;
        };
        let clock = world.clock;
        if let Some(accepted) = &subscription.accepted {
            if clock.surely_before(accepted.moment, life.start) {
                return if rules.new_sources_from_start {
                    Self::All
                } else {
                    Self::None
                };
            }
            let run = (life.node, life.epoch);
            let was_connected = life.node == subscription.node
                || match &accepted.seen {
                    Some(seen) => seen.contains(&run),
                    None => !world.has_views,
                };
            let was_confirmed = was_connected && !accepted.unconfirmed.contains(&life.node);
            if was_confirmed && clock.surely_before(life.start, accepted.moment) {
                return Self::Since {
                    moment: accepted.moment,
                    by_subscribe: accepted.unconfirmed.is_empty(),
                };
            }
        }
        let mut confirmed = subscription.confirmed.iter();
        let confirmed = confirmed.find(|(node, moment)| *node == life.node && moment.at > life.start.at);
        match confirmed {
            Some((_, moment)) => Self::Since {
                moment: *moment,
                by_subscribe: false,
            },
            None => Self::None,
        }
    }

    /// Where among the `matching` messages of the feed those begin that may be due.
    pub(super) fn first_due(self, ledger: &Ledger, matching: &[u32], clock: Clock) -> usize {
        match self {
            Self::None => matching.len(),
            Self::Since { moment, .. } => ledger.first_after(matching, moment, clock),
            Self::All => 0,
        }
    }

    /// Whether this message is due though nothing came before it.
    pub(super) fn holds_for(self, message: &Message, clock: Clock) -> bool {
        match self {
            Self::None => false,
            Self::Since { moment, .. } => clock.surely_before(moment, message.call),
            Self::All => true,
        }
    }

    /// Whether a missing message breaks the promise of the subscribe call.
    pub(super) fn is_by_subscribe(self) -> bool {
        matches!(self, Self::Since { by_subscribe: true, .. })
    }
}
