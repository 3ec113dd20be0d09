//! A percentile: how bad it was, the worst few aside.

/// The smallest value that so many of a thousand values do not exceed; 0 of no values. They are sorted.
pub fn percentile(sorted: &[u64], permille: usize) -> u64 {
    let rank = (sorted.len() * permille).div_ceil(1000);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let values: Vec<u64> = (1..=1000).collect();
        assert_eq!(
            [500, 990, 999].map(|permille| percentile(&values, permille)),
            [500, 990, 999]
        );
        assert_eq!(percentile(&[7], 999), 7);
        assert_eq!(percentile(&[], 500), 0);
    }
}
