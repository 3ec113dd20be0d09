//! Text with `*` in it, looked for in messages.

/// Parts of text that must occur one after another. Looking for them takes time in proportion to the text.
#[derive(Debug)]
pub(super) struct Wildcard {
    parts: Vec<Box<str>>,
}

impl Wildcard {
    /// `pattern` with `*` for any text or none. It need not match a whole message: the ends are free.
    pub(super) fn new(pattern: &str) -> Self {
        let parts = pattern.split('*').filter(|part| !part.is_empty());
        Self {
            parts: parts.map(Box::from).collect(),
        }
    }

    pub(super) fn occurs_in(&self, text: &str) -> bool {
        let mut rest = text;
        for part in &self.parts {
            // Where it occurs first leaves the most to the parts after it.
            let Some((_, after)) = rest.split_once(&**part) else {
                return false;
            };
            rest = after;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn occurs(pattern: &str, text: &str) -> bool {
        Wildcard::new(pattern).occurs_in(text)
    }

    #[test]
    fn text_matches_wherever_it_occurs_and_case_counts() {
        assert!(occurs("timeout", "a timeout of 5 s"));
        assert!(!occurs("Timeout", "a timeout of 5 s"));
        assert!(!occurs("time out", "timeout"));
        assert!(occurs("é", "café"));
    }

    #[test]
    fn a_star_stands_for_any_text_or_none() {
        assert!(occurs("lost*peer", "lost the peer"));
        assert!(occurs("lost*peer", "lostpeer"));
        assert!(!occurs("lost*peer", "peer lost"));
        assert!(!occurs("aa*aa", "aaa"), "no letter counts twice");
        assert!(occurs("*", ""));
        assert!(occurs("**a**", "bab"));
    }

    /// Every way to place the parts, tried.
    fn reference(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => true,
            [b'*', rest @ ..] => (0..=text.len()).any(|skipped| reference(rest, &text[skipped..])),
            [first, rest @ ..] => text.first() == Some(first) && reference(rest, &text[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn it_agrees_with_the_reference(pattern in "[ab*]{1,6}", text in "[ab]{0,8}") {
            let free_ends = format!("*{pattern}");
            prop_assert_eq!(occurs(&pattern, &text), reference(free_ends.as_bytes(), text.as_bytes()));
        }
    }
}
