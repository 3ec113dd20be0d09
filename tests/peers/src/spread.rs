//! The results of several passes of one measurement.

/// Shown as the median and, in brackets, the lowest and the highest.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    /// Sorted.
    values: Vec<f64>,
}

impl Spread {
    pub(crate) fn passes(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn lowest(&self) -> f64 {
        self.values.first().copied().unwrap_or(f64::NAN)
    }

    /// Of an even number of passes, half way between the middle two.
    pub(crate) fn median(&self) -> f64 {
        let upper = self.values.get(self.values.len() / 2);
        let lower = self.values.get(self.values.len().saturating_sub(1) / 2);
        upper
            .zip(lower)
            .map_or(f64::NAN, |(upper, lower)| f64::midpoint(*upper, *lower))
    }

    pub(crate) fn highest(&self) -> f64 {
        self.values.last().copied().unwrap_or(f64::NAN)
    }

    /// Each value as `form` says.
    pub(crate) fn shown(&self, form: fn(f64) -> String) -> String {
        if self.values.is_empty() {
            return "not measured".to_owned();
        }
        let [median, lowest, highest] = [self.median(), self.lowest(), self.highest()].map(form);
        format!("{median} ({lowest}–{highest})")
    }
}

impl FromIterator<f64> for Spread {
    fn from_iter<I: IntoIterator<Item = f64>>(passes: I) -> Self {
        let mut values: Vec<f64> = passes.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self { values }
    }
}

/// `1.23 M`, `56 k` or `789`.
pub(crate) fn count(value: f64) -> String {
    match value {
        1e6.. => format!("{:.2} M", value / 1e6),
        1e4.. => format!("{:.0} k", value / 1e3),
        _ => format!("{value:.0}"),
    }
}

/// Two decimals.
pub(crate) fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

/// Nanoseconds as whole microseconds.
pub(crate) fn microseconds(ns: f64) -> String {
    format!("{:.0} µs", ns / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_comes_first() {
        let spread = Spread::from_iter([3e6, 1_234_000.0, 2e4]);
        assert_eq!(spread.shown(count), "1.23 M (20 k–3.00 M)");
        assert_eq!(Spread::from_iter([0.5]).shown(hundredths), "0.50 (0.50–0.50)");
        assert_eq!(Spread::from_iter([]).shown(hundredths), "not measured");
    }

    #[test]
    fn an_even_number_of_passes_has_a_middle_too() {
        assert_eq!(Spread::from_iter([4.0, 1.0, 2.0, 9.0]).median().to_string(), "3");
        assert_eq!(Spread::from_iter([1.0, 2.0]).passes(), 2);
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(microseconds(1_700.0), "2 µs");
        assert_eq!([999.0, 12_345.0].map(count), ["999", "12 k"]);
    }
}
