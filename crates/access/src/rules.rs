//! What one principal may do, and the one function that decides it.

use bellwether_catalogue::spelling::{canonical_patterns, canonical_topic};
use bellwether_message::{Instance, Pattern, Topic};
use serde::{Deserialize, Serialize};

use crate::caller::Reach;
use crate::permission::Permission;
use crate::reach::{allows, reach};

/// How a pattern of a queue group begins: `$queue:NAME:PATTERN`.
const QUEUE: &str = "$queue:";

/// Permissions as they are written, in a policy and in a token. Nothing is allowed that is not named; what is denied is
/// denied whatever else allows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grant {
    /// Where it may publish.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_publish: Vec<Permission>,
    /// What it may receive.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_subscribe: Vec<Permission>,
    /// Where it may not publish.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny_publish: Vec<Permission>,
    /// What it may not receive.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny_subscribe: Vec<Permission>,
    /// Whether it may see members, instances, subscribers, alerts, metrics.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub look: bool,
    /// Whether it may change what the node does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub administer: bool,
}

impl Grant {
    /// What either allows, without what either denies.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.allow_publish.extend_from_slice(&other.allow_publish);
        self.allow_subscribe.extend_from_slice(&other.allow_subscribe);
        self.deny_publish.extend_from_slice(&other.deny_publish);
        self.deny_subscribe.extend_from_slice(&other.deny_subscribe);
        self.look |= other.look;
        self.administer |= other.administer;
        self
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// To publish to a topic, under any of its names.
    Publish(Instance, &'a str),
    /// To subscribe to a pattern, in any of its spellings, of a queue group or not.
    Subscribe(Instance, &'a Pattern),
    /// To get a message that was published to a topic, by its own name.
    Receive(Instance, &'a str),
    /// To see the state of the node and its mesh.
    Look,
    /// To change what the node does.
    Administer,
}

/// A [`Grant`], ready to be asked. What it says of another spelling of a topic holds for the topic.
#[derive(Debug, Clone)]
pub struct Rules {
    publish: [Sides; Instance::COUNT],
    subscribe: [Sides; Instance::COUNT],
    look: bool,
    administer: bool,
}

/// What is allowed and denied in one instance.
#[derive(Debug, Clone, Default)]
struct Sides {
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
}

impl Sides {
    fn permit(&self, instance: Instance, topic: &str) -> bool {
        self.allow.iter().any(|pattern| allows(instance, pattern, topic))
            && !self.deny.iter().any(|pattern| pattern.matches(topic))
    }
}

impl Rules {
    /// The rules of a grant.
    pub fn new(grant: &Grant) -> Self {
        let sides = |allow: &[Permission], deny: &[Permission], meaning: Meaning| {
            Instance::ALL.map(|instance| Sides {
                allow: meant(instance, allow, meaning),
                // A denial reaches everything that its words may mean.
                deny: meant(instance, deny, Meaning::Either),
            })
        };
        Self {
            publish: sides(&grant.allow_publish, &grant.deny_publish, Meaning::Publish),
            subscribe: sides(&grant.allow_subscribe, &grant.deny_subscribe, Meaning::Subscribe),
            look: grant.look,
            administer: grant.administer,
        }
    }

    /// The one decision: `None` is no. Of a pattern [`Reach::Some`] means that each message must be asked for, which it
    /// never means of anything else.
    pub fn judge(&self, question: Question<'_>) -> Option<Reach> {
        let is_allowed = match question {
            Question::Publish(instance, topic) => self.sides(&self.publish, instance, |sides| {
                match Topic::new(topic) {
                    Ok(topic) => sides.permit(instance, canonical_topic(instance, &topic).as_str()),
                    // It will be refused as no topic; to whom, is all that is said here.
                    Err(_) => sides.permit(instance, topic),
                }
            }),
            Question::Receive(instance, topic) => {
                self.sides(&self.subscribe, instance, |sides| sides.permit(instance, topic))
            }
            Question::Subscribe(instance, pattern) => return self.reach(instance, pattern),
            Question::Look => self.look,
            Question::Administer => self.administer,
        };
        is_allowed.then_some(Reach::All)
    }

    fn sides(&self, all: &[Sides; Instance::COUNT], instance: Instance, ask: impl FnOnce(&Sides) -> bool) -> bool {
        all.get(instance.index()).is_some_and(ask)
    }

    fn reach(&self, instance: Instance, pattern: &Pattern) -> Option<Reach> {
        let Sides { allow, deny } = self.subscribe.get(instance.index())?;
        let inner = pattern.without_queue();
        // A group of a group is none.
        if pattern.queue().is_some() && inner.as_str().starts_with(QUEUE) {
            return None;
        }
        let wanted = canonical_patterns(instance, &inner);
        let reaches: Vec<Option<Reach>> = wanted
            .iter()
            .map(|wanted| reach(instance, wanted, allow, deny))
            .collect();
        match reaches.iter().all(|reach| *reach == Some(Reach::All)) {
            true => (!reaches.is_empty()).then_some(Reach::All),
            false => reaches.iter().any(Option::is_some).then_some(Reach::Some),
        }
    }
}

/// What a permission is for, where topics have other spellings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The topic that a message goes to.
    Publish,
    /// The topics that a subscription gets.
    Subscribe,
    /// Both.
    Either,
}

/// The patterns of topics, by their own names, that permissions speak of in an instance.
fn meant(instance: Instance, permissions: &[Permission], meaning: Meaning) -> Vec<Pattern> {
    let mut all = Vec::new();
    let is_about = |permission: &&Permission| match meaning {
        Meaning::Either => permission.is_denial_in(instance),
        _ => permission.is_about(instance),
    };
    for permission in permissions.iter().filter(is_about) {
        let pattern = permission.pattern();
        // A pattern that is a topic may be another name of one.
        let target = Topic::new(pattern.as_str())
            .ok()
            .filter(|_| pattern.is_literal())
            .map(|topic| Pattern::from(canonical_topic(instance, &topic).into_owned()));
        match (meaning, target) {
            (Meaning::Publish, Some(target)) => all.push(target),
            (Meaning::Either, Some(target)) => {
                all.push(target);
                all.extend(canonical_patterns(instance, pattern));
            }
            (Meaning::Subscribe, _) | (_, None) => {
                all.push(pattern.clone());
                all.extend(canonical_patterns(instance, pattern));
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests;
