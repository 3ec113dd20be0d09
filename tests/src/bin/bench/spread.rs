//! The results of several passes of one measurement.

use std::fmt;

/// Shown as the median and, in brackets, the lowest and the highest.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    /// Sorted.
    values: Vec<f64>,
    form: fn(f64) -> String,
}

impl Spread {
    /// Shows each value as `form` says.
    pub(crate) fn new(values: impl IntoIterator<Item = f64>, form: fn(f64) -> String) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self { values, form }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = self.form;
        match (
            self.values.first(),
            self.values.get(self.values.len() / 2),
            self.values.last(),
        ) {
            (Some(lowest), Some(median), Some(highest)) => {
                write!(f, "{} ({}–{})", form(*median), form(*lowest), form(*highest))
            }
            _ => f.write_str("not measured"),
        }
    }
}

/// `1.234 M` or `56 k`.
pub(crate) fn count(value: f64) -> String {
    if value >= 1e6 {
        format!("{:.2} M", value / 1e6)
    } else {
        format!("{:.0} k", value / 1e3)
    }
}

/// Two decimals.
pub(crate) fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

/// Nanoseconds as whole microseconds.
pub(crate) fn microseconds(value: f64) -> String {
    format!("{:.0} µs", value / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_comes_first() {
        let spread = Spread::new([3e6, 1_234_000.0, 2e3], count);
        assert_eq!(spread.to_string(), "1.23 M (2 k–3.00 M)");
        assert_eq!(Spread::new([0.5], hundredths).to_string(), "0.50 (0.50–0.50)");
        assert_eq!(microseconds(1_700.0), "2 µs");
    }
}
