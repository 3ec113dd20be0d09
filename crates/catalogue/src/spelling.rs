//! Spellings: every name that the documents give to one topic, and the one it has here.
//!
//! The documents name the same topic differently: consumers are told `cluster_health`, publishers use
//! `cluster:health`. The table below says what each spelling means. It is looked at once when a message is published
//! and once when a subscription begins, so that either spelling works, nothing is sent twice, and the `topic` of what is
//! delivered is always the same one.

mod table;

use std::borrow::Cow;

use bellwether_message::{Instance, Pattern, Topic};

pub use self::table::SPELLINGS;

/// What one spelling of a topic means in an instance. `{name}` stands for any one level, the same one wherever it stands.
#[derive(Debug, Clone, Copy)]
pub struct Spelling {
    /// Where it is a spelling.
    pub instance: Instance,
    /// As the documents write it.
    pub spelling: &'static str,
    /// The topic that a message published under it goes to.
    pub topic: &'static str,
    /// What a subscription to it receives: patterns.
    pub receives: &'static [&'static str],
    /// Who writes it so.
    pub written_by: &'static str,
}

impl Spelling {
    /// Whether a message goes to another topic than the one it was published under.
    pub fn is_alias(&self) -> bool {
        self.spelling != self.topic
    }
}

/// The spellings of an instance.
pub fn spellings(instance: Instance) -> impl Iterator<Item = &'static Spelling> {
    SPELLINGS.iter().filter(move |spelling| spelling.instance == instance)
}

/// The topic that a message published under `topic` goes to. Borrowed: that very one.
pub fn canonical_topic(instance: Instance, topic: &Topic) -> Cow<'_, Topic> {
    match alias_of(instance, topic.as_str()).and_then(|canonical| Topic::new(&canonical).ok()) {
        Some(canonical) => Cow::Owned(canonical),
        None => Cow::Borrowed(topic),
    }
}

/// On the way of every message: compares the topic with the few aliases of its instance, and allocates only for one.
fn alias_of(instance: Instance, topic: &str) -> Option<String> {
    let aliases = table::ALIASES.get(instance.index())?;
    aliases.iter().find_map(|alias| match alias.prefix {
        None => (alias.spelling == topic).then(|| alias.topic.to_owned()),
        Some(prefix) => {
            let level = topic.strip_prefix(prefix)?;
            // Another name must not lead to what the mesh keeps for itself, or a store to the cluster's topics.
            (!level.contains(':') && !level.starts_with('$') && level != "cluster")
                .then(|| alias.topic.replace(alias.place, level))
        }
    })
}

/// The patterns that a subscription to `pattern` needs to receive what it means, without doubles. The pattern itself is
/// among them, unless it is the spelling of another topic. Only a literal first level is looked up: a pattern that begins
/// with a wildcard speaks of topics as they are.
pub fn canonical_patterns(instance: Instance, pattern: &Pattern) -> Vec<Pattern> {
    let Some(queue) = pattern.queue() else {
        return patterns_of(instance, pattern);
    };
    let meant = patterns_of(instance, &pattern.without_queue());
    meant.iter().filter_map(|meant| meant.in_queue(queue).ok()).collect()
}

fn patterns_of(instance: Instance, pattern: &Pattern) -> Vec<Pattern> {
    let mut found: Vec<Pattern> = Vec::new();
    let is_renamed = pattern.is_literal() && alias_of(instance, pattern.as_str()).is_some();
    for spelling in spellings(instance) {
        let Some(bound) = Bound::of(spelling.spelling, pattern) else {
            continue;
        };
        if pattern.is_literal() && spelling.is_alias() && !is_renamed {
            continue;
        }
        let meant = spelling.receives.iter().filter_map(|receives| bound.put_into(receives));
        for meant in meant {
            if !found.contains(&meant) {
                found.push(meant);
            }
        }
    }
    if !is_renamed && !found.contains(pattern) {
        found.insert(0, pattern.clone());
    }
    found
}

/// The levels that stand for the places of a spelling.
struct Bound<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Bound<'a> {
    /// What the places of `spelling` stand for where `pattern` covers it; none if it does not.
    fn of(spelling: &'static str, pattern: &'a Pattern) -> Option<Self> {
        let mut bound = Vec::new();
        let mut wanted = pattern.levels().peekable();
        if matches!(wanted.peek(), Some(&("*" | "+"))) {
            return None;
        }
        let mut named = spelling.split(':').peekable();
        while let Some(level) = wanted.next() {
            let is_last = wanted.peek().is_none();
            let spelled = named.next()?;
            let place = crate::template::place(spelled);
            match (level, place) {
                ("*" | "+", Some(name)) => bound.push((name, "+")),
                // A spelling with a wildcard means that very pattern.
                ("*" | "+", None) if spelled == level => {}
                ("*" | "+", None) if spelled != "*" => {}
                (level, Some(name)) => bound.push((name, level)),
                (level, None) if level == spelled => {}
                _ => return None,
            }
            if level == "*" && is_last {
                bound.extend(
                    named
                        .by_ref()
                        .filter_map(crate::template::place)
                        .map(|name| (name, "+")),
                );
            }
        }
        named.next().is_none().then_some(Self(bound))
    }

    fn put_into(&self, template: &str) -> Option<Pattern> {
        let level = |level| match crate::template::place(level) {
            Some(name) => self.0.iter().find(|(bound, _)| *bound == name).map(|(_, level)| *level),
            None => Some(level),
        };
        let levels: Option<Vec<&str>> = template.split(':').map(level).collect();
        Pattern::new(&levels?.join(":")).ok()
    }
}

#[cfg(test)]
mod tests;
