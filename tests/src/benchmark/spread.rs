//! The results of several passes of one measurement.

/// Shown as the median and, in brackets, the lowest and the highest.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Sorted.
    values: Vec<f64>,
}

impl Spread {
    /// How many there were.
    pub fn passes(&self) -> usize {
        self.values.len()
    }

    /// NaN if there was no pass, as are the median and the highest.
    pub fn lowest(&self) -> f64 {
        self.values.first().copied().unwrap_or(f64::NAN)
    }

    /// Of an even number of passes, half way between the middle two.
    pub fn median(&self) -> f64 {
        let upper = self.values.get(self.values.len() / 2);
        let lower = self.values.get(self.values.len().saturating_sub(1) / 2);
        upper
            .zip(lower)
            .map_or(f64::NAN, |(upper, lower)| f64::midpoint(*upper, *lower))
    }

    /// The last in order.
    pub fn highest(&self) -> f64 {
        self.values.last().copied().unwrap_or(f64::NAN)
    }

    /// Each value as `form` says.
    pub fn shown(&self, form: fn(f64) -> String) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::{count, hundredths};

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
}
