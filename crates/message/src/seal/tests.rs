use proptest::prelude::*;

use super::*;
use crate::{ContentType, Epoch, MessageId, NodeId, Opener, Topic, VerifyError};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

fn ring(secrets: &[&str]) -> KeyRing {
    KeyRing::new("test", secrets).unwrap()
}

fn source(node: &str, epoch: u64) -> Arc<Source> {
    Arc::new(Source {
        node: NodeId::new(node).unwrap(),
        epoch: Epoch(epoch),
    })
}

fn sealer(instance: Instance) -> Sealer {
    Sealer::new("test", Some(&ring(&[SECRET])), source("a", 7), instance)
}

fn opener_for(sealer: &Sealer) -> Opener {
    Opener::new(Some(&ring(&[SECRET])), "test", sealer.header().unwrap()).unwrap()
}

/// Verifies a body and makes a message of it.
fn open(opener: &mut Opener, body: &[u8]) -> Result<Envelope, VerifyError> {
    let verified = opener.open(body)?;
    Ok(opener.envelope(verified, body))
}

fn seal(sealer: &Sealer, draft: &Draft, seq: u64) -> Envelope {
    sealer
        .seal_one(draft, seq, Timestamp::from_millis(1_763_722_345_123))
        .unwrap()
}

fn draft() -> Draft {
    Draft::new(Topic::new("system_alerts:critical").unwrap(), "critical_alert")
        .json(r#"{"message":"disk full"}"#)
        .originating_node(NodeId::new("b").unwrap())
        .correlation_id("story-1")
        .causation_id("alerts/a/7/1")
}

#[test]
fn what_was_sealed_is_what_is_opened() {
    let sealer = sealer(Instance::Alerts);
    let sent = seal(&sealer, &draft(), 3);
    let got = open(&mut opener_for(&sealer), sent.body()).unwrap();
    assert_eq!(got.id(), "alerts/a/7/3".parse::<MessageId>().unwrap());
    assert_eq!(got.topic(), "system_alerts:critical");
    assert_eq!(got.head().event, "critical_alert");
    assert_eq!(got.originating_node(), "b");
    assert_eq!(got.reporting_node(), "a");
    assert_eq!(got.head().correlation_id, Some("story-1"));
    assert_eq!(got.head().causation_id, Some("alerts/a/7/1"));
    assert_eq!(got.timestamp(), Timestamp::from_millis(1_763_722_345_123));
    assert_eq!(got.head().content_type(), ContentType::Json);
    assert_eq!(got.payload(), br#"{"message":"disk full"}"#);
    assert!(got.is_signed());
}

#[test]
fn a_frame_is_worthless_in_any_other_place() {
    let sent = seal(&sealer(Instance::Alerts), &draft(), 1);
    let keys = ring(&[SECRET]);
    let elsewhere = [
        Sealer::new("test", Some(&keys), source("a", 7), Instance::Audit),
        Sealer::new("test", Some(&keys), source("a", 8), Instance::Alerts),
        Sealer::new("test", Some(&keys), source("b", 7), Instance::Alerts),
    ];
    for sealer in elsewhere {
        assert_eq!(
            open(&mut opener_for(&sealer), sent.body()).unwrap_err(),
            VerifyError::InvalidSignature
        );
    }
}

#[test]
fn a_mark_does_not_pass_for_a_message_nor_a_message_for_a_mark() {
    let sealer = sealer(Instance::Alerts);
    let mut opener = opener_for(&sealer);
    let mark = sealer.seal_mark(&(1u64, 2u64)).unwrap();
    assert_eq!(opener.open_mark::<(u64, u64)>(&mark), Ok((1, 2)));
    assert_eq!(opener.open(&mark).unwrap_err(), VerifyError::InvalidSignature);
    let message = seal(&sealer, &draft(), 1);
    assert_eq!(
        opener.open_mark::<(u64, u64)>(message.body()),
        Err(VerifyError::InvalidSignature)
    );
}

#[test]
fn outcomes_are_the_originals() {
    let sealed = sealer(Instance::Alerts);
    let header = sealed.header().unwrap();
    assert_eq!(
        Opener::new(None, "test", header).unwrap_err(),
        VerifyError::NoSecretConfigured
    );
    assert_eq!(
        Opener::new(Some(&ring(&[OTHER])), "test", header).unwrap_err(),
        VerifyError::InvalidSignature
    );
    assert_eq!(
        Opener::new(Some(&ring(&[SECRET])), "prod", header).unwrap_err(),
        VerifyError::InvalidSignature
    );
    let mut opener = opener_for(&sealed);
    assert_eq!(
        opener.open(b"short").unwrap_err(),
        VerifyError::UnsecuredMessageRejected
    );
    assert_eq!(opener.open(&[0; 16]).unwrap_err(), VerifyError::InvalidFormat);
    assert_eq!(opener.open(&[0xff; 32]).unwrap_err(), VerifyError::InvalidFormat);
    let unsigned = Sealer::new("test", None, source("a", 7), Instance::Alerts);
    let message = seal(&unsigned, &draft(), 1);
    assert!(!message.is_signed());
    assert!(open(&mut opener, message.body()).is_err());
}

#[test]
fn every_key_of_the_ring_verifies_and_the_first_signs() {
    let old = Sealer::new("test", Some(&ring(&[OTHER])), source("a", 7), Instance::Alerts);
    let both = ring(&[SECRET, OTHER]);
    let mut opener = Opener::new(Some(&both), "test", old.header().unwrap()).unwrap();
    assert!(open(&mut opener, seal(&old, &draft(), 1).body()).is_ok());
    let new = Sealer::new("test", Some(&both), source("a", 7), Instance::Alerts);
    assert_eq!(new.header().unwrap().key, ring(&[SECRET]).ids().next().unwrap());
}

#[test]
fn what_an_old_key_has_signed_is_signed_anew_by_the_new_one() {
    let old = sealer(Instance::Alerts);
    let new = old.with_ring(&ring(&[OTHER, SECRET]));
    assert_eq!(new.key(), ring(&[OTHER]).ids().next());
    let mut batch = BatchBuilder::new(old.source().clone());
    let drafts: Vec<Draft> = ["", "x", &"long ".repeat(40)].map(|text| draft().text(text)).into();
    for (seq, draft) in (1..).zip(&drafts) {
        assert!(batch.is_signed_by(old.key()) && (seq == 1 || !batch.is_signed_by(new.key())));
        let time = Timestamp::from_millis(9);
        old.seal(old.absorb(&draft.payload), draft, seq, time, &mut batch)
            .unwrap();
    }
    let batch = batch.finish().unwrap();
    assert_eq!(batch.key(), old.key());
    // Who has the new key only takes every one of them, and nothing but the signatures is other.
    let only_new = ring(&[OTHER]);
    let mut opener = Opener::new(Some(&only_new), "test", new.header().unwrap()).unwrap();
    for from in 0..drafts.len() {
        let anew = new.sign_anew(&batch, from).unwrap();
        assert_eq!((anew.key(), anew.len()), (new.key(), drafts.len() - from));
        let (old_frames, frames) = (batch.frames(from..drafts.len()), anew.frames(0..anew.len()));
        assert_eq!(frames.len(), old_frames.len());
        for (place, envelope) in anew.envelopes().enumerate() {
            let got = open(&mut opener, envelope.body()).unwrap();
            assert_eq!(got.seq(), (from + place + 1) as u64);
            assert_eq!(got.payload(), &drafts[from + place].payload[..]);
        }
    }
    assert!(new.sign_anew(&batch, drafts.len()).is_none());
    for envelope in batch.envelopes() {
        assert_eq!(
            open(&mut opener, envelope.body()).unwrap_err(),
            VerifyError::InvalidSignature
        );
        assert_eq!(
            open(&mut opener, &new.body_of(&envelope)).unwrap().seq(),
            envelope.seq()
        );
        assert!(matches!(old.body_of(&envelope), Cow::Borrowed(_)));
    }
    let unsigned = Sealer::new("test", None, source("a", 7), Instance::Alerts);
    assert_eq!(unsigned.with_ring(&only_new).key(), None);
}

/// A member that signs what no draft may say: its signature is right, its fields are not.
#[test]
fn a_signed_message_beyond_the_bounds_of_a_draft_is_refused() {
    let sealer = sealer(Instance::Alerts);
    let mut opener = opener_for(&sealer);
    let mut forged_event = draft();
    forged_event.event = "a\nb".into();
    let mut long_id = draft();
    long_id.causation_id = Some("x".repeat(crate::MAX_ID_BYTES + 1));
    for draft in [forged_event, long_id] {
        let sent = seal(&sealer, &draft, 1);
        assert_eq!(open(&mut opener, sent.body()).unwrap_err(), VerifyError::InvalidFormat);
    }
    let unnumbered = seal(&sealer, &draft(), 0);
    assert_eq!(
        open(&mut opener, unnumbered.body()).unwrap_err(),
        VerifyError::InvalidFormat
    );
}

#[test]
fn the_largest_draft_fits_a_head() {
    let mut draft = Draft::new(
        Topic::new(&"x".repeat(240)).unwrap(),
        "e".repeat(crate::MAX_EVENT_BYTES),
    )
    .originating_node(NodeId::new(&["n".repeat(63), "m".repeat(63)].join(".")).unwrap())
    .correlation_id("c".repeat(crate::MAX_ID_BYTES))
    .causation_id("d".repeat(crate::MAX_ID_BYTES))
    .reply_to("r".repeat(crate::MAX_REPLY_TO_BYTES));
    draft
        .headers
        .push("h", &"v".repeat(crate::MAX_HEADERS_BYTES - 5))
        .unwrap();
    draft.content_type = ContentType::Other("t".repeat(crate::MAX_CONTENT_TYPE_BYTES).into());
    draft.check(0).unwrap();
    let sealer = sealer(Instance::Events);
    let envelope = sealer
        .seal_one(&draft, u64::MAX, Timestamp::from_millis(i64::MAX))
        .unwrap();
    assert_eq!(
        open(&mut opener_for(&sealer), envelope.body()).unwrap().timestamp(),
        Timestamp::from_millis(i64::MAX)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_draft_survives_the_journey(
        topic in "[a-z]{1,8}(:[a-z$*]{2,8}){0,5}",
        event in "[a-z_]{1,20}",
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        correlation in proptest::option::of("[ -~]{0,40}"),
        reply_to in proptest::option::of("[ -~]{0,40}"),
        header in proptest::option::of("[ -~]{0,40}"),
        seq in 1..u64::MAX,
        time in any::<i64>(),
    ) {
        let mut draft = Draft::new(Topic::new(&topic).unwrap(), event.clone()).payload(ContentType::Bytes, payload.clone());
        draft.correlation_id = correlation.clone();
        draft.reply_to = reply_to.clone();
        if let Some(value) = &header {
            draft.headers.push("Name", value).unwrap();
        }
        let sealer = sealer(Instance::Logging);
        let sent = sealer.seal_one(&draft, seq, Timestamp::from_millis(time)).unwrap();
        let got = open(&mut opener_for(&sealer), sent.body()).unwrap();
        prop_assert_eq!(got.topic(), topic);
        prop_assert_eq!(got.head().event, event);
        prop_assert_eq!(got.head().correlation_id, correlation.as_deref());
        prop_assert_eq!(got.head().reply_to(), reply_to.as_deref());
        prop_assert_eq!(got.head().headers().get("Name"), header.as_deref());
        prop_assert_eq!(got.has_headers(), header.is_some());
        prop_assert_eq!(got.seq(), seq);
        prop_assert_eq!(got.timestamp(), Timestamp::from_millis(time));
        prop_assert_eq!(got.payload(), &payload[..]);
    }

    #[test]
    fn any_flipped_bit_is_refused(payload in proptest::collection::vec(any::<u8>(), 0..64), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let sealer = sealer(Instance::Security);
        let sent = seal(&sealer, &draft().payload(ContentType::Bytes, payload), 5);
        let mut bytes = sent.body().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(open(&mut opener_for(&sealer), &bytes).is_err());
    }

    #[test]
    fn garbage_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut opener = opener_for(&sealer(Instance::Events));
        prop_assert!(opener.open(&bytes).is_err());
        prop_assert!(opener.open_mark::<u64>(&bytes).is_err());
        let _ = StreamHeader::decode(&bytes);
        let _ = Head::decode(&bytes);
    }
}
