//! From when until when a certificate holds: the one thing that is read of it. Pure.
//!
//! Looks no further into X.509 (RFC 5280, section 4.1) than that: the fields before it are passed over by their lengths.

use bellwether_message::Timestamp;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version, which may be left out.
const VERSION: u8 = 0xa0;
/// A two-digit year from here on is one of the last century (RFC 5280, section 4.1.2.5.1).
const LAST_CENTURY: u32 = 50;

/// Both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

/// Of a certificate in DER; none if it is not one.
pub(super) fn validity(der: &[u8]) -> Option<Validity> {
    let (certificate, _) = inside(der, SEQUENCE)?;
    let (signed, _) = inside(certificate, SEQUENCE)?;
    let mut rest = signed;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.rest;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.rest;
    }
    let (validity, _) = inside(rest, SEQUENCE)?;
    let not_before = element(validity)?;
    let not_after = element(not_before.rest)?;
    Some(Validity {
        not_before: time(&not_before)?,
        not_after: time(&not_after)?,
    })
}

/// A tag, its content, and what follows.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    rest: &'a [u8],
}

/// The content of an element with this tag, and what follows it.
fn inside(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let element = element(der).filter(|element| element.tag == tag)?;
    Some((element.content, element.rest))
}

fn element(der: &[u8]) -> Option<Element<'_>> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        // So many bytes say the length: no certificate needs more than four.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
            (usize::try_from(length).ok()?, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(Element {
        tag: *tag,
        content,
        rest,
    })
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(element: &Element<'_>) -> Option<Timestamp> {
    let text = std::str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
    let digits = |from: usize, count: usize| {
        text.get(from..from + count)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (year, rest) = match element.tag {
        UTC_TIME if text.len() == 12 => {
            let year: u32 = digits(0, 2)?.parse().ok()?;
            let century = if year >= LAST_CENTURY { 1900 } else { 2000 };
            (century + year, 2)
        }
        GENERALIZED_TIME if text.len() == 14 => (digits(0, 4)?.parse().ok()?, 4),
        _ => return None,
    };
    let part = |place: usize| digits(rest + 2 * place, 2);
    let (month, day, hour, minute, second) = (part(0)?, part(1)?, part(2)?, part(3)?, part(4)?);
    format!("{year:04}-{month}-{day}T{hour}:{minute}:{second}Z")
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(from: i32, until: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 2, 3);
        params.not_after = date_time_ymd(until, 11, 30);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn both_forms_of_a_year_are_read() {
        // Certificates say years from 2050 on with four digits.
        for (from, until) in [(1999, 2026), (2026, 2049), (2049, 2050), (2050, 2150)] {
            let read = validity(&certificate(from, until)).unwrap();
            assert_eq!(read.not_before.to_string(), format!("{from}-02-03T00:00:00.000Z"));
            assert_eq!(read.not_after.to_string(), format!("{until}-11-30T00:00:00.000Z"));
        }
    }

    #[test]
    fn a_certificate_that_is_cut_is_none() {
        let der = certificate(2026, 2027);
        for end in 0..der.len() {
            assert_eq!(validity(&der[..end]), None, "{end}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = validity(&bytes);
        }

        #[test]
        fn a_byte_that_differs_does_no_harm(place in 0..300_usize, byte: u8) {
            let mut der = certificate(2026, 2027);
            if let Some(changed) = der.get_mut(place) {
                *changed = byte;
            }
            let _ = validity(&der);
        }
    }
}
