use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::from_secs(1000);

fn channels() -> Channels {
    Channels::new(NOW)
}

/// What a client's text frame leads to, in a few words: `begin 0`, `end 0`, `publish made`, or the frame written.
fn on(channels: &mut Channels, frame: &str) -> Vec<String> {
    let frame = ClientFrame::from_text(frame).unwrap();
    channels.on_frame(frame).iter().map(words).collect()
}

fn words(effect: &Effect<'_>) -> String {
    match effect {
        Effect::Write(Outgoing::Text(text)) => text.clone(),
        Effect::Write(Outgoing::Binary(_)) => panic!("{effect:?}"),
        Effect::Begin { channel, topic, .. } => format!("begin {} {}", channel.0, topic.pattern),
        Effect::End(channel) => format!("end {}", channel.0),
        Effect::Publish { event, .. } => format!("publish {event}"),
    }
}

fn sent(frame: Option<Outgoing>) -> String {
    match frame {
        Some(Outgoing::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// A channel of `events:a` that is live, with the ref 1.
fn joined() -> Channels {
    let mut channels = channels();
    assert_eq!(
        on(&mut channels, r#"["1","1","events:a","phx_join",{}]"#),
        ["begin 0 a"]
    );
    let answer = sent(channels.joined(ChannelId(0), r#"{"cursor":"x"}"#));
    assert_eq!(
        answer,
        r#"["1","1","events:a","phx_reply",{"status":"ok","response":{"cursor":"x"}}]"#
    );
    channels
}

#[test]
fn a_heartbeat_is_answered_and_only_there() {
    let mut channels = channels();
    assert_eq!(
        on(&mut channels, r#"[null,"10","phoenix","heartbeat",{}]"#),
        [r#"[null,"10","phoenix","phx_reply",{"status":"ok","response":{}}]"#]
    );
    let [refused] = <[String; 1]>::try_from(on(&mut channels, r#"[null,"11","phoenix","other",{}]"#)).unwrap();
    assert!(refused.contains("unmatched topic"), "{refused}");
    let [refused] = <[String; 1]>::try_from(on(&mut channels, r#"["1","1","phoenix","phx_join",{}]"#)).unwrap();
    assert!(refused.contains("unmatched topic"), "{refused}");
}

#[test]
fn a_join_is_answered_once_and_what_it_gets_carries_its_ref() {
    let mut channels = joined();
    assert_eq!(channels.joined(ChannelId(0), "{}"), None);
    assert_eq!(
        sent(channels.push(ChannelId(0), "made", r#"{"n":1}"#)),
        r#"["1",null,"events:a","made",{"n":1}]"#
    );
    assert_eq!(
        channels.push_bytes(ChannelId(0), "made", b"x"),
        Some(Outgoing::Binary(b"\x00\x01\x08\x041events:amadex".to_vec()))
    );
    assert_eq!(channels.push(ChannelId(1), "made", "{}"), None);
}

#[test]
fn the_topic_is_the_clients_own_spelling() {
    let mut channels = channels();
    assert_eq!(
        on(
            &mut channels,
            r#"["1","1","ex_esdb_health:cluster_health","phx_join",{}]"#
        ),
        ["begin 0 cluster_health"]
    );
    let answer = sent(channels.joined(ChannelId(0), "{}"));
    assert!(
        answer.contains(r#""ex_esdb_health:cluster_health","phx_reply""#),
        "{answer}"
    );
}

#[test]
fn a_second_join_of_a_topic_closes_the_first() {
    let mut channels = joined();
    assert_eq!(
        on(&mut channels, r#"["5","5","events:a","phx_join",{}]"#),
        [r#"["1","1","events:a","phx_close",{}]"#, "end 0", "begin 1 a"]
    );
    assert_eq!(channels.len(), 1);
    // What comes late for the first finds nobody.
    assert_eq!(channels.joined(ChannelId(0), "{}"), None);
    assert_eq!(
        channels.refused(ChannelId(0), &Refusal::new(Reason::Internal, "")),
        None
    );
    assert_eq!(channels.push(ChannelId(0), "made", "{}"), None);
    assert_eq!(channels.failed(ChannelId(0)), None);
    assert!(sent(channels.joined(ChannelId(1), "{}")).starts_with(r#"["5","5","#));
}

#[test]
fn a_second_join_that_fails_closes_the_first_all_the_same() {
    let mut channels = joined();
    let effects = on(&mut channels, r#"["5","5","events:a","phx_join",{"since":7}]"#);
    assert_eq!(effects[..2], [r#"["1","1","events:a","phx_close",{}]"#, "end 0"]);
    assert!(effects[2].contains(r#""reason":"bad_params""#), "{effects:?}");
    assert!(channels.is_empty());
}

#[test]
fn a_join_that_is_not_answered_yet_can_be_joined_again_and_left() {
    let mut channels = channels();
    on(&mut channels, r#"["1","1","events:a","phx_join",{}]"#);
    assert_eq!(
        on(&mut channels, r#"["2","2","events:a","phx_join",{}]"#),
        [r#"["1","1","events:a","phx_close",{}]"#, "end 0", "begin 1 a"]
    );
    assert_eq!(
        on(&mut channels, r#"["2","3","events:a","phx_leave",{}]"#),
        [
            r#"["2","3","events:a","phx_reply",{"status":"ok","response":{}}]"#,
            r#"["2","2","events:a","phx_close",{}]"#,
            "end 1"
        ]
    );
    assert!(channels.is_empty());
}

#[test]
fn a_frame_of_an_earlier_join_is_ignored_and_one_without_a_join_is_not() {
    let mut channels = joined();
    for stale in [
        r#"["0","9","events:a","made",{}]"#,
        r#"["0","9","events:a","phx_leave",{}]"#,
        r#"["","9","events:a","made",{}]"#,
    ] {
        assert_eq!(on(&mut channels, stale), [""; 0], "{stale}");
    }
    assert_eq!(on(&mut channels, r#"["1","9","events:a","made",{}]"#), ["publish made"]);
    assert_eq!(
        on(&mut channels, r#"[null,"9","events:a","made",{}]"#),
        ["publish made"]
    );
    assert_eq!(on(&mut channels, r#"[null,"9","events:a","phx_leave",{}]"#).len(), 3);
}

#[test]
fn leaving_what_is_not_joined_is_fine_and_pushing_there_is_not() {
    let mut channels = channels();
    assert_eq!(
        on(&mut channels, r#"["1","2","events:a","phx_leave",{}]"#),
        [r#"["1","2","events:a","phx_reply",{"status":"ok","response":{}}]"#]
    );
    let [refused] = <[String; 1]>::try_from(on(&mut channels, r#"["1","2","events:a","made",{}]"#)).unwrap();
    assert!(
        refused.starts_with(
            r#"["1","2","events:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic","#
        ),
        "{refused}"
    );
}

#[test]
fn a_topic_that_nobody_serves_is_refused() {
    let mut channels = channels();
    for topic in ["room:lobby", "events", "", "events::a", "lv:phx-F00"] {
        let frame = format!(r#"["1","1","{topic}","phx_join",{{}}]"#);
        let [refused] = <[String; 1]>::try_from(on(&mut channels, &frame)).unwrap();
        assert!(
            refused.contains(r#"{"status":"error","response":{"reason":"unmatched topic","#),
            "{refused}"
        );
    }
    assert!(channels.is_empty());
}

#[test]
fn a_socket_has_at_most_so_many_channels() {
    let mut channels = channels();
    for index in 0..MAX_CHANNELS {
        let frame = format!(r#"["{index}","{index}","events:t{index}","phx_join",{{}}]"#);
        assert_eq!(on(&mut channels, &frame), [format!("begin {index} t{index}")]);
    }
    let [refused] = <[String; 1]>::try_from(on(&mut channels, r#"["x","x","events:more","phx_join",{}]"#)).unwrap();
    assert!(refused.contains(r#""reason":"too many channels joined""#), "{refused}");
    // One in the place of another is not one more.
    assert_eq!(on(&mut channels, r#"["x","x","events:t3","phx_join",{}]"#).len(), 3);
    on(&mut channels, r#"[null,null,"events:t4","phx_leave",{}]"#);
    assert_eq!(
        on(&mut channels, r#"["x","x","events:more","phx_join",{}]"#),
        ["begin 101 more"]
    );
    assert_eq!(channels.len(), MAX_CHANNELS);
}

#[test]
fn a_channel_that_fails_is_told_and_can_be_joined_again() {
    let mut channels = joined();
    assert_eq!(
        sent(channels.failed(ChannelId(0))),
        r#"["1","1","events:a","phx_error",{}]"#
    );
    assert_eq!(
        on(&mut channels, r#"["2","2","events:a","phx_join",{}]"#),
        ["begin 1 a"]
    );
    let refusal = Refusal::new(Reason::Unauthorized, "no");
    assert_eq!(
        sent(channels.refused(ChannelId(1), &refusal)),
        r#"["2","2","events:a","phx_reply",{"status":"error","response":{"reason":"unauthorized","message":"no"}}]"#
    );
    on(&mut channels, r#"["3","3","events:a","phx_join",{}]"#);
    on(&mut channels, r#"["4","4","events:b","phx_join",{}]"#);
    let all: Vec<_> = channels
        .all_failed()
        .into_iter()
        .map(|frame| sent(Some(frame)))
        .collect();
    assert_eq!(
        all,
        [
            r#"["3","3","events:a","phx_error",{}]"#,
            r#"["4","4","events:b","phx_error",{}]"#
        ]
    );
    assert!(channels.is_empty());
    assert_eq!(on(&mut channels, r#"["3","5","events:a","phx_leave",{}]"#).len(), 1);
}

#[test]
fn a_push_without_a_ref_gets_no_answer() {
    let mut channels = joined();
    let frame = ClientFrame::from_text(r#"["1",null,"events:a","made",{}]"#).unwrap();
    let effects = channels.on_frame(frame);
    let [Effect::Publish { answer, .. }] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(answer.ok("{}"), None);
    assert_eq!(answer.refused(&Refusal::new(Reason::Internal, "")), None);
}

#[test]
fn only_so_many_pushes_wait() {
    let mut channels = joined();
    for _ in 0..MAX_OUTSTANDING {
        channels.wait().unwrap();
    }
    assert_eq!(channels.wait().unwrap_err().reason, Reason::Busy);
    channels.done();
    channels.wait().unwrap();
}

#[test]
fn a_socket_is_idle_after_so_long_a_silence() {
    let mut channels = channels();
    let just_before = IDLE.saturating_sub(Duration::from_millis(1));
    assert!(!channels.is_idle(NOW + just_before));
    assert!(channels.is_idle(NOW + IDLE));
    channels.heard(NOW + IDLE);
    assert!(!channels.is_idle(NOW + IDLE + just_before));
    assert!(!channels.is_idle(Duration::ZERO), "a clock that falls does no harm");
}

/// What a client may do next with one of three topics and four refs.
fn any_frame() -> impl Strategy<Value = (String, String, String, String)> {
    let topic = prop::sample::select(vec!["events:a", "events:*", "room:x"]);
    let event = prop::sample::select(vec!["phx_join", "phx_join", "phx_leave", "made", "phx_close"]);
    let join_ref = prop::sample::select(vec!["null", "\"1\"", "\"2\"", "\"3\""]);
    let reference = prop::sample::select(vec!["null", "\"1\"", "\"2\"", "\"3\""]);
    (join_ref, reference, topic, event).prop_map(|(join_ref, reference, topic, event)| {
        (
            join_ref.to_owned(),
            reference.to_owned(),
            topic.to_owned(),
            event.to_owned(),
        )
    })
}

proptest! {
    /// Whoever carries out the effects has exactly the channels that the rules have, one per topic, and each begins and
    /// ends once.
    #[test]
    fn begun_and_not_ended_are_the_channels(
        frames in prop::collection::vec((any_frame(), any::<Option<bool>>()), 0..60),
    ) {
        let mut channels = channels();
        let mut open: BTreeMap<ChannelId, String> = BTreeMap::new();
        let mut begun = 0;
        for ((join_ref, reference, topic, event), outcome) in frames {
            let frame = format!(r#"[{join_ref},{reference},"{topic}","{event}",{{}}]"#);
            for effect in channels.on_frame(ClientFrame::from_text(&frame).unwrap()) {
                match effect {
                    Effect::Begin { channel, topic: served, .. } => {
                        prop_assert_eq!(channel, ChannelId(begun));
                        begun += 1;
                        prop_assert_eq!(format!("events:{}", served.pattern), topic.clone());
                        prop_assert_eq!(open.insert(channel, topic.clone()), None);
                    }
                    Effect::End(channel) => prop_assert!(open.remove(&channel).is_some()),
                    Effect::Publish { topic: served, .. } => {
                        let is_open = open.values().any(|open| *open == format!("events:{}", served.pattern));
                        prop_assert!(is_open);
                    }
                    Effect::Write(_) => {}
                }
            }
            let last = open.keys().next_back().copied();
            match (outcome, last) {
                (Some(true), Some(channel)) => {
                    let _ = channels.joined(channel, "{}");
                    let pushed = channels.push(channel, "made", "{}");
                    prop_assert!(pushed.is_some());
                }
                (Some(false), Some(channel)) => {
                    prop_assert!(channels.failed(channel).is_some());
                    open.remove(&channel);
                }
                _ => {}
            }
            prop_assert_eq!(channels.len(), open.len());
            let mut topics: Vec<_> = open.values().collect();
            topics.sort();
            topics.dedup();
            prop_assert_eq!(topics.len(), open.len());
        }
    }
}
