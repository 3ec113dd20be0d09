use proptest::prelude::*;

use super::*;

const MAX_PAYLOAD: usize = 1024;

/// An operation that does not borrow, in words.
fn said(operation: Operation<'_>) -> String {
    match operation {
        Operation::Publish(Publish {
            subject,
            reply,
            headers,
            payload,
        }) => format!(
            "pub {} {:?} {:?} {}",
            subject.escape_ascii(),
            reply.map(|reply| reply.escape_ascii().to_string()),
            headers.map(|headers| headers.escape_ascii().to_string()),
            payload.escape_ascii()
        ),
        other => format!("{other:?}"),
    }
}

/// What a connection understands when its bytes arrive in these pieces.
fn understood<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, Option<ParseError>) {
    let (mut buffer, mut operations) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match parse(&buffer, MAX_PAYLOAD) {
                Ok(Step::Operation { operation, used }) => {
                    assert!(used <= buffer.len());
                    operations.push(said(operation));
                    buffer.drain(..used);
                }
                Ok(Step::Incomplete { needed }) => {
                    assert!(needed > buffer.len() && needed <= MAX_CONTROL_LINE_BYTES + 2 + MAX_PAYLOAD + 2);
                    break;
                }
                Err(err) => return (operations, Some(err)),
            }
        }
    }
    (operations, None)
}

fn all(bytes: &[u8]) -> (Vec<String>, Option<ParseError>) {
    understood([bytes])
}

fn one(text: &str) -> Operation<'_> {
    match parse(text.as_bytes(), MAX_PAYLOAD) {
        Ok(Step::Operation { operation, used }) if used == text.len() => operation,
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn every_operation_is_read_in_any_case_with_any_blanks() {
    assert_eq!(one("PING\r\n"), Operation::Ping);
    assert_eq!(one("pOnG \t\n"), Operation::Pong);
    assert_eq!(one("CONNECT \t{\"a\": 1} \r\n"), Operation::Connect(b"{\"a\": 1}"));
    let subscribed = |queue| Operation::Subscribe {
        subject: b"a.>",
        queue,
        sid: b"s1",
    };
    assert_eq!(one("SUB a.>  s1\r\n"), subscribed(None));
    assert_eq!(one("sub\ta.> \tq\ts1\t\r\n"), subscribed(Some(b"q")));
    assert_eq!(one("UNSUB s1\r\n"), Operation::Unsubscribe { sid: b"s1", max: None });
    assert_eq!(
        one("unsub  s1  5 \r\n"),
        Operation::Unsubscribe {
            sid: b"s1",
            max: Some(5)
        }
    );
    let published = |reply, headers, payload| {
        Operation::Publish(Publish {
            subject: b"a",
            reply,
            headers,
            payload,
        })
    };
    assert_eq!(one("PUB a 0\r\n\r\n"), published(None, None, b""));
    assert_eq!(one("pub a  r 2\r\n\r\n\r\n"), published(Some(b"r"), None, b"\r\n"));
    let block = b"NATS/1.0\r\n\r\n";
    assert_eq!(
        one("HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"),
        published(None, Some(block), b"hi")
    );
    assert_eq!(
        one("hpub a\tr 12 12\r\nNATS/1.0\r\n\r\n\r\n"),
        published(Some(b"r"), Some(block), b"")
    );
}

#[test]
fn the_longest_line_and_payload_pass_and_one_byte_more_does_not() {
    let line = |bytes: usize| format!("SUB {} 1\r\n", "x".repeat(bytes - 6));
    assert_eq!(all(line(MAX_CONTROL_LINE_BYTES).as_bytes()).1, None);
    assert_eq!(
        all(line(MAX_CONTROL_LINE_BYTES + 1).as_bytes()).1,
        Some(ParseError::ControlLine)
    );
    let unended = format!("SUB {}", "x".repeat(5000));
    assert_eq!(all(unended.as_bytes()), (vec![], Some(ParseError::ControlLine)));
    let payload = |bytes: usize| format!("PUB a {bytes}\r\n{}\r\n", "x".repeat(bytes));
    assert_eq!(all(payload(MAX_PAYLOAD).as_bytes()).0.len(), 1);
    assert_eq!(
        all(payload(MAX_PAYLOAD + 1).as_bytes()),
        (vec![], Some(ParseError::Payload))
    );
}

#[test]
fn what_is_needed_is_known_from_the_line() {
    assert_eq!(
        parse(b"PUB a 100\r\nx", MAX_PAYLOAD),
        Ok(Step::Incomplete { needed: 11 + 100 + 2 })
    );
    assert_eq!(
        parse(b"PUB a 1\r\nx\r", MAX_PAYLOAD),
        Ok(Step::Incomplete { needed: 12 })
    );
    assert_eq!(parse(b"", MAX_PAYLOAD), Ok(Step::Incomplete { needed: 1 }));
}

/// The bytes of a line of `bad_inputs.txt`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().unwrap() {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => panic!("\\{}", char::from(other)),
            },
            byte => byte,
        });
    }
    bytes
}

fn bad_inputs() -> Vec<(ParseError, Vec<u8>)> {
    let lines = include_str!("bad_inputs.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let bad = |line: &str| {
        let (reason, text) = line.split_once('\t').unwrap();
        let reason = match reason {
            "unknown" => ParseError::UnknownOperation,
            "line" => ParseError::ControlLine,
            "payload" => ParseError::Payload,
            "malformed" => ParseError::Malformed,
            other => panic!("{other}"),
        };
        (reason, unescaped(text))
    };
    lines.map(bad).collect()
}

#[test]
fn bad_input_is_refused_however_it_arrives_and_what_stood_before_it_counts() {
    let bad = bad_inputs();
    assert!(bad.len() >= 200, "{}", bad.len());
    for (reason, bytes) in bad {
        let shown = bytes.escape_ascii().to_string();
        assert_eq!(all(&bytes), (vec![], Some(reason)), "{shown}");
        assert_eq!(understood(bytes.chunks(1)), (vec![], Some(reason)), "{shown}");
        let behind = [&b"PUB a 2\r\n\r\n\r\nPING\r\n"[..], &bytes].concat();
        let (operations, err) = understood(behind.chunks(3));
        assert_eq!((operations.len(), err), (2, Some(reason)), "{shown}");
    }
}

/// An operation as some client writes it.
fn operation() -> impl Strategy<Value = Vec<u8>> {
    let word = "[a-z.*>]{1,20}";
    let blank = "[ \t]{1,3}";
    let end = prop_oneof![4 => Just("\r\n"), 1 => Just("\n")];
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    let message = (
        word,
        prop::option::of(word),
        blank,
        prop::option::of(0..3_usize),
        payload,
    );
    prop_oneof![
        Just(b"PING\r\n".to_vec()),
        Just(b"PONG\r\n".to_vec()),
        Just(b"CONNECT {\"verbose\":false}\r\n".to_vec()),
        (word, prop::option::of(word), blank, 0..99_u32, end.clone()).prop_map(|(subject, queue, blank, sid, end)| {
            format!(
                "SUB{blank}{subject}{blank}{}{blank}{sid}{end}",
                queue.unwrap_or_default()
            )
            .into_bytes()
        }),
        (0..99_u32, prop::option::of(0..9_u32), end).prop_map(|(sid, max, end)| {
            format!(
                "UNSUB {sid} {}{end}",
                max.map(|max| max.to_string()).unwrap_or_default()
            )
            .into_bytes()
        }),
        message.prop_map(|(subject, reply, blank, headers, payload)| {
            let reply = reply.unwrap_or_default();
            let block = headers.map(|count| format!("NATS/1.0\r\n{}\r\n", "A: b\r\n".repeat(count)));
            let (verb, sizes) = match &block {
                Some(block) => ("HPUB", format!("{} {}", block.len(), block.len() + payload.len())),
                None => ("PUB", payload.len().to_string()),
            };
            let line = format!(
                "{verb} {subject}{blank}{reply} {sizes}\r\n{}",
                block.unwrap_or_default()
            );
            [line.as_bytes(), &payload, b"\r\n"].concat()
        }),
    ]
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn any_split_gives_the_same_operations(
        operations in prop::collection::vec(operation(), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        tail in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let count = operations.len();
        let mut bytes = operations.concat();
        let (whole, err) = all(&bytes);
        prop_assert_eq!((whole.len(), err), (count, None));
        bytes.extend_from_slice(&tail);
        prop_assert_eq!(understood(pieces(&bytes, &cuts)), all(&bytes));
    }

    #[test]
    fn whatever_arrives_nothing_panics_and_any_split_says_the_same(
        bytes in prop::collection::vec(prop_oneof![
            any::<u8>(),
            prop::sample::select(b"PUBSHCONGIT \r\n0123456789 \t".to_vec()),
        ], 0..400),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        prop_assert_eq!(understood(pieces(&bytes, &cuts)), all(&bytes));
    }
}
