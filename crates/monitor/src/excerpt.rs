//! Foreign text, cut to what is worth keeping.

/// The beginning of `text`, at most `max_bytes` of it, then `…` if cut. Never cuts inside a character.
pub(crate) fn excerpt(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let (kept, _) = text.split_at(text.floor_char_boundary(max_bytes));
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_exactly_the_limit_is_whole_and_one_more_byte_is_cut() {
        assert_eq!(excerpt("12345678", 8), "12345678");
        assert_eq!(excerpt("123456789", 8), "12345678…");
        assert_eq!(excerpt("", 0), "");
    }

    #[test]
    fn no_character_is_cut_in_two() {
        assert_eq!(excerpt("aéé", 2), "a…");
        assert_eq!(excerpt("aéé", 3), "aé…");
        assert_eq!(excerpt("é", 1), "…");
    }
}
