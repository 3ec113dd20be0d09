//! A short notation for histories, one or two events per line; a millisecond passes after each.
//!
//! ```text
//! a/1 start                    what happened to or on run 1 of node a
//! a/1 publish 1 x              a call and its ack: message 1 of the run's feed, on topic x, with hash 1
//! a/1 call 1 x · a/1 ack 1 2 · a/1 fail 1
//! b/1 subscribed 7 x,y:*       a call and its return: subscription 7 with two patterns
//! b/1 got 7 a/1 1 x            subscription 7 got message 1 of feed a/1; `a/1@alerts` is its feed of alerts
//! b/1 gap 7 a/1 2-5 3 exact slow_subscriber
//! wait 1500                    this many milliseconds pass
//! ```

use std::sync::Arc;

use bellwether_history::{Event, Feed, Kind, Run};
use bellwether_message::Instance;

/// The events of a text.
pub(crate) fn history(text: &str) -> Vec<Event> {
    let (mut events, mut t) = (Vec::new(), 0);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["wait", millis] => t += number(millis) * 1_000,
            [who, ref said @ ..] => {
                let who = who
                    .split_once('/')
                    .map_or(Run::new(who, 0), |(node, epoch)| Run::new(node, number(epoch)));
                for kind in kinds(said).unwrap_or_else(|| panic!("the notation has no such line: {line}")) {
                    events.push(who.at(t, kind));
                    t += 500;
                }
                t = t.next_multiple_of(1_000);
            }
            [] => {}
        }
    }
    events
}

fn kinds(said: &[&str]) -> Option<Vec<Kind>> {
    let one = |kind| Some(vec![kind]);
    match *said {
        ["start"] => one(Kind::Start {}),
        ["stop", ref unconfirmed @ ..] => one(Kind::Stop {
            unconfirmed: names(unconfirmed),
        }),
        ["kill"] => one(Kind::Kill {}),
        ["exit", code] => one(Kind::Exit {
            code: code.parse().ok(),
        }),
        ["panicked"] => one(Kind::Panicked {
            text: "index out of bounds".to_owned(),
        }),

        ["call", call, topic] => one(Kind::publish_call(number(call), Instance::Events, topic, number(call))),
        ["ack", call, seq] => one(Kind::PublishAck {
            call: number(call),
            seq: number(seq),
        }),
        ["fail", call] => one(Kind::PublishFail {
            call: number(call),
            error: "closed".to_owned(),
        }),
        ["publish", call, topic] => {
            let mut both = kinds(&["call", call, topic])?;
            both.extend(kinds(&["ack", call, call])?);
            Some(both)
        }

        ["subscribe", sub, patterns] => one(Kind::subscribe_call(
            number(sub),
            Instance::Events,
            patterns.split(','),
            "live",
        )),
        ["ok", sub, ref unconfirmed @ ..] => one(Kind::SubscribeOk {
            sub: number(sub),
            unconfirmed: names(unconfirmed),
        }),
        ["subscribed", sub, patterns, ref unconfirmed @ ..] => {
            let mut both = kinds(&["subscribe", sub, patterns])?;
            both.push(Kind::SubscribeOk {
                sub: number(sub),
                unconfirmed: names(unconfirmed),
            });
            Some(both)
        }
        ["confirmed", sub, source] => one(Kind::Confirmed {
            sub: number(sub),
            source: source.into(),
        }),
        ["resumed", sub, of] => one(Kind::Resumed {
            sub: number(sub),
            of: number(of),
        }),
        ["unsubscribe", sub] => one(Kind::Unsubscribe { sub: number(sub) }),
        ["stream_ended", sub] => one(Kind::StreamEnded { sub: number(sub) }),

        ["got", sub, of, seq, topic] => one(Kind::deliver(number(sub), &feed(of), number(seq), topic, number(seq))),
        ["got", sub, of, seq, topic, hash] => {
            one(Kind::deliver(number(sub), &feed(of), number(seq), topic, number(hash)))
        }
        ["gap", sub, of, seqs, count, how, cause] => {
            let (first, last) = seqs.split_once('-')?;
            let seqs = number(first)..=number(last);
            one(match how {
                "exact" => Kind::exact_gap(number(sub), &feed(of), seqs, number(count), cause),
                _ => Kind::gap_up_to(number(sub), &feed(of), seqs, number(count), cause),
            })
        }
        ["end", sub, of, last_seq] => one(Kind::epoch_ended(number(sub), &feed(of), number(last_seq), false)),
        ["end", sub, of, last_seq, "unknown"] => one(Kind::epoch_ended(number(sub), &feed(of), number(last_seq), true)),
        ["live", sub, replayed, ref incomplete @ ..] => one(Kind::Live {
            sub: number(sub),
            replayed: number(replayed),
            incomplete: names(incomplete),
        }),

        ["up", member] => {
            let (member, member_epoch) = run(member);
            one(Kind::MemberUp { member, member_epoch })
        }
        ["down", member] => {
            let (member, member_epoch) = run(member);
            one(Kind::MemberDown { member, member_epoch })
        }
        ["left", member] => {
            let (member, member_epoch) = run(member);
            one(Kind::MemberLeft { member, member_epoch })
        }
        ["view", ref members @ ..] => one(Kind::View {
            members: names(members),
        }),

        ["fault", fault, ref nodes @ ..] => one(Kind::FaultBegin {
            fault: fault.into(),
            nodes: names(nodes),
        }),
        ["heal", fault, ref nodes @ ..] => one(Kind::FaultEnd {
            fault: fault.into(),
            nodes: names(nodes),
        }),
        ["quiet"] => one(Kind::Quiet {}),
        ["size", what, value, bound] => one(Kind::Size {
            what: what.into(),
            value: number(value),
            bound: number(bound),
        }),
        ["idle", what, before, after, slack] => one(Kind::Idle {
            what: what.into(),
            before: number(before),
            after: number(after),
            slack: number(slack),
        }),
        _ => None,
    }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("not a number: {word}"))
}

fn names(words: &[&str]) -> Vec<Arc<str>> {
    words.iter().map(|word| Arc::from(*word)).collect()
}

fn run(word: &str) -> (Arc<str>, u64) {
    let (node, epoch) = word.split_once('/').expect("a run is node/epoch");
    (node.into(), number(epoch))
}

fn feed(word: &str) -> Feed {
    let (source, instance) = word.split_once('@').unwrap_or((word, "events"));
    let (node, epoch) = run(source);
    Feed::new(node, epoch, instance.parse().expect("an instance"))
}
