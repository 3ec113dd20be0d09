//! Topics of channels: an instance and a pattern inside it, joined by `:`.

use bellwether::{Instance, Pattern, Topic};

use crate::frame::excerpt;

/// What a channel receives, and where it publishes: `health:cluster_health`, `alerts:system_alerts:*`.
///
/// The first level names the instance, as everywhere in Bellwether (`ex_esdb_health:cluster_health` is the same); what
/// follows is a pattern with its wildcards, taken literally by the client: a channel's frames always carry the topic that
/// was joined. `events:$queue:workers:orders:*` joins the queue group `workers`, of which one member of the whole mesh
/// gets each message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelTopic {
    /// Where.
    pub instance: Instance,
    /// What is received.
    pub pattern: Pattern,
    /// What is published to, if the pattern is the name of one topic.
    pub topic: Option<Topic>,
}

impl ChannelTopic {
    /// Reads the topic of a channel.
    ///
    /// # Errors
    /// [`ChannelTopicError`]: no channel can be joined there.
    pub fn parse(text: &str) -> Result<Self, ChannelTopicError> {
        let wrong = |words: String| ChannelTopicError {
            given: excerpt(text),
            words,
        };
        let Some((instance, pattern)) = text.split_once(':') else {
            return Err(wrong("it has one level".to_owned()));
        };
        let instance = instance.parse::<Instance>().map_err(|err| wrong(err.to_string()))?;
        let pattern = Pattern::new(pattern).map_err(|err| wrong(format!("behind the instance, {err}")))?;
        let topic = Topic::new(pattern.without_queue().as_str()).ok();
        Ok(Self {
            instance,
            pattern,
            topic,
        })
    }
}

/// Text that is no topic of a channel. What was given is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no topic of a channel: {words}; write INSTANCE:TOPIC, for example health:cluster_health")]
pub struct ChannelTopicError {
    given: String,
    words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_level_is_the_instance_and_the_rest_a_pattern() {
        for (text, instance, pattern, is_exact) in [
            ("health:cluster_health", Instance::Health, "cluster_health", true),
            (
                "ex_esdb_health:cluster_health",
                Instance::Health,
                "cluster_health",
                true,
            ),
            ("alerts:system_alerts:*", Instance::Alerts, "system_alerts:*", false),
            ("events:orders:+:new", Instance::Events, "orders:+:new", false),
            ("events:*", Instance::Events, "*", false),
            ("events:$queue:w:a:*", Instance::Events, "$queue:w:a:*", false),
            ("events:$queue:w:a", Instance::Events, "$queue:w:a", true),
            ("events:a b:ä", Instance::Events, "a b:ä", true),
        ] {
            let topic = ChannelTopic::parse(text).unwrap();
            assert_eq!((topic.instance, topic.pattern.as_str()), (instance, pattern), "{text}");
            assert_eq!(topic.topic.is_some(), is_exact, "{text}");
        }
    }

    #[test]
    fn what_no_instance_serves_is_refused_in_words() {
        for (text, words) in [
            ("", "one level"),
            ("health", "one level"),
            ("room:lobby", "room"),
            ("Health:x", "Health"),
            ("health:", "empty"),
            ("health::x", "level 1 is empty"),
            ("health:x\n", "control character"),
            (":health", "is none"),
        ] {
            let err = ChannelTopic::parse(text).unwrap_err().to_string();
            assert!(err.contains("write INSTANCE:TOPIC"), "{text:?}: {err}");
            assert!(err.contains(words) || words == "is none", "{text:?}: {err}");
        }
        let long = ChannelTopic::parse(&format!("events:{}", "x".repeat(241))).unwrap_err();
        assert!(long.to_string().contains("at most 240"), "{long}");
    }
}
