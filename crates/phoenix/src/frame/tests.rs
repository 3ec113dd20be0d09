use proptest::prelude::*;

use super::*;

/// See its first lines.
const BAD_FRAMES: &str = include_str!("bad_frames.txt");

fn text(frame: &Outgoing) -> &str {
    match frame {
        Outgoing::Text(text) => text,
        Outgoing::Binary(_) => panic!("{frame:?}"),
    }
}

fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let pairs = pairs.map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// What phoenix.js reads of a binary push: join_ref, topic, event, data.
fn read_push(bytes: &[u8]) -> (String, String, String, Vec<u8>) {
    let mut offset = 4;
    let mut take = |length: u8| {
        let taken = bytes[offset..offset + usize::from(length)].to_vec();
        offset += usize::from(length);
        String::from_utf8(taken).unwrap()
    };
    assert_eq!(bytes[0], 0, "a push");
    let (join_ref, topic, event) = (take(bytes[1]), take(bytes[2]), take(bytes[3]));
    (join_ref, topic, event, bytes[offset..].to_vec())
}

#[test]
fn what_is_no_frame_is_refused_in_words() {
    let mut count = 0;
    for line in BAD_FRAMES.lines().filter(|line| !line.starts_with('#')) {
        let [kind, words, given] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let given: String = serde_json::from_str(given).unwrap();
        let refused = match kind {
            "text" => ClientFrame::from_text(&given).map(|frame| format!("{frame:?}")),
            "binary" => ClientFrame::from_binary(&from_hex(&given)).map(|frame| format!("{frame:?}")),
            other => panic!("{other}"),
        };
        let err = refused.expect_err(line).to_string();
        assert!(err.contains(words), "{line}\n{err}");
        assert!(err.len() < 500 && !err.chars().any(char::is_control), "{line}\n{err}");
        count += 1;
    }
    assert!(count >= 200, "{count}");
}

#[test]
fn a_text_frame_is_read_where_it_lies() {
    let read =
        ClientFrame::from_text(r#" [ "3" , null, "events:a", "p\u00e4ng" , {"n": 1.0} , 7, {"x":[]} ] "#).unwrap();
    assert_eq!((read.join_ref.as_deref(), read.reference.as_deref()), (Some("3"), None));
    assert_eq!((&*read.topic, &*read.event), ("events:a", "päng"));
    assert_eq!(read.payload, Payload::Json(r#"{"n": 1.0}"#));
    assert!(matches!(read.topic, Cow::Borrowed(_)));
    let longest = "x".repeat(MAX_TEXT_BYTES);
    let frame = format!(r#"["{longest}","{longest}","{longest}","{longest}",null]"#);
    assert_eq!(ClientFrame::from_text(&frame).unwrap().topic, longest);
}

#[test]
fn a_payload_as_deep_as_a_frame_is_long_is_read() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let frame = format!(r#"["1","1","t","e",{deep},{deep}]"#);
    assert_eq!(ClientFrame::from_text(&frame).unwrap().payload, Payload::Json(&deep));
}

#[test]
fn a_binary_frame_is_read_where_it_lies() {
    let read = ClientFrame::from_binary(b"\x00\x01\x02\x03\x01122abce\x00\xff").unwrap();
    assert_eq!(
        (read.join_ref.as_deref(), read.reference.as_deref()),
        (Some("1"), Some("22"))
    );
    assert_eq!((&*read.topic, &*read.event), ("abc", "e"));
    assert_eq!(read.payload, Payload::Bytes(b"\x00\xff"));
    let empty = ClientFrame::from_binary(&[0; 5]).unwrap();
    assert_eq!((empty.join_ref, empty.reference), (None, None));
    assert_eq!((&*empty.topic, empty.payload), ("", Payload::Bytes(b"")));
}

#[test]
fn what_is_sent_has_the_form_that_clients_read() {
    let reply = Outgoing::reply(Some("3"), Some("7"), "events:a", Status::Ok, r#"{"id":1}"#);
    assert_eq!(
        text(&reply),
        r#"["3","7","events:a","phx_reply",{"status":"ok","response":{"id":1}}]"#
    );
    let push = Outgoing::push(Some("3"), "events:a", "p\"", "{}");
    assert_eq!(text(&push), r#"["3",null,"events:a","p\"",{}]"#);
    let end = Outgoing::end(Some("3"), "events:a", "phx_error");
    assert_eq!(text(&end), r#"["3","3","events:a","phx_error",{}]"#);
    assert_eq!(
        text(&Outgoing::end(None, "t", "phx_close")),
        r#"[null,null,"t","phx_close",{}]"#
    );
    let bytes = Outgoing::push_bytes(Some("3"), "events:a", "made", b"\x00\xff");
    assert_eq!(
        bytes,
        Some(Outgoing::Binary(b"\x00\x01\x08\x043events:amade\x00\xff".to_vec()))
    );
    assert_eq!(Outgoing::push_bytes(None, &"x".repeat(256), "e", b""), None);
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        "\\PC{0,60}",
        Just("x".repeat(MAX_TEXT_BYTES)),
        Just(String::new())
    ]
    .prop_filter("as long as it may be", |text| text.len() <= MAX_TEXT_BYTES)
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map(".{0,8}", inner, 0..5)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    });
    value.prop_map(|value| value.to_string())
}

proptest! {
    #[test]
    fn a_text_frame_is_read_as_it_was_written(
        join_ref in prop::option::of(any_text()),
        reference in prop::option::of(any_text()),
        topic in any_text(),
        event in any_text(),
        payload in any_json(),
    ) {
        let frame = ClientFrame {
            join_ref: join_ref.as_deref().map(Cow::Borrowed),
            reference: reference.as_deref().map(Cow::Borrowed),
            topic: topic.as_str().into(),
            event: event.as_str().into(),
            payload: Payload::Json(&payload),
        };
        let written = frame.write().unwrap();
        prop_assert_eq!(ClientFrame::from_text(text(&written)).unwrap(), frame);
    }

    #[test]
    fn a_binary_frame_is_read_as_it_was_written(
        join_ref in any_text(),
        reference in any_text(),
        topic in any_text(),
        event in any_text(),
        data: Vec<u8>,
    ) {
        let frame = ClientFrame {
            join_ref: Some(join_ref.as_str()).filter(|text| !text.is_empty()).map(Cow::Borrowed),
            reference: Some(reference.as_str()).filter(|text| !text.is_empty()).map(Cow::Borrowed),
            topic: topic.as_str().into(),
            event: event.as_str().into(),
            payload: Payload::Bytes(&data),
        };
        let Some(Outgoing::Binary(written)) = frame.write() else {
            panic!("{frame:?}");
        };
        prop_assert_eq!(ClientFrame::from_binary(&written).unwrap(), frame);
    }

    #[test]
    fn clients_read_a_binary_push_as_it_was_sent(join_ref in any_text(), topic in any_text(), event in any_text(), data: Vec<u8>) {
        let Some(Outgoing::Binary(sent)) = Outgoing::push_bytes(Some(&join_ref), &topic, &event, &data) else {
            panic!("not sent");
        };
        prop_assert_eq!(read_push(&sent), (join_ref, topic, event, data));
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(bytes: Vec<u8>) {
        check(&bytes);
    }

    #[test]
    fn bytes_that_begin_like_a_frame_do_no_harm(lengths: [u8; 4], data in prop::collection::vec(any::<u8>(), 0..1100)) {
        let bytes = [&[0][..], &lengths, &data].concat();
        check(&bytes);
    }

    #[test]
    fn text_that_is_nearly_a_frame_does_no_harm(
        elements in prop::collection::vec(prop_oneof![any_json(), Just("null".to_owned()), Just(r#""1""#.to_owned())], 0..7),
        at: prop::sample::Index,
        with in prop::option::of(any::<u8>()),
    ) {
        let mut bytes = format!("[{}]", elements.join(",")).into_bytes();
        check(&bytes);
        let at = at.index(bytes.len());
        match with {
            Some(byte) => bytes[at] = byte,
            None => bytes.truncate(at),
        }
        check(&bytes);
    }
}
