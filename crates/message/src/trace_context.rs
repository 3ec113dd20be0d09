//! W3C trace context: the headers in which a message carries the trace that it is part of.

use std::fmt;

use crate::HeadersView;

/// The header that names the trace, and the operation in it that led to the message.
pub const TRACEPARENT: &str = "traceparent";
/// The header with what tracing systems add to it.
pub const TRACESTATE: &str = "tracestate";

/// Bytes of a `traceparent` of version 00.
const PARENT_BYTES: usize = 55;
const VERSION: u8 = 0;
/// A version that is none.
const NO_VERSION: u8 = 0xff;
const SAMPLED: u8 = 1;

/// What a valid `traceparent` says.
///
/// ```
/// use bellwether_message::TraceParent;
///
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let parent = TraceParent::parse(text).unwrap();
/// assert!(parent.is_sampled());
/// assert_eq!(parent.to_string(), text);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The trace; not all zero.
    pub trace_id: [u8; 16],
    /// The operation; not all zero.
    pub span_id: [u8; 8],
    /// The lowest bit says that it is sampled.
    pub flags: u8,
}

impl TraceParent {
    /// What the headers of a message say: `None` unless exactly one of them is a valid `traceparent`. Upper and lower
    /// case of its name are alike, since some libraries write `Traceparent`.
    pub fn of(headers: HeadersView<'_>) -> Option<Self> {
        let mut values = headers.values(TRACEPARENT);
        match (values.next(), values.next()) {
            (Some(only), None) => Self::parse(only),
            _ => None,
        }
    }

    /// Reads the value of the header: `version-trace-span-flags` in lower-case hexadecimal. Of a version that is not known,
    /// what version 00 has.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (version, rest) = hex::<1>(bytes)?;
        let (trace_id, rest) = hex::<16>(rest.strip_prefix(b"-")?)?;
        let (span_id, rest) = hex::<8>(rest.strip_prefix(b"-")?)?;
        let ([flags], rest) = hex::<1>(rest.strip_prefix(b"-")?)?;
        let is_ended = match version {
            [VERSION] => rest.is_empty(),
            [NO_VERSION] => false,
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        let is_said = trace_id != [0; 16] && span_id != [0; 8];
        (is_ended && is_said).then_some(Self {
            trace_id,
            span_id,
            flags,
        })
    }

    /// Whether whoever began the trace records it.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

/// As version 00 writes it.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(PARENT_BYTES);
        for part in [&[VERSION][..], &self.trace_id, &self.span_id, &[self.flags]] {
            if !text.is_empty() {
                text.push('-');
            }
            for byte in part {
                for digit in [byte >> 4, byte & 15] {
                    text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
                }
            }
        }
        f.pad(&text)
    }
}

/// So many bytes in lower-case hexadecimal from the front, and what is behind them.
fn hex<const BYTES: usize>(text: &[u8]) -> Option<([u8; BYTES], &[u8])> {
    let (digits, rest) = text.split_at_checked(2 * BYTES)?;
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        if let [high, low] = *pair {
            *byte = digit(high)? << 4 | digit(low)?;
        }
    }
    Some((bytes, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Headers;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_valid_is_read_and_what_is_not_is_none() {
        let parent = TraceParent::parse(VALID).unwrap();
        assert_eq!((parent.trace_id[0], parent.span_id[7], parent.flags), (0x4b, 0xb7, 1));
        assert!(!TraceParent::parse(&VALID.replace("-01", "-02")).unwrap().is_sampled());
        let newer = format!("cc{}-what-comes", &VALID[2..]);
        assert_eq!(TraceParent::parse(&newer), Some(parent));
        for broken in [
            "",
            &VALID[..54],
            &format!("{VALID}-"),
            &format!("ff{}", &VALID[2..]),
            &format!("cc{}x", &VALID[2..]),
            &VALID.to_uppercase(),
            &VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &VALID.replace('-', "_"),
            &VALID.replace("4b", "é"),
        ] {
            assert_eq!(TraceParent::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn of_headers_one_counts_whatever_its_case_and_several_say_nothing() {
        let mut headers = Headers::default();
        assert_eq!(TraceParent::of(headers.view()), None);
        headers.push("Traceparent", VALID).unwrap();
        assert_eq!(TraceParent::of(headers.view()), TraceParent::parse(VALID));
        headers.push("traceparent", VALID).unwrap();
        assert_eq!(TraceParent::of(headers.view()), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace_id: [u8; 16], span_id: [u8; 8], flags: u8) {
            prop_assume!(trace_id != [0; 16] && span_id != [0; 8]);
            let parent = TraceParent { trace_id, span_id, flags };
            prop_assert_eq!(TraceParent::parse(&parent.to_string()), Some(parent));
        }

        #[test]
        fn each_byte_counts(at in 0..VALID.len(), byte in b' '..=b'~') {
            let mut text = VALID.as_bytes().to_vec();
            text[at] = byte;
            let text = String::from_utf8(text).unwrap();
            let is_right = match at {
                2 | 35 | 52 => byte == b'-',
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            };
            prop_assert_eq!(TraceParent::parse(&text).map(|parent| parent.to_string()), is_right.then(|| format!("00{}", &text[2..])));
        }
    }
}
