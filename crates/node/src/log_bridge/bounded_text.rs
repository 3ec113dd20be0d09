//! Text that takes at most so many bytes as JSON.

use std::fmt;

/// Stands where text was cut.
const MARK: &str = "…";

/// Takes text until its bound; the rest is cut off and [`MARK`] put there. Whoever writes into it is told, so that
/// something endless need not be shown to its end.
#[derive(Debug)]
pub(super) struct BoundedText {
    text: String,
    left: usize,
    is_cut: bool,
}

impl BoundedText {
    /// At most so many bytes of JSON, without quotes and the mark.
    pub(super) fn new(most: usize) -> Self {
        Self {
            text: String::new(),
            left: most,
            is_cut: false,
        }
    }

    /// The beginning of a text.
    pub(super) fn of(text: &str, most: usize) -> String {
        let mut bounded = Self::new(most);
        let _ = fmt::Write::write_str(&mut bounded, text);
        bounded.finish()
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The text, with the mark if it was cut.
    pub(super) fn finish(mut self) -> String {
        if self.is_cut {
            self.text.push_str(MARK);
        }
        self.text
    }
}

impl fmt::Write for BoundedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_cut {
            return Err(fmt::Error);
        }
        for character in text.chars() {
            let Some(left) = self.left.checked_sub(char_len(character)) else {
                self.is_cut = true;
                return Err(fmt::Error);
            };
            self.left = left;
            self.text.push(character);
        }
        Ok(())
    }
}

/// Bytes of a text in JSON, without quotes.
pub(super) fn json_len(text: &str) -> usize {
    text.chars().map(char_len).sum()
}

fn char_len(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn lengths_are_those_of_json() {
        let every: String = ('\0'..='\u{ff}').chain(['…', '\u{1f600}']).collect();
        let quoted = serde_json::to_string(&every).unwrap();
        assert_eq!(json_len(&every), quoted.len() - 2);
    }

    #[test]
    fn text_up_to_the_bound_is_whole_and_beyond_is_cut_with_a_mark() {
        assert_eq!(BoundedText::of("12345", 5), "12345");
        assert_eq!(BoundedText::of("123456", 5), "12345…");
        assert_eq!(BoundedText::of("12\n4", 4), "12\n…");
        assert_eq!(BoundedText::of("éé", 3), "é…");
        assert_eq!(BoundedText::of("", 0), "");
    }

    #[test]
    fn nothing_is_taken_behind_a_cut() {
        let mut text = BoundedText::new(3);
        assert!(text.write_str("12\n").is_err());
        assert!(text.write_str("3").is_err(), "it would fit, but not there");
        assert!(text.is_cut());
        assert_eq!(text.finish(), "12…");
    }
}
