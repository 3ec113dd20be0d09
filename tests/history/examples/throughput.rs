//! How long the checker takes per event: `cargo run --release -p bellwether-history --example throughput [MESSAGES]`.
//!
//! One history of about the size that a simulated run has: 5 nodes, 12 subscriptions on 3 instances, a few
//! gaps; checked over and over.

use std::sync::Arc;
use std::time::Instant;

use bellwether_history::{Checker, Event, Feed, Kind, Rules, Run};
use bellwether_message::Instance;

const NODES: u64 = 5;
const SUBSCRIPTIONS: u64 = 12;
/// Without an argument, as many as give 2,500 events.
const MESSAGES: u64 = 560;
/// Over all rounds.
const EVENTS: usize = 5_000_000;

fn main() {
    let messages = std::env::args().nth(1).and_then(|argument| argument.parse().ok());
    let history = history(messages.unwrap_or(MESSAGES));
    let rounds = EVENTS.div_ceil(history.len());
    let checker = Checker::new(Rules::default());
    let begun = Instant::now();
    for _ in 0..rounds {
        if let Err(violations) = checker.check(&history) {
            return println!("the history is wrong:\n{violations}");
        }
    }
    let took = begun.elapsed();
    let micros = took.as_secs_f64() * 1e6 / (rounds * history.len()) as f64;
    println!(
        "{} events, checked {rounds} times: {micros:.3} us per event",
        history.len()
    );
    if let Ok(report) = checker.check(&history) {
        println!("{report}");
    }
}

fn history(messages: u64) -> Vec<Event> {
    let instances = [Instance::Events, Instance::Alerts, Instance::Health];
    let topics: Vec<Arc<str>> = (0..12)
        .map(|topic| format!("orders:{}:{topic}", topic % 3).into())
        .collect();
    let patterns = ["*", "orders:0:*", "orders:+:5"];
    let runs: Vec<Run> = (0..NODES)
        .map(|node| Run::new(format!("node-{node}"), 1_700_000 + node))
        .collect();
    let (mut events, mut t) = (Vec::new(), 0);
    let mut say = |run: &Run, kind| {
        t += 700;
        events.push(run.at(t, kind));
    };
    for run in &runs {
        say(run, Kind::Start {});
    }
    let members: Vec<Arc<str>> = runs.iter().map(|run| run.node.clone()).collect();
    for run in &runs {
        say(
            run,
            Kind::View {
                members: members.clone(),
            },
        );
    }
    let of = |sub: u64| {
        (
            instances[sub as usize % 3],
            patterns[sub as usize / 3 % 3],
            &runs[(sub % NODES) as usize],
        )
    };
    for sub in 0..SUBSCRIPTIONS {
        let (instance, pattern, run) = of(sub);
        say(run, Kind::subscribe_call(sub, instance, [pattern], "live"));
        say(
            run,
            Kind::SubscribeOk {
                sub,
                unconfirmed: vec![],
            },
        );
    }
    say(
        &runs[0],
        Kind::FaultBegin {
            fault: "slow".into(),
            nodes: vec![],
        },
    );
    let mut seqs = vec![[0_u64; 3]; runs.len()];
    for message in 0..messages {
        let (node, kind) = ((message * 7 % NODES) as usize, (message % 3) as usize);
        let (topic, hash) = (
            &topics[(message % 11) as usize],
            message.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        );
        say(
            &runs[node],
            Kind::publish_call(message, instances[kind], topic.clone(), hash),
        );
        seqs[node][kind] += 1;
        let seq = seqs[node][kind];
        say(&runs[node], Kind::PublishAck { call: message, seq });
        let feed = Feed::new(runs[node].node.clone(), runs[node].epoch, instances[kind]);
        for sub in 0..SUBSCRIPTIONS {
            let (instance, pattern, run) = of(sub);
            let matches = bellwether_message::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(topic));
            if instance != instances[kind] || !matches {
                continue;
            }
            let kind = if message % 29 == 0 {
                Kind::exact_gap(sub, &feed, seq..=seq, 1, "slow_subscriber")
            } else {
                Kind::deliver(sub, &feed, seq, topic.clone(), hash)
            };
            say(run, kind);
        }
    }
    say(
        &runs[0],
        Kind::FaultEnd {
            fault: "slow".into(),
            nodes: vec![],
        },
    );
    say(&runs[0], Kind::Quiet {});
    events
}
