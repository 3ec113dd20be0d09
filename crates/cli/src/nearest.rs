//! "Did you mean": the known word that is nearest to one that is not.

/// How alike (Jaro, 0 to 1) two words must be to suggest one for the other; the figure is clap's.
const LIKENESS_MIN: f64 = 0.7;
/// Longer text is not compared: it resembles nothing, and comparing costs time.
const COMPARED_BYTES: usize = 64;

/// The word most like `given`, whatever its case, if any is like it.
pub(crate) fn nearest(given: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    if given.len() > COMPARED_BYTES {
        return None;
    }
    let given = given.to_lowercase();
    let likeness = |word: &'static str| (strsim::jaro(&given, &word.to_lowercase()), word);
    let best = known.into_iter().map(likeness).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_is_suggested_if_it_is_alike() {
        let known = ["node_health_updated", "NodeHealth", "SystemAlert"];
        assert_eq!(nearest("node_helth_updated", known), Some("node_health_updated"));
        assert_eq!(nearest("nodehealth", known), Some("NodeHealth"));
        assert_eq!(nearest("xyz", known), None);
        assert_eq!(nearest(&"node".repeat(100), known), None);
    }
}
