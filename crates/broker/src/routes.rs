//! Where the messages of a topic go: what the matcher found, remembered.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::group::Group;
use crate::matcher::Matcher;

/// Topics whose routes are remembered; when full, all are forgotten and found again by the matcher.
const TOPICS: usize = 131_072;

/// The groups of one instance, found by topic.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Which of the `routes` a topic has.
    by_topic: HashMap<Box<[u8]>, usize, RandomState>,
    routes: Vec<Box<[Arc<Group>]>>,
}

impl Routes {
    /// The groups that want a topic.
    pub(crate) fn to(&mut self, topic: &[u8], matcher: &Matcher<Vec<Arc<Group>>>) -> &[Arc<Group>] {
        let route = match self.by_topic.get(topic) {
            Some(route) => *route,
            None => {
                if self.routes.len() >= TOPICS {
                    self.forget();
                }
                self.by_topic.insert(topic.into(), self.routes.len());
                self.routes.push(find(topic, matcher));
                self.routes.len() - 1
            }
        };
        self.routes.get(route).map(AsRef::as_ref).unwrap_or_default()
    }

    /// A group has come or gone.
    pub(crate) fn forget(&mut self) {
        self.by_topic.clear();
        self.routes.clear();
    }
}

fn find(topic: &[u8], matcher: &Matcher<Vec<Arc<Group>>>) -> Box<[Arc<Group>]> {
    let mut groups: Vec<Arc<Group>> = Vec::new();
    let topic = std::str::from_utf8(topic).unwrap_or_default();
    matcher.for_each_match(topic, |matching| groups.extend(matching.iter().cloned()));
    // A group with several matching patterns still gets the message once.
    groups.sort_by(|a, b| a.patterns.cmp(&b.patterns));
    groups.dedup_by(|a, b| Arc::ptr_eq(a, b));
    groups.into()
}
