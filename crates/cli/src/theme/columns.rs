//! How many columns text takes on a terminal, and as much of it as fits.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands where text was cut off; one column wide.
pub(super) const CUT: char = '…';

/// Characters per column that are still written. Combining marks take no column, so that without a bound a stranger
/// could put any number of them into the last one; no script needs more than a few.
const MAX_CHARS_PER_COLUMN: usize = 4;

/// The columns that `text` takes. Emoji and CJK take two, combining marks none.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// Whether `text` may stand in this many columns.
pub(super) fn fits(text: &str, limit: usize) -> bool {
    columns(text) <= limit && text.chars().count() <= limit.saturating_mul(MAX_CHARS_PER_COLUMN)
}

/// `text`, or as much of it as leaves room for `…` in this many columns; nothing in none.
pub(super) fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match limit.checked_sub(1) {
        _ if fits(text, limit) => Cow::Borrowed(text),
        Some(room) => Cow::Owned(format!("{}{CUT}", beginning(text, room))),
        None => Cow::Borrowed(""),
    }
}

/// The longest beginning of `text` that surely fits, judged character by character: a sequence that a terminal draws
/// as one narrower sign may be left out though it had room.
pub(super) fn beginning(text: &str, limit: usize) -> &str {
    let max_chars = limit.saturating_mul(MAX_CHARS_PER_COLUMN);
    let mut taken: usize = 0;
    for (count, (at, character)) in text.char_indices().enumerate() {
        taken = taken.saturating_add(most_columns(character));
        if taken > limit || count >= max_chars {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// The columns by which a text grows at most with this character.
fn most_columns(character: char) -> usize {
    match character {
        // Has no width, but asks for the wide emoji form of the character before.
        '\u{fe0f}' => 1,
        _ => character.width().unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_cut_by_columns() {
        for (text, limit, shown) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("abcd", 1, "…"),
            ("abcd", 0, ""),
            ("", 0, ""),
            ("世界", 4, "世界"),
            ("世界", 3, "世…"),
            ("世界", 2, "…"),
            ("🚀🚀🚀", 5, "🚀🚀…"),
            ("e\u{301}e\u{301}e\u{301}", 3, "e\u{301}e\u{301}e\u{301}"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ] {
            assert_eq!(cut(text, limit), shown, "{text} in {limit}");
        }
    }

    #[test]
    fn marks_without_width_are_bounded_too() {
        let text = "\u{301}".repeat(1000);
        assert_eq!(columns(&text), 0);
        assert_eq!(cut(&text, 5).chars().count(), 4 * MAX_CHARS_PER_COLUMN + 1);
    }

    proptest! {
        #[test]
        fn what_is_cut_fits(
            text in prop_oneof![
                any::<String>(),
                "[a\u{301}\u{200d}\u{fe0f}\u{fe0e}\u{20e3}\u{1f468}\u{1f1e9}\u{26a0}\u{1f3fd}世لا1]{0,40}",
            ],
            limit in 0usize..30,
        ) {
            let text = crate::output::printable(&text);
            let shown = cut(&text, limit);
            prop_assert!(columns(&shown) <= limit, "{shown:?} takes {}", columns(&shown));
            prop_assert!(shown == text || shown.ends_with(CUT) || limit == 0);
        }
    }
}
