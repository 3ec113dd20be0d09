//! One token of a NATS subject, and the level of a topic that stands for it.
//!
//! Neither kind of text allows everything that the other does: a token has no dot and no blank, a level has no colon, no
//! control character and is not `+`. What one forbids is percent-encoded in it, with upper-case digits. Each text has
//! exactly one other: what is encoded without need has none.

use std::borrow::Cow;

use bellwether::Topic;

/// The token of a level of any topic.
pub(crate) fn write_token(level: &str, out: &mut Vec<u8>) {
    for byte in level.bytes() {
        match byte {
            b'.' | b' ' | b'*' | b'>' | b'%' => write_escape(byte, out),
            byte => out.push(byte),
        }
    }
}

/// The level of a token of [`write_token`].
pub(crate) fn level(token: &str) -> Option<Cow<'_, str>> {
    if token.bytes().all(is_plain) {
        return (!token.is_empty()).then_some(Cow::Borrowed(token));
    }
    let level = unescape(token)?;
    let mut back = Vec::with_capacity(token.len());
    write_token(&level, &mut back);
    (back == token.as_bytes() && is_level(&level)).then_some(Cow::Owned(level))
}

/// The level of any token, as it stands under `$nats`.
pub(crate) fn foreign_level(token: &str) -> Cow<'_, str> {
    if token.bytes().all(is_plain) {
        return Cow::Borrowed(token);
    }
    let mut level = Vec::with_capacity(token.len());
    let mut characters = [0; 4];
    for character in token.chars() {
        let is_whole = token.len() == 1;
        let escaped = match character {
            '%' | ':' => true,
            // A level of its own, these would be wildcards.
            '+' | '*' => is_whole,
            character => character.is_control(),
        };
        for byte in character.encode_utf8(&mut characters).bytes() {
            match escaped {
                true => write_escape(byte, &mut level),
                false => level.push(byte),
            }
        }
    }
    // Only whole characters were written.
    Cow::Owned(String::from_utf8(level).unwrap_or_default())
}

/// The token of a level that [`foreign_level`] gives.
pub(crate) fn write_foreign_token(level: &str, out: &mut Vec<u8>) -> bool {
    if !level.is_empty() && level.bytes().all(is_plain) {
        out.extend_from_slice(level.as_bytes());
        return true;
    }
    let Some(token) = unescape(level) else {
        return false;
    };
    let is_token = !token.is_empty()
        && !matches!(token.as_str(), "*" | ">")
        && !token
            .bytes()
            .any(|byte| matches!(byte, b'.' | b' ' | b'\t' | b'\r' | b'\n' | 0));
    if !is_token || foreign_level(&token) != level {
        return false;
    }
    out.extend_from_slice(token.as_bytes());
    true
}

/// Bytes that mean themselves in tokens and levels alike. Not among them, of course, is the dot.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && !matches!(byte, b'.' | b'%' | b'*' | b'>' | b':' | b'+')
}

fn is_level(text: &str) -> bool {
    !text.contains(':') && Topic::check(text).is_ok()
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push(b'%');
    out.extend(
        [byte >> 4, byte & 15]
            .into_iter()
            .filter_map(|digit| DIGITS.get(usize::from(digit))),
    );
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => (hex(bytes.next()?)? << 4) | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(plain).ok()
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
