//! Timestamps: when a message was published, for people to read.
//!
//! Wall clocks decide nothing in the mesh: order, loss and replay go by epochs and sequence numbers.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::text::{excerpt, serde_as_text};

/// The earliest time that RFC 3339 can write, `0000-01-01T00:00:00.000Z`.
const YEAR_ZERO_MS: i64 = -62_167_219_200_000;

/// A point in time in milliseconds since 1970-01-01 UTC, without leap seconds.
///
/// Written in RFC 3339, in UTC, with three decimals: `2026-11-21T10:57:54.123Z`. The text of a value outside the
/// years 0 to 9999 is that of the nearest time inside (its end is `9999-12-30T22:00:00.999Z`, the last one that every
/// offset can write); a peer's clock may be wrong, and must not break our output.
///
/// Read with any offset, one to nine decimals or none; finer than a millisecond is cut off, towards the past. A leap
/// second (`:60`) is read as the second before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Reads the wall clock: [`Timestamp::now`], or a simulation's.
pub type WallClock = fn() -> Timestamp;

impl Timestamp {
    /// The host's time. The one place in the project that reads the wall clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock, and only for people to read"
    )]
    pub fn now() -> Self {
        let since_1970 = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        Self(since_1970)
    }

    /// The time `ms` milliseconds after 1970-01-01 UTC; before it, if negative. Every value is allowed.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let writable = jiff::Timestamp::from_millisecond(self.0.max(YEAR_ZERO_MS)).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{writable:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        // jiff reads more forms of ISO 8601, and a zone in brackets; we promise RFC 3339 and nothing else.
        if !has_rfc3339_shape(text.as_bytes()) {
            return Err(TimestampError::Shape { given: excerpt(text) });
        }
        let no_such_time = || TimestampError::NoSuchTime { given: excerpt(text) };
        let time: jiff::Timestamp = text.parse().map_err(|_| no_such_time())?;
        let ms = time.as_nanosecond().div_euclid(1_000_000);
        i64::try_from(ms).map(Self).map_err(|_| no_such_time())
    }
}

serde_as_text!(Timestamp, "a time");

/// Why text is not a timestamp. Given text is escaped and cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// The text is not in the form of RFC 3339.
    #[error(
        "`{given}` is not a time in RFC 3339: write it as `2026-11-21T10:57:54.123Z` or with an offset such as `+01:00`"
    )]
    Shape {
        /// The text.
        given: String,
    },
    /// The form is right, but a number in it is too large.
    #[error(
        "`{given}` names a time that does not exist or is too late: check month, day, hour, minute, second and offset; \
         the last time is `9999-12-30T22:00:00.999Z`"
    )]
    NoSuchTime {
        /// The text.
        given: String,
    },
}

fn has_rfc3339_shape(text: &[u8]) -> bool {
    let Some((date_and_time, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let offset = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            fraction.get(digits..).unwrap_or_default()
        }
        rest => rest,
    };
    let has_offset = match offset {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', distance @ ..] => fits(distance, b"00:00"),
        _ => false,
    };
    has_offset && fits(date_and_time, b"0000-00-00T00:00:00")
}

/// Whether `text` has digits where `shape` has `0`, one of RFC 3339's separators for `T`, and else the same bytes.
fn fits(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't' | b' '),
            same => byte == same,
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millis()
    }

    #[test]
    fn a_time_is_written_in_utc_with_exactly_milliseconds() {
        for (ms, text) in [
            (1_795_258_674_123, "2026-11-21T10:57:54.123Z"),
            (1_795_258_674_000, "2026-11-21T10:57:54.000Z"),
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_millis(ms).to_string(), text);
            assert_eq!(read(text), ms);
        }
    }

    #[test]
    fn times_out_of_range_are_written_as_the_nearest_that_can_be() {
        for (ms, text) in [
            (i64::MAX, "9999-12-30T22:00:00.999Z"),
            (YEAR_ZERO_MS, "0000-01-01T00:00:00.000Z"),
            (YEAR_ZERO_MS - 1, "0000-01-01T00:00:00.000Z"),
            (i64::MIN, "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_millis(ms).to_string(), text);
        }
    }

    #[test]
    fn any_offset_and_precision_is_read() {
        for text in [
            "2026-11-21T10:57:54.123Z",
            "2026-11-21t10:57:54.123z",
            "2026-11-21 10:57:54.123Z",
            "2026-11-21T11:57:54.123+01:00",
            "2026-11-21T05:27:54.123-05:30",
            "2026-11-21T10:57:54.123456789Z",
            "2026-11-21T10:57:54.123-00:00",
        ] {
            assert_eq!(read(text), 1_795_258_674_123, "{text}");
        }
        assert_eq!(read("2026-11-21T10:57:54Z"), 1_795_258_674_000);
        assert_eq!(
            read("1969-12-31T23:59:59.9999Z"),
            -1,
            "cut towards the past on both sides of 1970"
        );
        assert_eq!(read("2016-12-31T23:59:60Z"), read("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn other_forms_are_refused_and_the_right_one_is_shown() {
        for text in [
            "",
            "now",
            "1795258674123",
            "2026-11-21",
            "2026-11-21T10:57Z",
            "2026-11-21T10:57:54",
            "2026-11-21T10:57:54.Z",
            "2026-11-21T10:57:54,123Z",
            "2026-11-21T10:57:54.1234567890Z",
            "2026-11-21T10:57:54+01",
            "2026-11-21T10:57:54+01:00[Europe/Oslo]",
            "20261121T105754Z",
            "+002026-11-21T10:57:54Z",
            "2026-11-21T10:57:54é",
        ] {
            let err = text.parse::<Timestamp>().unwrap_err();
            assert!(matches!(err, TimestampError::Shape { .. }), "{text}");
            assert!(err.to_string().contains("write it as `2026-11-21T10:57:54.123Z`"));
        }
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused_as_such() {
        for text in [
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00+01:99",
            "9999-12-31T23:59:59Z",
        ] {
            let err = text.parse::<Timestamp>().unwrap_err();
            assert!(matches!(err, TimestampError::NoSuchTime { .. }), "{text}: {err}");
        }
    }

    #[test]
    fn now_lies_between_the_writing_of_this_test_and_the_next_century() {
        let now = Timestamp::now();
        assert!(now > "2025-01-01T00:00:00Z".parse().unwrap());
        assert!(now < "2100-01-01T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn json_is_the_text() {
        let time = Timestamp::from_millis(1_795_258_674_123);
        assert_eq!(serde_json::to_string(&time).unwrap(), "\"2026-11-21T10:57:54.123Z\"");
        assert_eq!(
            serde_json::from_str::<Timestamp>("\"2026-11-21T10:57:54.123Z\"").unwrap(),
            time
        );
        assert!(serde_json::from_str::<Timestamp>("5").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn every_writable_time_is_read_back(ms in YEAR_ZERO_MS..=253_402_207_200_999_i64) {
            let time = Timestamp::from_millis(ms);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn no_value_breaks_the_text(ms in any::<i64>()) {
            prop_assert_eq!(Timestamp::from_millis(ms).to_string().len(), "2026-11-21T10:57:54.123Z".len());
        }

        #[test]
        fn no_text_breaks_the_reader(
            text in prop_oneof![
                any::<String>(),
                "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9](:[0-6][0-9]){2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})",
            ],
        ) {
            let _ = text.parse::<Timestamp>();
        }
    }
}
