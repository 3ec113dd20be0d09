//! The tally: what a subscription has got, in few figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether::{Gap, Source};
use bellwether_tests::clock::now_ns;
use bellwether_tests::participant::{Feed, Heard, Latency};

use crate::publisher::published_ns;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    feeds: BTreeMap<Arc<Source>, Feed>,
    latencies_us: Vec<u32>,
}

impl Tally {
    pub(crate) fn on_message(&mut self, source: &Arc<Source>, seq: u64, payload: &[u8]) {
        let feed = self.feed(source);
        feed.received += 1;
        feed.disordered += u64::from(seq <= feed.last_seq);
        feed.last_seq = seq;
        if let Some(published_ns) = published_ns(payload) {
            let latency_us = now_ns().saturating_sub(published_ns) / 1000;
            self.latencies_us.push(u32::try_from(latency_us).unwrap_or(u32::MAX));
        }
    }

    pub(crate) fn on_gap(&mut self, gap: &Gap) {
        let feed = self.feed(&gap.source);
        feed.gaps
            .push((gap.first, gap.last, gap.count, gap.cause.name().to_owned()));
        feed.disordered += u64::from(gap.first <= feed.last_seq);
        feed.last_seq = gap.last;
    }

    pub(crate) fn on_end(&mut self, source: &Arc<Source>) {
        self.feed(source).has_ended = true;
    }

    pub(crate) fn heard(&self) -> Heard {
        Heard {
            feeds: self.feeds.values().cloned().collect(),
        }
    }

    pub(crate) fn take_latency(&mut self) -> Latency {
        let mut sorted = std::mem::take(&mut self.latencies_us);
        sorted.sort_unstable();
        let percentile = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default().into()
        };
        Latency {
            count: sorted.len() as u64,
            p50_us: percentile(50),
            p99_us: percentile(99),
            max_us: percentile(100),
        }
    }

    fn feed(&mut self, source: &Arc<Source>) -> &mut Feed {
        self.feeds.entry(source.clone()).or_insert_with(|| Feed {
            origin: source.node.to_string(),
            epoch: source.epoch.0,
            ..Feed::default()
        })
    }
}
