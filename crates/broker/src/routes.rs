//! Where the messages of a topic go: what the matcher found, remembered.

use std::collections::HashMap;
use std::sync::Arc;

use bellwether_message::Pattern;
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
    routes: Vec<Route>,
}

/// Where the messages of one topic go.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// Each of these gets them.
    pub(crate) groups: Vec<Arc<Group>>,
    /// Of each of these queue groups somebody does.
    pub(crate) queues: Vec<Pattern>,
}

impl Routes {
    /// Who wants a topic.
    pub(crate) fn to(
        &mut self,
        topic: &[u8],
        matcher: &Matcher<Vec<Arc<Group>>>,
        queues: &Matcher<Vec<Pattern>>,
    ) -> &Route {
        let route = match self.by_topic.get(topic) {
            Some(route) => *route,
            None => {
                if self.routes.len() >= TOPICS {
                    self.forget();
                }
                self.by_topic.insert(topic.into(), self.routes.len());
                self.routes.push(find(topic, matcher, queues));
                self.routes.len() - 1
            }
        };
        self.routes.get(route).unwrap_or(&NOWHERE)
    }

    /// A group has come or gone.
    pub(crate) fn forget(&mut self) {
        self.by_topic.clear();
        self.routes.clear();
    }
}

static NOWHERE: Route = Route {
    groups: Vec::new(),
    queues: Vec::new(),
};

fn find(topic: &[u8], matcher: &Matcher<Vec<Arc<Group>>>, queues: &Matcher<Vec<Pattern>>) -> Route {
    let mut groups: Vec<Arc<Group>> = Vec::new();
    let topic = std::str::from_utf8(topic).unwrap_or_default();
    matcher.for_each_match(topic, |matching| groups.extend(matching.iter().cloned()));
    // A group with several matching patterns still gets the message once.
    groups.sort_by(|a, b| a.patterns.cmp(&b.patterns));
    groups.dedup_by(|a, b| Arc::ptr_eq(a, b));
    let mut found = Vec::new();
    queues.for_each_match(topic, |matching| found.extend(matching.iter().cloned()));
    Route { groups, queues: found }
}
