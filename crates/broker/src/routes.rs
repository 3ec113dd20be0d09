//! Where the messages of a topic go: what the matcher found, remembered; and how many there were.

use std::collections::HashMap;
use std::sync::Arc;

use bellwether_message::Pattern;
use foldhash::fast::RandomState;

use crate::group::Group;
use crate::matcher::Matcher;

/// Topics that are remembered; when full, all are forgotten: their routes are found again by the matcher, their counts
/// begin anew.
const TOPICS: usize = 131_072;

/// The groups of one instance, found by topic.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Which of the `topics` it is.
    by_name: HashMap<Box<[u8]>, usize, RandomState>,
    topics: Vec<Topic>,
    /// Those of the `topics` whose routes are known.
    found: Vec<usize>,
}

/// What is remembered of a topic.
#[derive(Debug, Default)]
struct Topic {
    /// `None`: to be found by the matcher.
    route: Option<Route>,
    messages: u64,
}

/// Where the messages of one topic go.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// Each of these gets them.
    pub(crate) groups: Vec<Arc<Group>>,
    /// Of each of these queue groups somebody does.
    pub(crate) queues: Vec<Pattern>,
}

/// How many messages a topic had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicCount {
    /// The topic.
    pub topic: String,
    /// Messages on it, published here or received.
    pub messages: u64,
}

impl Routes {
    /// Who wants a topic, on which there were so many more messages.
    pub(crate) fn to(
        &mut self,
        topic: &[u8],
        messages: usize,
        matcher: &Matcher<Vec<Arc<Group>>>,
        queues: &Matcher<Vec<Pattern>>,
    ) -> &Route {
        let place = match self.by_name.get(topic) {
            Some(place) => *place,
            None => {
                if self.topics.len() >= TOPICS {
                    *self = Self::default();
                }
                self.by_name.insert(topic.into(), self.topics.len());
                self.topics.push(Topic::default());
                self.topics.len() - 1
            }
        };
        let Some(known) = self.topics.get_mut(place) else {
            return &NOWHERE;
        };
        known.messages = known.messages.saturating_add(messages as u64);
        known.route.get_or_insert_with(|| {
            self.found.push(place);
            find(topic, matcher, queues)
        })
    }

    /// A group has come or gone.
    pub(crate) fn forget(&mut self) {
        for place in self.found.drain(..) {
            if let Some(topic) = self.topics.get_mut(place) {
                topic.route = None;
            }
        }
    }

    /// The topics with the most messages, those first. Looks at all of them.
    pub(crate) fn busiest(&self, most: usize) -> Vec<TopicCount> {
        let names = self.by_name.iter();
        let counted = names.filter_map(|(name, place)| Some((self.topics.get(*place)?.messages, &**name)));
        let mut busiest: Vec<_> = counted.filter(|(messages, _)| *messages > 0).collect();
        let order = |one: &(u64, &[u8]), other: &(u64, &[u8])| other.0.cmp(&one.0).then(one.1.cmp(other.1));
        if busiest.len() > most {
            busiest.select_nth_unstable_by(most, order);
            busiest.truncate(most);
        }
        busiest.sort_unstable_by(order);
        busiest
            .into_iter()
            .map(|(messages, name)| TopicCount {
                topic: String::from_utf8_lossy(name).into_owned(),
                messages,
            })
            .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_outlive_routes_and_the_busiest_come_first() {
        let (mut routes, groups, queues) = (Routes::default(), Matcher::default(), Matcher::default());
        for (topic, messages) in [("a", 2), ("b", 5), ("c", 0), ("a", 2), ("d", 4)] {
            routes.to(topic.as_bytes(), messages, &groups, &queues);
        }
        routes.forget();
        assert!(routes.topics.iter().all(|topic| topic.route.is_none()));
        routes.to(b"d", 1, &groups, &queues);
        let busiest = |most| -> Vec<(String, u64)> {
            let counts = routes.busiest(most).into_iter();
            counts.map(|count| (count.topic, count.messages)).collect()
        };
        assert_eq!(busiest(2), [("b".to_owned(), 5), ("d".to_owned(), 5)]);
        assert_eq!(busiest(9).len(), 3, "nothing was said on one of them");
        assert_eq!(busiest(0), []);
    }

    #[test]
    fn no_more_topics_are_remembered_than_there_is_room_for() {
        let (mut routes, groups, queues) = (Routes::default(), Matcher::default(), Matcher::default());
        for number in 0..TOPICS + 10 {
            routes.to(number.to_string().as_bytes(), 1, &groups, &queues);
        }
        assert_eq!((routes.topics.len(), routes.found.len()), (10, 10));
    }
}
