use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::assurance::Wanted;

/// Frames that are none: what is wrong with each, a tab, the frame.
const BAD_FRAMES: &str = include_str!("bad_frames.txt");

fn subscribe(id: &str, credit: Option<u32>) -> String {
    json!({"op": "subscribe", "id": id, "patterns": ["events/a:*"], "credit": credit}).to_string()
}

fn reason(conversation: &mut Conversation, frame: &str) -> &'static str {
    conversation.receive(frame).unwrap_err().err.code()
}

#[test]
fn credit_is_what_may_come() {
    let mut conversation = Conversation::default();
    assert!(matches!(
        conversation.receive(&subscribe("s", Some(1))),
        Ok(Step::Subscribe(_))
    ));
    assert!(conversation.may_deliver("s") && !conversation.may_deliver("t"));
    conversation.delivered("s");
    assert!(!conversation.may_deliver("s"));
    let credit = r#"{"op":"credit","id":"s","n":2}"#;
    assert!(matches!(conversation.receive(credit), Ok(Step::Credited)));
    conversation.delivered("s");
    assert!(conversation.may_deliver("s"));
    let most = format!(r#"{{"op":"credit","id":"s","n":{MAX_CREDIT}}}"#);
    assert_eq!(reason(&mut conversation, &most), "bad_field");
    assert!(conversation.may_deliver("s"), "what was refused changed nothing");
    conversation.receive(&subscribe("free", None)).unwrap();
    conversation.delivered("free");
    assert!(conversation.may_deliver("free"));
    let credit = r#"{"op":"credit","id":"free","n":2}"#;
    assert_eq!(reason(&mut conversation, credit), "bad_field");
}

#[test]
fn an_id_is_free_again_once_its_subscription_is_over() {
    let mut conversation = Conversation::default();
    conversation.receive(&subscribe("s", None)).unwrap();
    assert_eq!(reason(&mut conversation, &subscribe("s", None)), "bad_id");
    let unsubscribe = r#"{"op":"unsubscribe","id":"s"}"#;
    assert!(matches!(
        conversation.receive(unsubscribe),
        Ok(Step::Unsubscribe { .. })
    ));
    assert_eq!(reason(&mut conversation, unsubscribe), "unknown_id");
    conversation.receive(&subscribe("s", None)).unwrap();
    conversation.ended("s");
    conversation.receive(&subscribe("s", None)).unwrap();
}

#[test]
fn there_is_an_end_to_subscriptions() {
    let mut conversation = Conversation::default();
    for number in 0..MAX_SUBSCRIPTIONS {
        conversation.receive(&subscribe(&number.to_string(), None)).unwrap();
    }
    assert_eq!(
        reason(&mut conversation, &subscribe("one more", None)),
        "limit_exceeded"
    );
}

#[test]
fn what_is_wrong_is_said_with_what_the_client_knows_it_by() {
    let mut conversation = Conversation::default();
    let refused = conversation
        .receive(r#"{"op":"subscribe","id":"s","patterns":[]}"#)
        .unwrap_err();
    assert_eq!(refused.about, About::subscription("s"));
    let refused = conversation
        .receive(r#"{"op":"publish","ref":"7","topic":3}"#)
        .unwrap_err();
    assert_eq!(refused.about, About::reference(Some("7".to_owned())));
    let long = json!({"op": "ping", "ref": "x".repeat(129)}).to_string();
    let refused = conversation.receive(&long).unwrap_err();
    assert_eq!((refused.about, refused.err.code()), (About::default(), "bad_id"));
}

/// Each line of the file is refused for the reason that stands before it, and leaves nothing behind.
#[test]
fn no_bad_frame_is_taken() {
    let mut taken_wrongly = Vec::new();
    for line in BAD_FRAMES.lines() {
        let (expected, frame) = line.split_once('\t').unwrap_or_else(|| panic!("{line}"));
        let mut conversation = Conversation::default();
        let reason = match conversation.receive(frame) {
            Ok(Step::Publish(line)) => line.outgoing(&Wanted::default()).err().map(|err| err.code()),
            Ok(_) => None,
            Err(refused) => {
                assert!(refused.err.words().len() < 700, "{}", refused.err.words());
                Some(refused.err.code())
            }
        };
        if reason != Some(expected) {
            taken_wrongly.push(format!("{reason:?}, not {expected}: {frame:.100}"));
        }
        assert!(conversation.credits.is_empty(), "{frame}");
    }
    assert!(taken_wrongly.is_empty(), "{}", taken_wrongly.join("\n"));
    assert!(BAD_FRAMES.lines().count() >= 200);
}

/// What a client may say, good or bad.
fn frame() -> impl Strategy<Value = String> {
    let id = prop_oneof![Just("a"), Just("b"), Just("c"), Just("")];
    let credit = prop_oneof![Just(None), Just(Some(0)), Just(Some(3)), Just(Some(u32::MAX))];
    prop_oneof![
        (id.clone(), credit).prop_map(|(id, credit)| subscribe(id, credit)),
        (id.clone(), any::<u32>()).prop_map(|(id, n)| json!({"op": "credit", "id": id, "n": n % 5}).to_string()),
        id.clone()
            .prop_map(|id| json!({"op": "unsubscribe", "id": id}).to_string()),
        id.prop_map(|id| json!({"op": "publish", "ref": id, "instance": "events", "topic": "t"}).to_string()),
        Just(r#"{"op":"ping"}"#.to_owned()),
        "[\\[\\]{}\":,a-z0-9\\\\ ]{0,40}",
        any::<String>(),
    ]
}

proptest! {
    /// Any frames in any order, and deliveries between them: what may come is what was given, and nothing panics.
    #[test]
    fn what_may_come_is_what_was_given(frames in prop::collection::vec((frame(), "[abc]"), 0..60)) {
        let mut conversation = Conversation::default();
        let mut model: BTreeMap<String, Option<u64>> = BTreeMap::new();
        for (frame, delivered) in frames {
            let fields: serde_json::Value = serde_json::from_str(&frame).unwrap_or_default();
            let id = fields["id"].as_str().unwrap_or_default().to_owned();
            match conversation.receive(&frame) {
                Ok(Step::Subscribe(subscribe)) => {
                    prop_assert!(model.insert(id, subscribe.credit.map(u64::from)).is_none());
                }
                Ok(Step::Credited) => {
                    let credit = model.get_mut(&id).and_then(Option::as_mut);
                    *credit.expect("only what has credit gets more") += fields["n"].as_u64().unwrap();
                }
                Ok(Step::Unsubscribe { id }) => prop_assert!(model.remove(&id).is_some()),
                _ => {}
            }
            for id in ["a", "b", "c"] {
                let expected = model.get(id).is_some_and(|credit| *credit != Some(0));
                prop_assert_eq!(conversation.may_deliver(id), expected);
            }
            if conversation.may_deliver(&delivered) {
                conversation.delivered(&delivered);
                if let Some(Some(credit)) = model.get_mut(&delivered) {
                    *credit -= 1;
                }
            }
        }
    }
}
