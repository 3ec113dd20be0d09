//! The forms in which figures are shown: as short as a table wants them.

/// `1.23 M`, `56 k` or `789`.
pub fn count(value: f64) -> String {
    match value {
        1e6.. => format!("{:.2} M", value / 1e6),
        1e4.. => format!("{:.0} k", value / 1e3),
        _ => format!("{value:.0}"),
    }
}

/// Two decimals.
pub fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

/// Nanoseconds as whole microseconds.
pub fn microseconds(ns: f64) -> String {
    format!("{:.0} µs", ns / 1e3)
}

/// Whole nanoseconds.
pub fn nanoseconds(ns: f64) -> String {
    format!("{ns:.0} ns")
}

/// Whole milliseconds.
pub fn milliseconds(ms: f64) -> String {
    format!("{ms:.0} ms")
}

/// Bytes as mebibytes.
pub fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / 1024.0 / 1024.0)
}

/// A fraction, as per cent.
pub fn per_cent(fraction: f64) -> String {
    format!("{:.0} %", fraction * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(microseconds(1_700.0), "2 µs");
        assert_eq!(per_cent(0.614), "61 %");
        assert_eq!(mebibytes(1_572_864.0), "1.5 MiB");
        assert_eq!([999.0, 12_345.0].map(count), ["999", "12 k"]);
    }
}
