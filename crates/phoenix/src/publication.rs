//! What a push asks to be published.
//!
//! | push | is published |
//! | --- | --- |
//! | event `publish`, payload `{"event","payload",…}` | as it is, on `topic` or the channel's own |
//! | event of a type of the catalogue, JSON payload | as a message of that type: judged, what is left out filled in |
//! | any other event, JSON payload | as it is, with that event tag, on the channel's own topic |
//! | any event, binary payload | the bytes, with that event tag, on the channel's own topic |

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::time::Duration;

use bellwether::catalogue::MessageType;
use bellwether::catalogue::type_of;
use bellwether::{Confirm, ContentType, Draft, Headers, Instance, NodeId, Topic};
use bellwether_delivery::{Assurance, DEFAULT_CONFIRM_WITHIN_S, MAX_CONFIRM_WITHIN_S, MAX_WAIT_S};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::frame::{Payload, excerpt};
use crate::payload::without_metadata;
use crate::refusal::{Reason, Refusal};
use crate::topic::ChannelTopic;

/// What is to be published, and what is waited for.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) instance: Instance,
    pub(crate) content: Content,
    /// What is waited for.
    pub(crate) assurance: Assurance,
}

/// What is said.
#[derive(Debug)]
pub(crate) enum Content {
    /// This.
    Raw(Box<Draft>),
    /// A message of a type, to be judged and filled in.
    Typed(&'static MessageType, Value, Topic),
}

/// The payload of a push `publish`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    /// As a channel has it: `events:orders:new`.
    topic: Option<String>,
    event: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    originating_node: Option<String>,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    schema_version: Option<NonZeroU16>,
    /// Where an answer is awaited, as a channel has it.
    reply_to: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    #[serde(default)]
    wait: Wait,
    confirm: Option<Peers>,
    confirm_within: Option<u64>,
}

/// `true`, or so many seconds.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Wait {
    Whether(bool),
    Seconds(u64),
}

impl Default for Wait {
    fn default() -> Self {
        Self::Whether(false)
    }
}

/// One value of a header, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

/// A word, or a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Peers {
    Count(usize),
    Word(String),
}

impl Publication {
    /// What a push to a channel with this topic asks for.
    ///
    /// # Errors
    /// It cannot be published as it is.
    pub(crate) fn of(channel: &ChannelTopic, event: String, payload: Payload<'_>) -> Result<Self, Refusal> {
        if event.starts_with("phx_") {
            let words = format!("`{}` is no event that a client sends", excerpt(&event));
            return Err(Refusal::new(Reason::BadPayload, words));
        }
        match payload {
            Payload::Json(json) if event == "publish" => Self::requested(channel, json),
            Payload::Json(json) => {
                let topic = own_topic(channel)?;
                let Some(message_type) = type_of(channel.instance, &event) else {
                    return Ok(Self::raw(
                        channel.instance,
                        Draft::new(topic, event).json(without_metadata(json)),
                    ));
                };
                let value = serde_json::from_str(&without_metadata(json)).map_err(|err| bad_payload(&err))?;
                Ok(Self::plain(
                    channel.instance,
                    Content::Typed(message_type, value, topic),
                ))
            }
            Payload::Bytes(bytes) => {
                let draft = Draft::new(own_topic(channel)?, event).payload(ContentType::Bytes, bytes);
                Ok(Self::raw(channel.instance, draft))
            }
        }
    }

    /// Where.
    pub(crate) fn topic(&self) -> &Topic {
        match &self.content {
            Content::Raw(draft) => &draft.topic,
            Content::Typed(.., topic) => topic,
        }
    }

    fn requested(channel: &ChannelTopic, json: &str) -> Result<Self, Refusal> {
        let request: Request<'_> = serde_json::from_str(json).map_err(|err| bad_payload(&err))?;
        let (instance, topic) = match &request.topic {
            None => (channel.instance, own_topic(channel)?),
            Some(topic) => {
                let bad = |words| Refusal::new(Reason::BadTopic, words);
                let given = ChannelTopic::parse(topic).map_err(|err| bad(err.to_string()))?;
                let exact = own_topic(&given).map_err(|refusal| match refusal.reason {
                    Reason::BadTopic => bad(format!("`{}` has wildcards; name one topic", excerpt(topic))),
                    _ => refusal,
                })?;
                (given.instance, exact)
            }
        };
        let mut draft = match request.event {
            Some(event) => Draft::new(topic, event),
            None => Draft::new(topic, "message"),
        };
        draft.payload = match request.payload {
            Some(payload) => without_metadata(payload.get()).into(),
            None => b"{}".to_vec(),
        };
        if let Some(node) = request.originating_node {
            let node = NodeId::new(&node)
                .map_err(|err| Refusal::new(Reason::BadField, format!("`originating_node` is wrong: {err}")))?;
            draft.originating_node = Some(node);
        }
        draft.correlation_id = request.correlation_id;
        draft.causation_id = request.causation_id;
        if let Some(version) = request.schema_version {
            draft.schema_version = version.get();
        }
        draft.reply_to = request.reply_to.as_deref().map(reply_to).transpose()?;
        draft.headers = headers(&request.headers)?;
        let wait = match request.wait {
            Wait::Whether(false) => None,
            Wait::Whether(true) => Some(MAX_WAIT_S),
            Wait::Seconds(seconds) => Some(within("wait", seconds, 0, MAX_WAIT_S)?),
        };
        let confirm = match request.confirm {
            None => Confirm::default(),
            Some(Peers::Count(count)) => Confirm::Peers(count),
            Some(Peers::Word(word)) => word
                .parse()
                .map_err(|err| Refusal::new(Reason::BadField, format!("`confirm` is wrong: {err}")))?,
        };
        let confirm_within = request.confirm_within.unwrap_or(DEFAULT_CONFIRM_WITHIN_S);
        Ok(Self {
            assurance: Assurance {
                wait: wait.map(Duration::from_secs),
                confirm,
                within: Duration::from_secs(within("confirm_within", confirm_within, 1, MAX_CONFIRM_WITHIN_S)?),
            },
            ..Self::raw(instance, draft)
        })
    }

    fn raw(instance: Instance, draft: Draft) -> Self {
        Self::plain(instance, Content::Raw(Box::new(draft)))
    }

    fn plain(instance: Instance, content: Content) -> Self {
        Self {
            instance,
            content,
            assurance: Assurance::default(),
        }
    }
}

/// The topic that the channel publishes to.
fn own_topic(channel: &ChannelTopic) -> Result<Topic, Refusal> {
    let Some(topic) = &channel.topic else {
        let words = "this channel has a topic with wildcards: push `publish` and name one `topic`";
        return Err(Refusal::new(Reason::BadTopic, words));
    };
    // What NATS clients ask is answered where they listen.
    let is_foreign = channel.instance == Instance::Events && topic.as_str().starts_with("$nats:");
    if topic.is_reserved() && !is_foreign {
        let words = "topics that begin with `$` belong to the mesh itself; choose another first level";
        return Err(Refusal::new(Reason::ReservedTopic, words));
    }
    Ok(topic.clone())
}

/// The address of an answer, as messages carry it.
fn reply_to(text: &str) -> Result<String, Refusal> {
    let bad = |words| Refusal::new(Reason::BadField, words);
    let given = ChannelTopic::parse(text).map_err(|err| bad(format!("`reply_to` is wrong: {err}")))?;
    match (given.pattern.queue(), given.topic) {
        (None, Some(topic)) => Ok(format!("{}/{topic}", given.instance)),
        _ => Err(bad("`reply_to` must name one topic, without wildcards".to_owned())),
    }
}

fn headers(given: &BTreeMap<String, Values>) -> Result<Headers, Refusal> {
    let mut headers = Headers::default();
    for (name, values) in given {
        let values = match values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Several(values) => values,
        };
        for value in values {
            headers
                .push(name, value)
                .map_err(|err| Refusal::new(Reason::BadField, format!("a header is wrong: {err}")))?;
        }
    }
    Ok(headers)
}

fn within(field: &str, seconds: u64, min: u64, max: u64) -> Result<u64, Refusal> {
    if (min..=max).contains(&seconds) {
        return Ok(seconds);
    }
    let words = format!("`{field}` is a whole number of seconds from {min} to {max}");
    Err(Refusal::new(Reason::BadField, words))
}

fn bad_payload(err: &serde_json::Error) -> Refusal {
    let words = format!("the payload is wrong: {}", excerpt(&err.to_string()));
    Refusal::new(Reason::BadPayload, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(channel: &str, event: &str, json: &str) -> Result<Publication, Refusal> {
        let channel = ChannelTopic::parse(channel).unwrap();
        Publication::of(&channel, event.to_owned(), Payload::Json(json))
    }

    fn draft(publication: Publication) -> Draft {
        match publication.content {
            Content::Raw(draft) => *draft,
            Content::Typed(..) => panic!("a type"),
        }
    }

    #[test]
    fn publish_says_everything_about_a_message() {
        let asked = of(
            "events:orders:*",
            "publish",
            r#"{"topic":"audit:a:b","event":"made","payload":{"n": 1.0},"originating_node":"x","correlation_id":"c",
                "causation_id":"d","schema_version":3,"reply_to":"events:answers:7","headers":{"A":"1","B":["2","3"]},
                "wait":5,"confirm":2,"confirm_within":7}"#,
        )
        .unwrap();
        assert_eq!((asked.instance, asked.topic().as_str()), (Instance::Audit, "a:b"));
        assert_eq!(
            (asked.assurance.wait, asked.assurance.confirm),
            (Some(Duration::from_secs(5)), Confirm::Peers(2))
        );
        assert_eq!(asked.assurance.within, Duration::from_secs(7));
        let draft = draft(asked);
        assert_eq!((&*draft.event, &*draft.payload), ("made", &b"{\"n\": 1.0}"[..]));
        assert_eq!(draft.originating_node, Some(NodeId::new("x").unwrap()));
        assert_eq!(
            (draft.correlation_id.as_deref(), draft.causation_id.as_deref()),
            (Some("c"), Some("d"))
        );
        assert_eq!(
            (draft.schema_version, draft.reply_to.as_deref()),
            (3, Some("events/answers:7"))
        );
        let headers: Vec<_> = draft.headers.view().iter().collect();
        assert_eq!(headers, [("A", "1"), ("B", "2"), ("B", "3")]);
    }

    #[test]
    fn what_is_left_out_is_the_channels_own() {
        let asked = of("events:orders", "publish", "{}").unwrap();
        assert_eq!(
            (asked.instance, asked.assurance.wait, asked.assurance.confirm),
            (Instance::Events, None, Confirm::Local)
        );
        let draft = draft(asked);
        assert_eq!((draft.topic.as_str(), &*draft.event), ("orders", "message"));
        assert_eq!((&*draft.payload, draft.content_type), (&b"{}"[..], ContentType::Json));
    }

    #[test]
    fn any_event_is_published_and_one_of_the_catalogue_is_of_its_type() {
        let plain = draft(of("events:orders", "made", "[1]").unwrap());
        assert_eq!((&*plain.event, &*plain.payload), ("made", &b"[1]"[..]));
        let typed = of("alerts:system_alerts", "system_alert", "{}").unwrap();
        assert!(matches!(typed.content, Content::Typed(found, ..) if found.tag == "system_alert"));
        // Of another instance.
        let plain = draft(of("events:system_alerts", "system_alert", "{}").unwrap());
        assert_eq!(&*plain.event, "system_alert");
        // The answer to a NATS client, and a member of a queue group.
        let answer = draft(of("events:a", "publish", r#"{"topic":"events:$nats:_INBOX:x:1"}"#).unwrap());
        assert_eq!(answer.topic.as_str(), "$nats:_INBOX:x:1");
        assert_eq!(
            of("events:$queue:w:orders", "made", "1").unwrap().topic().as_str(),
            "orders"
        );
        let channel = ChannelTopic::parse("events:orders").unwrap();
        let bytes = draft(Publication::of(&channel, "publish".to_owned(), Payload::Bytes(&[0, 255])).unwrap());
        assert_eq!((&*bytes.event, &*bytes.payload), ("publish", &[0, 255][..]));
        assert_eq!(bytes.content_type, ContentType::Bytes);
    }

    #[test]
    fn what_cannot_be_published_is_refused_in_words() {
        for (channel, event, json, reason, words) in [
            (
                "events:a",
                "publish",
                r#"{"topic":"alerts:$nats:x"}"#,
                Reason::ReservedTopic,
                "mesh itself",
            ),
            (
                "events:a",
                "publish",
                r#"{"reply_to":"events/a"}"#,
                Reason::BadField,
                "`reply_to` is wrong",
            ),
            (
                "events:a",
                "publish",
                r#"{"reply_to":"events:*"}"#,
                Reason::BadField,
                "one topic",
            ),
            (
                "events:a",
                "publish",
                r#"{"reply_to":"events:$queue:w:a"}"#,
                Reason::BadField,
                "one topic",
            ),
            (
                "events:a",
                "publish",
                r#"{"headers":{"A:":"x"}}"#,
                Reason::BadField,
                "a header is wrong",
            ),
            (
                "events:a",
                "publish",
                r#"{"headers":{"A":7}}"#,
                Reason::BadPayload,
                "the payload is wrong",
            ),
            ("events:*", "made", "{}", Reason::BadTopic, "push `publish`"),
            ("events:*", "publish", "{}", Reason::BadTopic, "name one `topic`"),
            ("events:a", "publish", r#"{"topic":"a"}"#, Reason::BadTopic, "one level"),
            (
                "events:a",
                "publish",
                r#"{"topic":"events:+"}"#,
                Reason::BadTopic,
                "has wildcards",
            ),
            (
                "events:a",
                "publish",
                r#"{"topic":"events:$bw:x"}"#,
                Reason::ReservedTopic,
                "mesh itself",
            ),
            ("events:$bw:x", "made", "{}", Reason::ReservedTopic, "mesh itself"),
            ("events:a", "publish", "[]", Reason::BadPayload, "the payload is wrong"),
            ("events:a", "publish", r#"{"evnet":"x"}"#, Reason::BadPayload, "evnet"),
            (
                "events:a",
                "publish",
                r#"{"wait":31}"#,
                Reason::BadField,
                "from 0 to 30",
            ),
            (
                "events:a",
                "publish",
                r#"{"confirm":"some"}"#,
                Reason::BadField,
                "none, local, all",
            ),
            (
                "events:a",
                "publish",
                r#"{"confirm_within":0}"#,
                Reason::BadField,
                "from 1 to 60",
            ),
            (
                "events:a",
                "publish",
                r#"{"originating_node":"A B"}"#,
                Reason::BadField,
                "originating_node",
            ),
            (
                "events:a",
                "phx_reply",
                "{}",
                Reason::BadPayload,
                "no event that a client sends",
            ),
        ] {
            let refusal = of(channel, event, json).unwrap_err();
            assert_eq!(refusal.reason, reason, "{channel} {event} {json}: {}", refusal.words);
            assert!(
                refusal.words.contains(words),
                "{channel} {event} {json}: {}",
                refusal.words
            );
        }
    }
}
