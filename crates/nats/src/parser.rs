//! The parser: bytes of a connection into operations.
//!
//! It keeps nothing between two calls and copies nothing: it looks at what has arrived, from the beginning of an operation
//! on, and gives the operation as it lies there. What must be rejected is, before more is waited for or room is made.

use crate::operation::{Operation, Publish};

/// Longest line of control, without its end.
pub const MAX_CONTROL_LINE_BYTES: usize = 4096;

/// What stands at the beginning of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A whole operation.
    Operation {
        /// It.
        operation: Operation<'a>,
        /// Its bytes.
        used: usize,
    },
    /// The beginning of one, or nothing.
    Incomplete {
        /// How many bytes it has in all, as far as is known; never more than the limits allow, at least one more than are there.
        needed: usize,
    },
}

/// Why bytes are no operation. Nothing behind them can be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No operation has this name.
    #[error("Unknown Protocol Operation")]
    UnknownOperation,
    /// The line goes on for too long.
    #[error("Maximum Control Line Exceeded")]
    ControlLine,
    /// The payload has more bytes than are allowed.
    #[error("Maximum Payload Violation")]
    Payload,
    /// The operation has too many or too few fields, or a number that is none, or no line end behind its payload.
    #[error("Parser Error")]
    Malformed,
}

/// Reads the operation that `input` begins with. Headers and payload together have at most `max_payload` bytes.
///
/// Never panics, whatever the bytes are, and says the same however they were split; a fuzzer may call it with anything.
///
/// # Errors
/// [`ParseError`]
pub fn parse(input: &[u8], max_payload: usize) -> Result<Step<'_>, ParseError> {
    // With its end, at most two bytes.
    let within = input.get(..MAX_CONTROL_LINE_BYTES + 2).unwrap_or(input);
    let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
        check_beginning(within)?;
        return match within.len() < MAX_CONTROL_LINE_BYTES + 2 {
            true => Ok(Step::Incomplete {
                needed: input.len() + 1,
            }),
            false => Err(ParseError::ControlLine),
        };
    };
    let (line, _) = within.split_at(end);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (verb, arguments) = split_verb(line);
    let verb = Verb::of(verb).ok_or(ParseError::UnknownOperation)?;
    if line.len() > MAX_CONTROL_LINE_BYTES {
        return Err(ParseError::ControlLine);
    }
    let control = end + 1;
    let done = |operation| {
        Ok(Step::Operation {
            operation,
            used: control,
        })
    };
    let mut fields = fields(arguments);
    match verb {
        Verb::Ping if fields.next().is_none() => done(Operation::Ping),
        Verb::Pong if fields.next().is_none() => done(Operation::Pong),
        Verb::Connect => done(Operation::Connect(arguments.trim_ascii())),
        Verb::Subscribe => {
            let (subject, second, third) = (fields.next(), fields.next(), fields.next());
            match (subject, second, third, fields.next()) {
                (Some(subject), Some(sid), None, _) => done(Operation::Subscribe {
                    subject,
                    queue: None,
                    sid,
                }),
                (Some(subject), queue @ Some(_), Some(sid), None) => done(Operation::Subscribe { subject, queue, sid }),
                _ => Err(ParseError::Malformed),
            }
        }
        Verb::Unsubscribe => {
            let (sid, max) = (fields.next(), fields.next());
            let (Some(sid), None) = (sid, fields.next()) else {
                return Err(ParseError::Malformed);
            };
            let max = max
                .map(number)
                .map(|max| max.ok_or(ParseError::Malformed))
                .transpose()?;
            done(Operation::Unsubscribe { sid, max })
        }
        Verb::Publish => {
            let (subject, second, third) = (fields.next(), fields.next(), fields.next());
            let (subject, reply, bytes) = match (subject, second, third, fields.next()) {
                (Some(subject), Some(bytes), None, _) => (subject, None, bytes),
                (Some(subject), reply @ Some(_), Some(bytes), None) => (subject, reply, bytes),
                _ => return Err(ParseError::Malformed),
            };
            body(
                input,
                control,
                Message {
                    subject,
                    reply,
                    headers: None,
                    bytes,
                },
                max_payload,
            )
        }
        Verb::PublishWithHeaders => {
            let (first, second) = (fields.next(), fields.next());
            let (third, fourth) = (fields.next(), fields.next());
            let (subject, reply, headers, bytes) = match (first, second, third, fourth, fields.next()) {
                (Some(subject), headers @ Some(_), Some(bytes), None, _) => (subject, None, headers, bytes),
                (Some(subject), reply @ Some(_), headers @ Some(_), Some(bytes), None) => {
                    (subject, reply, headers, bytes)
                }
                _ => return Err(ParseError::Malformed),
            };
            body(
                input,
                control,
                Message {
                    subject,
                    reply,
                    headers,
                    bytes,
                },
                max_payload,
            )
        }
        Verb::Ping | Verb::Pong => Err(ParseError::Malformed),
    }
}

/// The fields of a line that announces a message.
struct Message<'a> {
    subject: &'a [u8],
    reply: Option<&'a [u8]>,
    /// How many bytes of headers.
    headers: Option<&'a [u8]>,
    /// How many bytes in all.
    bytes: &'a [u8],
}

/// What follows that line.
fn body<'a>(input: &'a [u8], control: usize, message: Message<'a>, max_payload: usize) -> Result<Step<'a>, ParseError> {
    let bytes = number(message.bytes).ok_or(ParseError::Malformed)?;
    let headers = message
        .headers
        .map(|headers| number(headers).ok_or(ParseError::Malformed))
        .transpose()?;
    if headers.is_some_and(|headers| headers > bytes) {
        return Err(ParseError::Malformed);
    }
    let bytes = usize::try_from(bytes)
        .ok()
        .filter(|bytes| *bytes <= max_payload)
        .ok_or(ParseError::Payload)?;
    let headers = headers.map(|headers| usize::try_from(headers).unwrap_or(bytes));
    let used = control + bytes + 2;
    let behind = input.get(control..).unwrap_or_default();
    let Some((body, end)) = behind.split_at_checked(bytes) else {
        return Ok(Step::Incomplete { needed: used });
    };
    match end {
        [b'\r', b'\n', ..] => {}
        [] | [b'\r'] => return Ok(Step::Incomplete { needed: used }),
        _ => return Err(ParseError::Malformed),
    }
    let (headers, payload) = match headers {
        Some(headers) => {
            let (headers, payload) = body.split_at_checked(headers).ok_or(ParseError::Malformed)?;
            (Some(headers), payload)
        }
        None => (None, body),
    };
    let operation = Operation::Publish(Publish {
        subject: message.subject,
        reply: message.reply,
        headers,
        payload,
    });
    Ok(Step::Operation { operation, used })
}

#[derive(Clone, Copy)]
enum Verb {
    Connect,
    Publish,
    PublishWithHeaders,
    Subscribe,
    Unsubscribe,
    Ping,
    Pong,
}

impl Verb {
    /// The frequent ones first.
    const ALL: [(&'static [u8], Self); 7] = [
        (b"PUB", Self::Publish),
        (b"HPUB", Self::PublishWithHeaders),
        (b"SUB", Self::Subscribe),
        (b"UNSUB", Self::Unsubscribe),
        (b"PING", Self::Ping),
        (b"PONG", Self::Pong),
        (b"CONNECT", Self::Connect),
    ];

    fn of(text: &[u8]) -> Option<Self> {
        let found = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, verb)| *verb)
    }
}

/// A line of which the end is not there yet: whether it can become anything.
fn check_beginning(line: &[u8]) -> Result<(), ParseError> {
    let (verb, rest) = split_verb(line);
    let is_whole = !rest.is_empty();
    let verb = verb.strip_suffix(b"\r").unwrap_or(verb);
    let may_be = |name: &[u8]| match is_whole {
        true => name.eq_ignore_ascii_case(verb),
        false => name
            .get(..verb.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(verb)),
    };
    match Verb::ALL.iter().any(|(name, _)| may_be(name)) {
        true => Ok(()),
        false => Err(ParseError::UnknownOperation),
    }
}

/// The name of the operation, and what stands behind it from the blank on.
fn split_verb(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(is_blank).unwrap_or(line.len());
    line.split_at(end)
}

fn fields(arguments: &[u8]) -> impl Iterator<Item = &[u8]> {
    arguments.split(is_blank).filter(|field| !field.is_empty())
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Digits only, and no more than any size or count has.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + u64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
