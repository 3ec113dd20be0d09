//! Sets of patterns, and which topics they match.

use bellwether_message::{Pattern, TopicError};

use super::names::FastMap;

/// Each distinct set of patterns, with what it was asked before. A set is asked about one topic once.
#[derive(Debug, Default)]
pub(crate) struct Patterns<'e> {
    by_text: FastMap<Vec<&'e str>, usize>,
    sets: Vec<PatternSet>,
}

#[derive(Debug)]
struct PatternSet {
    patterns: Vec<Pattern>,
    /// By topic; `None` if not asked yet.
    answers: Vec<Option<bool>>,
}

impl<'e> Patterns<'e> {
    /// The number of a set.
    pub(crate) fn set(&mut self, texts: impl Iterator<Item = &'e str>) -> Result<usize, TopicError> {
        let mut key: Vec<&str> = texts.collect();
        key.sort_unstable();
        key.dedup();
        if let Some(known) = self.by_text.get(&key) {
            return Ok(*known);
        }
        let patterns = key.iter().map(|text| Pattern::new(text)).collect::<Result<_, _>>()?;
        self.sets.push(PatternSet {
            patterns,
            answers: Vec::new(),
        });
        self.by_text.insert(key, self.sets.len() - 1);
        Ok(self.sets.len() - 1)
    }

    /// Whether the set is a queue group's.
    pub(crate) fn is_queue(&self, set: usize) -> bool {
        self.sets[set].patterns.iter().any(|pattern| pattern.queue().is_some())
    }

    /// Whether one of the set's patterns matches the topic of this number.
    pub(crate) fn matches(&mut self, set: usize, number: usize, topic: &str) -> bool {
        let set = &mut self.sets[set];
        if set.answers.len() <= number {
            set.answers.resize(number + 1, None);
        }
        *set.answers[number].get_or_insert_with(|| set.patterns.iter().any(|pattern| pattern.matches(topic)))
    }
}
