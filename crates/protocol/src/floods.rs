//! Which sources flood a node: they share most of the room in its queues, and the others hold what little they need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bellwether_message::Instance;

/// A source that brings so many messages within [`PERIOD`] floods.
const MESSAGES: u64 = 512;
/// A source that brings fewer in so long no longer does.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);
/// What a source that floods has of the room, in shares of one that does not. All that was ever told together is at most 4/3
/// of the room, whoever begins to flood: the whole of the queues, of which a quarter is kept.
const SHARES: usize = 4;

/// How many sources flood, per instance, over all links of a node.
#[derive(Debug, Default)]
pub struct Floods([AtomicUsize; Instance::COUNT]);

/// Whether one feed floods. Counted among [`Floods`] as long as it does and this lives.
#[derive(Debug)]
pub(crate) struct Pace {
    instance: Instance,
    floods: Arc<Floods>,
    is_flood: bool,
    /// How far it had come at the beginning of the period, and when that was. None before it was looked at: what is known of
    /// at first came before.
    began: Option<(u64, Duration)>,
}

impl Floods {
    #[expect(clippy::indexing_slicing, reason = "one count per instance, indexed by the instance")]
    fn of(&self, instance: Instance) -> &AtomicUsize {
        &self.0[instance.index()]
    }
}

impl Pace {
    pub(crate) fn new(instance: Instance, floods: Arc<Floods>) -> Self {
        Self {
            instance,
            floods,
            is_flood: false,
            began: None,
        }
    }

    /// The feed has come as far as `seq`. True if it floods no longer.
    pub(crate) fn look(&mut self, seq: u64, now: Duration) -> bool {
        let was_flood = self.is_flood;
        match self.began {
            Some((before, _)) if seq.saturating_sub(before) >= MESSAGES => self.set(true),
            Some((_, since)) if now.saturating_sub(since) < PERIOD => return false,
            _ => self.set(false),
        }
        self.began = Some((seq, now));
        was_flood && !self.is_flood
    }

    pub(crate) fn is_flood(&self) -> bool {
        self.is_flood
    }

    /// Its share of the room that it has together with so many sources, itself among them.
    pub(crate) fn share(&self, room: usize, sources: usize) -> usize {
        let floods = self.floods.of(self.instance).load(Ordering::Relaxed);
        share(room, sources, floods, self.is_flood)
    }

    fn set(&mut self, is_flood: bool) {
        if is_flood == self.is_flood {
            return;
        }
        self.is_flood = is_flood;
        let floods = self.floods.of(self.instance);
        match is_flood {
            true => floods.fetch_add(1, Ordering::Relaxed),
            false => floods.fetch_sub(1, Ordering::Relaxed),
        };
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.set(false);
    }
}

fn share(room: usize, sources: usize, floods: usize, is_flood: bool) -> usize {
    let others = sources.saturating_sub(floods);
    let all = (floods * SHARES + others).max(1);
    let own = if is_flood { SHARES } else { 1 };
    room * own / all.max(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 12_288;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_was_told_is_never_more_than_the_queue_whoever_begins_to_flood() {
        for sources in 1..300 {
            // Who does not flood may hold what it was told while nobody did.
            let kept = share(ROOM, sources, 0, false);
            assert_eq!(kept, ROOM / sources);
            for floods in 0..=sources {
                let told = floods * share(ROOM, sources, floods, true) + (sources - floods) * kept;
                assert!(told <= ROOM * 4 / 3, "{floods} of {sources}: {told}");
                assert!(share(ROOM, sources, floods, false) <= kept);
            }
        }
        assert_eq!(share(ROOM, 2, 1, true), 9830);
        assert_eq!(share(ROOM, 8, 1, true), 4468);
        // More that flood than sources are known: counted a moment apart.
        assert_eq!((share(ROOM, 0, 0, false), share(ROOM, 1, 2, true)), (ROOM, ROOM / 2));
    }

    #[test]
    fn a_feed_floods_at_once_and_ceases_after_a_period_of_less() {
        let floods = Arc::new(Floods::default());
        let mut pace = Pace::new(Instance::Events, floods.clone());
        let mut other = Pace::new(Instance::Events, floods.clone());
        let mut elsewhere = Pace::new(Instance::Alerts, floods);
        assert!(!pace.look(1_000_000, ms(0)) && !pace.is_flood(), "its past is no flood");
        assert!(!pace.look(1_000_511, ms(20)) && !pace.is_flood());
        assert!(!pace.look(1_000_512, ms(40)) && pace.is_flood());
        other.look(1, ms(40));
        elsewhere.look(1, ms(40));
        assert_eq!([pace.share(ROOM, 2), other.share(ROOM, 2)], [9830, 2457]);
        assert_eq!(elsewhere.share(ROOM, 2), ROOM / 2);
        assert!(!pace.look(1_000_600, ms(1039)) && pace.is_flood());
        assert!(pace.look(1_000_600, ms(1040)) && !pace.is_flood());
        assert_eq!(pace.share(ROOM, 2), ROOM / 2);
        other.look(513, ms(1041));
        assert_eq!(pace.share(ROOM, 2), 2457);
        drop(other);
        assert_eq!(pace.share(ROOM, 2), ROOM / 2, "its link is gone");
    }
}
