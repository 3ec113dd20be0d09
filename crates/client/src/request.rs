//! Asking and answering: a message that says where its answer is expected.

use std::time::Duration;

use bellwether_message::{Draft, Instance, Pattern, Topic, TopicError};
use tokio::time::{Instant, timeout_at};

use crate::client::Client;
use crate::delivery::Delivery;
use crate::message::Message;
use crate::publish::PublishError;
use crate::subscription::{StreamError, SubscribeError, Subscription};

/// Where inboxes are. Not below `$`: those topics belong to the mesh, and no node lets a program publish there.
const INBOX_INSTANCE: Instance = Instance::Events;
const INBOX_LEVEL: &str = "_inbox";
/// The code of a node that knows of nobody who would hear a question.
const NO_RESPONDERS: &str = "no_responders";

impl Client {
    /// Asks, and waits for the first answer.
    ///
    /// Opens an [inbox](Self::inbox) for this one question; a program that asks often keeps one. The answer is published
    /// by another program to the topic that [`Message::reply_to`] names, anywhere in the mesh.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use bellwether_client::{Client, Draft, Instance, RequestError, Topic};
    ///
    /// # async fn run(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let question = Draft::new(Topic::new("prices:eur")?, "price_wanted").json(r#"{"sku":7}"#);
    /// match client.request(Instance::Events, &question, Duration::from_secs(2)).await {
    ///     Ok(answer) => println!("{}", answer.text()?),
    ///     Err(RequestError::NoResponders) => println!("nobody listens"),
    ///     Err(err) => return Err(err.into()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn request(
        &self,
        instance: Instance,
        question: &Draft,
        within: Duration,
    ) -> Result<Message, RequestError> {
        let deadline = Instant::now() + within;
        let asking = async {
            let mut inbox = self.inbox().await.map_err(|source| RequestError::Inbox { source })?;
            let asked = inbox.ask(instance, question).await?;
            inbox.answer(&asked, within).await
        };
        match timeout_at(deadline, asking).await {
            Ok(answered) => answered,
            Err(_) => Err(RequestError::TimedOut { waited: within }),
        }
    }

    /// A topic of one's own for answers, `events/_inbox:<random>:<number>`, subscribed on every node. Where access is
    /// restricted a program that asks needs `subscribe` on `_inbox:*` of `events`, and one that answers `publish`.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub async fn inbox(&self) -> Result<Inbox, SubscribeError> {
        let name = format!("{INBOX_LEVEL}:{:032x}", rand::random::<u128>());
        let pattern = Pattern::new(&format!("{name}:*")).map_err(|_| SubscribeError::NoPattern)?;
        let answers = self.subscribe([(INBOX_INSTANCE, pattern)]).open().await?;
        Ok(Inbox {
            client: self.clone(),
            name,
            answers,
            questions: 0,
        })
    }
}

/// Where the answers to a program's questions come. One question after the other; dropping it unsubscribes.
#[derive(Debug)]
pub struct Inbox {
    client: Client,
    name: String,
    answers: Subscription,
    questions: u64,
}

/// A question that was asked.
#[derive(Debug)]
pub struct Asked {
    topic: String,
}

impl Inbox {
    /// Publishes a question whose answers are expected here.
    ///
    /// # Errors
    /// [`RequestError::Publish`], or [`RequestError::NoResponders`] from a node that knows of nobody who would hear it.
    pub async fn ask(&mut self, instance: Instance, question: &Draft) -> Result<Asked, RequestError> {
        self.questions += 1;
        let topic = format!("{}:{}", self.name, self.questions);
        let question = question.clone().reply_to(format!("{INBOX_INSTANCE}/{topic}"));
        match self.client.publish(instance, &question).await {
            Ok(_) => Ok(Asked { topic }),
            Err(err) if err.call().and_then(|call| call.reason()) == Some(NO_RESPONDERS) => {
                Err(RequestError::NoResponders)
            }
            Err(source) => Err(RequestError::Publish { source }),
        }
    }

    /// The next answer to a question; those to earlier ones are passed over. May be called again for further answers.
    /// Cancel safe.
    ///
    /// # Errors
    /// [`RequestError::TimedOut`], or [`RequestError::Answers`].
    pub async fn answer(&mut self, asked: &Asked, within: Duration) -> Result<Message, RequestError> {
        let deadline = Instant::now() + within;
        loop {
            match timeout_at(deadline, self.answers.next()).await {
                Err(_) => return Err(RequestError::TimedOut { waited: within }),
                Ok(Some(Ok(Delivery::Message(answer)))) if answer.topic.as_str() == asked.topic => return Ok(answer),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(source))) => return Err(RequestError::Answers { source }),
                Ok(None) => return Err(RequestError::Closed),
            }
        }
    }
}

impl Message {
    /// An answer to this message, without a payload yet: where it is to be published, with this message as its cause.
    ///
    /// ```no_run
    /// use bellwether_client::{Client, Delivery, Instance, Pattern};
    ///
    /// # async fn run(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// // Of all programs of this group, anywhere in the mesh, one gets each question.
    /// let prices = Pattern::new("prices:*")?.in_queue("price-list")?;
    /// let mut questions = client.subscribe([(Instance::Events, prices)]).open().await?;
    /// while let Some(delivery) = questions.next().await {
    ///     if let Delivery::Message(question) = delivery?
    ///         && let Ok((instance, answer)) = question.reply("price")
    ///     {
    ///         client.publish(instance, &answer.json(r#"{"cents":995}"#)).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ReplyError`], if it expects no answer.
    pub fn reply(&self, event: impl Into<std::borrow::Cow<'static, str>>) -> Result<(Instance, Draft), ReplyError> {
        let address = self.reply_to.as_deref().ok_or(ReplyError::NotWanted)?;
        let (instance, topic) = address.split_once('/').ok_or(ReplyError::Malformed)?;
        let instance = instance.parse().map_err(|_| ReplyError::Malformed)?;
        let topic = Topic::new(topic).map_err(|source| ReplyError::Topic { source })?;
        let mut draft = Draft::new(topic, event).causation_id(self.id.to_string());
        draft.correlation_id.clone_from(&self.correlation_id);
        Ok((instance, draft))
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is nowhere for an answer to come; the question was not published.
    #[error("no inbox for the answer")]
    Inbox {
        /// Why.
        source: SubscribeError,
    },
    /// The question was not published, or nobody can say; see [`PublishError`].
    #[error(transparent)]
    Publish {
        /// Why.
        source: PublishError,
    },
    /// Nobody in the mesh subscribes to what was asked: nobody has heard it.
    #[error("nobody answers there: no program subscribes to this topic")]
    NoResponders,
    /// No answer came in time. The question may have been heard.
    #[error("no answer within {} ms", waited.as_millis())]
    TimedOut {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The inbox is over. The question may have been heard.
    #[error("the answer cannot be received")]
    Answers {
        /// Why.
        source: StreamError,
    },
    /// The inbox was over before.
    #[error("the inbox is closed")]
    Closed,
}

/// Why a message cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// Its publisher expects no answer.
    #[error("the message says no place for an answer (`reply_to`)")]
    NotWanted,
    /// The place is not `instance/topic`.
    #[error("the place for an answer is not written `instance/topic`")]
    Malformed,
    /// The topic of the place is none.
    #[error("the topic of the place for an answer is wrong")]
    Topic {
        /// What is wrong with it.
        source: TopicError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(reply_to: &str) -> Message {
        let json = format!(
            "{{\"id\":\"alerts/a/1/7\",\"instance\":\"alerts\",\"topic\":\"t\",\"event\":\"e\",\"originating_node\":\"b\",\
             \"reporting_node\":\"a\",\"timestamp\":\"2026-11-21T10:57:54.123Z\",\"correlation_id\":\"story\",\
             \"causation_id\":null,\"schema_version\":1,\"content_type\":\"text/plain\",\"signed\":true,{reply_to}\"payload\":\"\"}}"
        );
        Message::of(&json.into()).unwrap()
    }

    #[test]
    fn an_answer_goes_where_it_is_expected_and_names_its_cause() {
        let question = message("\"reply_to\":\"events/_inbox:x:1\",");
        let (instance, answer) = question.reply("answer").unwrap();
        assert_eq!((instance, answer.topic.as_str()), (Instance::Events, "_inbox:x:1"));
        assert_eq!(answer.correlation_id.as_deref(), Some("story"));
        assert_eq!(answer.causation_id.as_deref(), Some("alerts/a/1/7"));
    }

    #[test]
    fn a_message_that_says_no_place_is_not_answered() {
        let refused = |place: &str| message(place).reply("answer").unwrap_err();
        assert_eq!(refused(""), ReplyError::NotWanted);
        for place in ["nowhere", "nothing/t"] {
            assert_eq!(
                refused(&format!("\"reply_to\":\"{place}\",")),
                ReplyError::Malformed,
                "{place}"
            );
        }
        assert!(matches!(
            refused("\"reply_to\":\"events/a::b\","),
            ReplyError::Topic { .. }
        ));
    }
}
