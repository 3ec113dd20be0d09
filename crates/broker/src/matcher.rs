//! Which patterns match a topic: a trie over levels.

use std::collections::HashMap;

use bellwether_message::Pattern;

/// Values filed under patterns, found by topic.
///
/// A look-up visits only the branches that a topic can take (its own words and wildcards), so its cost does not grow
/// with the number of patterns.
#[derive(Debug)]
pub struct Matcher<T> {
    root: Level<T>,
    len: usize,
}

#[derive(Debug)]
struct Level<T> {
    words: HashMap<Box<str>, Self>,
    /// `+`, or `*` before the last level: exactly one level, whatever it says.
    any: Option<Box<Self>>,
    /// The value of a pattern that ends here.
    here: Option<T>,
    /// The value of a pattern that ends in `*` after this level: one or more levels.
    rest: Option<T>,
}

impl<T> Default for Matcher<T> {
    fn default() -> Self {
        Self {
            root: Level::default(),
            len: 0,
        }
    }
}

impl<T> Default for Level<T> {
    fn default() -> Self {
        Self {
            words: HashMap::new(),
            any: None,
            here: None,
            rest: None,
        }
    }
}

impl<T> Matcher<T> {
    /// The value of `pattern`, made if there is none.
    ///
    /// `a:*:b` and `a:+:b` mean the same and share one value.
    pub fn entry(&mut self, pattern: &Pattern) -> &mut T
    where
        T: Default,
    {
        let mut level = &mut self.root;
        let mut levels = pattern.levels().peekable();
        let slot = loop {
            match (levels.next(), levels.peek().is_none()) {
                (None, _) => break &mut level.here,
                (Some("*"), true) => break &mut level.rest,
                (Some("*" | "+"), _) => level = level.any.get_or_insert_default(),
                (Some(word), _) => level = level.words.entry(word.into()).or_default(),
            }
        };
        if slot.is_none() {
            self.len += 1;
        }
        slot.get_or_insert_default()
    }

    /// Removes the value of `pattern`, and the branches that only it needed.
    pub fn remove(&mut self, pattern: &Pattern) -> Option<T> {
        let levels: Vec<&str> = pattern.levels().collect();
        let removed = self.root.remove(&levels);
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// Calls `found` with the value of every pattern that matches `topic`, each once, in no particular order.
    pub fn for_each_match<'a>(&'a self, topic: &str, mut found: impl FnMut(&'a T)) {
        self.root.visit(Some(topic), &mut found);
    }

    /// Number of patterns filed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no pattern is filed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T> Level<T> {
    /// `rest` is what of the topic lies below this level; `None` at its end. Depth is bounded by a topic's 16 levels.
    fn visit<'a>(&'a self, rest: Option<&str>, found: &mut impl FnMut(&'a T)) {
        let Some(rest) = rest else {
            if let Some(value) = &self.here {
                found(value);
            }
            return;
        };
        if let Some(value) = &self.rest {
            found(value);
        }
        let (word, below) = match rest.split_once(':') {
            Some((word, below)) => (word, Some(below)),
            None => (rest, None),
        };
        if let Some(level) = self.words.get(word) {
            level.visit(below, found);
        }
        if let Some(level) = &self.any {
            level.visit(below, found);
        }
    }

    fn remove(&mut self, levels: &[&str]) -> Option<T> {
        match levels {
            [] => self.here.take(),
            ["*"] => self.rest.take(),
            ["*" | "+", below @ ..] => {
                let level = self.any.as_mut()?;
                let removed = level.remove(below);
                if level.is_empty() {
                    self.any = None;
                }
                removed
            }
            [word, below @ ..] => {
                let level = self.words.get_mut(*word)?;
                let removed = level.remove(below);
                if level.is_empty() {
                    self.words.remove(*word);
                }
                removed
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.any.is_none() && self.here.is_none() && self.rest.is_none()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(matcher: &Matcher<Vec<usize>>, topic: &str) -> Vec<usize> {
        let mut all = Vec::new();
        matcher.for_each_match(topic, |ids| all.extend(ids));
        all.sort_unstable();
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn the_trie_agrees_with_matching_each_pattern_alone(
            patterns in proptest::collection::vec("[ab*+](:[ab*+]){0,3}", 1..20),
            removed in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
            topics in proptest::collection::vec("[abc](:[abc]){0,4}", 1..10),
        ) {
            let patterns: Vec<Pattern> = patterns.iter().map(|text| Pattern::new(text).unwrap()).collect();
            let mut matcher: Matcher<Vec<usize>> = Matcher::default();
            for (id, pattern) in patterns.iter().enumerate() {
                matcher.entry(pattern).push(id);
            }
            let mut gone = Vec::new();
            for index in removed {
                if let Some(ids) = matcher.remove(&patterns[index.index(patterns.len())]) {
                    gone.extend(ids);
                }
            }
            for topic in &topics {
                let naive: Vec<usize> = (0..patterns.len())
                    .filter(|id| !gone.contains(id) && patterns[*id].matches(topic))
                    .collect();
                prop_assert_eq!(found(&matcher, topic), naive, "topic {}", topic);
            }
            for pattern in &patterns {
                matcher.remove(pattern);
            }
            prop_assert!(matcher.is_empty() && matcher.root.is_empty(), "nothing is left behind");
        }
    }
}
