//! What stands in one place of a table: how it is written, and how it is sorted. Pure.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::output::printable;

/// Stands for what is not known.
const UNKNOWN: &str = "-";

/// A value with its unit.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Count(u64),
    /// Per second; not known before there are two snapshots.
    Rate(Option<f64>),
    Percent(Option<f64>),
    Bytes(Option<u64>),
    /// How long something takes, in microseconds.
    Micros(Option<u64>),
    /// How long something has lasted, in milliseconds.
    Age(Option<u64>),
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// For the eye: short, and without anything that could steer a terminal.
    pub(super) fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) if text.is_empty() => UNKNOWN.into(),
            Self::Text(text) => printable(text),
            Self::Count(count) => count.to_string().into(),
            Self::Rate(rate) => known(*rate, figure),
            Self::Percent(percent) => known(*percent, |percent| format!("{percent:.0} %")),
            Self::Bytes(bytes) => known(*bytes, bytes_text),
            Self::Micros(micros) => known(*micros, micros_text),
            Self::Age(ms) => known(*ms, age_text),
        }
    }

    pub(super) fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_))
    }

    /// By value. What is not known is less than anything.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (one, other) => one.number().total_cmp(&other.number()),
        }
    }

    fn number(&self) -> f64 {
        let number = match self {
            Self::Text(_) => None,
            Self::Count(number) => Some(*number as f64),
            Self::Rate(number) | Self::Percent(number) => *number,
            Self::Bytes(number) | Self::Micros(number) | Self::Age(number) => number.map(|number| number as f64),
        };
        number.unwrap_or(f64::NEG_INFINITY)
    }
}

fn known<T>(value: Option<T>, text: impl Fn(T) -> String) -> Cow<'static, str> {
    value.map_or(UNKNOWN.into(), |value| text(value).into())
}

/// `0`, `0.4`, `12`, `1234`, `12.3k`, `4.5M`.
fn figure(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value < 10.0 => format!("{value:.1}"),
        value if value < 10_000.0 => format!("{value:.0}"),
        value if value < 1e6 => format!("{:.1}k", value / 1e3),
        value => format!("{:.1}M", value / 1e6),
    }
}

/// `999 B`, `1.5 KiB`, `12.0 MiB`.
fn bytes_text(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in units {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    match unit {
        "B" => format!("{bytes} B"),
        unit => format!("{value:.1} {unit}"),
    }
}

/// `210 µs`, `1.2 ms`, `2.0 s`.
fn micros_text(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// `12s`, `3m 5s`, `2h 3m`, `9d 4h`.
fn age_text(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m {}s", seconds % 60),
        3_600..86_400 => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short_and_have_their_unit() {
        for (cell, shown) in [
            (Cell::text("a\x1b[2J"), "a\\u{1b}[2J"),
            (Cell::text(""), "-"),
            (Cell::Count(1_234_567), "1234567"),
            (Cell::Rate(None), "-"),
            (Cell::Rate(Some(0.0)), "0"),
            (Cell::Rate(Some(0.44)), "0.4"),
            (Cell::Rate(Some(1_234.0)), "1234"),
            (Cell::Rate(Some(12_340.0)), "12.3k"),
            (Cell::Rate(Some(4.5e6)), "4.5M"),
            (Cell::Percent(Some(12.4)), "12 %"),
            (Cell::Bytes(Some(1_023)), "1023 B"),
            (Cell::Bytes(Some(1_536)), "1.5 KiB"),
            (Cell::Bytes(Some(u64::MAX)), "16777216.0 TiB"),
            (Cell::Micros(Some(210)), "210 µs"),
            (Cell::Micros(Some(1_240)), "1.2 ms"),
            (Cell::Micros(Some(2_000_000)), "2.0 s"),
            (Cell::Age(Some(12_000)), "12s"),
            (Cell::Age(Some(185_000)), "3m 5s"),
            (Cell::Age(Some(7_380_000)), "2h 3m"),
            (Cell::Age(Some(792_000_000)), "9d 4h"),
        ] {
            assert_eq!(cell.shown(), shown, "{cell:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_less_than_nothing() {
        assert_eq!(Cell::Rate(None).compare(&Cell::Rate(Some(0.0))), Ordering::Less);
        assert_eq!(Cell::Rate(Some(9.0)).compare(&Cell::Rate(Some(10.0))), Ordering::Less);
        assert_eq!(Cell::text("b").compare(&Cell::text("a")), Ordering::Greater);
    }
}
