//! What may be typed of questions and answers.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use bellwether_message::{ContentType, Instance, Pattern, Topic};
use clap::Args;
use clap::error::ErrorKind;

use super::headers::TypedHeaders;
use super::{TypedFormat, content_type, event, in_queue, instance, topic, wrong};
use crate::commands::publish::Target;
use crate::commands::reply::{Answer, Reply};
use crate::commands::request::Request;
use crate::duration;
use crate::input::Given;
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(super) struct TypedRequest {
    /// One of the ten that `bellwether instances` lists
    #[arg(value_parser = instance)]
    instance: Instance,
    /// What is asked: levels joined by `:`, such as `prices:eur`
    #[arg(value_parser = topic)]
    topic: Topic,
    /// The question: text, `@FILE`, or `@-` for standard input; left out, it is empty
    payload: Option<String>,
    /// How long answers may take, such as `500ms` or `2s`
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse)]
    timeout: Duration,
    /// So many answers are expected
    #[arg(long, value_name = "N", default_value = "1")]
    replies: NonZeroU64,
    /// Names the message's type [default: message]
    #[arg(long, value_name = "TAG", value_parser = event)]
    event: Option<String>,
    /// What the content is [default: as `bellwether pub` tells it]
    #[arg(long, value_name = "TYPE", value_parser = content_type)]
    content_type: Option<ContentType>,
    #[command(flatten)]
    headers: TypedHeaders,
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedRequest {
    pub(super) fn meaning(self, node: Reach) -> Result<Request, clap::Error> {
        let headers = self.headers.meaning("request")?;
        Ok(Request {
            node,
            target: Target {
                instance: self.instance,
                topic: self.topic,
                event: self.event,
                originating_node: None,
                correlation_id: None,
                causation_id: None,
                reply_to: None,
                headers,
            },
            content_type: self.content_type,
            question: Given::payload(self.payload),
            within: self.timeout,
            replies: self.replies,
            format: self.format.format,
        })
    }
}

#[derive(Debug, Args)]
pub(super) struct TypedReply {
    /// One of the ten that `bellwether instances` lists
    #[arg(value_parser = instance)]
    instance: Instance,
    /// What is answered: a pattern of topics, as `bellwether sub` takes it
    #[arg(value_parser = pattern)]
    pattern: Pattern,
    /// The answer to everything: text, `@FILE`, or `@-` for standard input
    #[arg(required_unless_present_any = ["command", "echo"])]
    payload: Option<String>,
    /// Answer with what this command prints: it is run by the shell for each question, which it reads from standard
    /// input, with BELLWETHER_TOPIC, _INSTANCE, _EVENT, _ID, _REPLY_TO, _CORRELATION_ID, _CONTENT_TYPE,
    /// _ORIGINATING_NODE and _REPORTING_NODE in its environment; if it fails there is no answer
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["payload", "echo"])]
    command: Option<String>,
    /// Answer with the question itself
    #[arg(long, conflicts_with = "payload")]
    echo: bool,
    /// Share the questions with all other subscribers of the mesh that name this group and the same pattern: each goes
    /// to one of them
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// So many questions are answered at once; further ones wait at the node
    #[arg(long, value_name = "N", default_value = "8")]
    jobs: NonZeroUsize,
    /// A command may run for so long; then it is ended, and there is no answer
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    timeout: Duration,
    /// End after this many questions
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedReply {
    pub(super) fn meaning(self, node: Reach) -> Result<Reply, clap::Error> {
        let answer = match (self.command, self.echo) {
            (Some(command), _) => Answer::Command {
                command,
                longest: self.timeout,
            },
            (None, true) => Answer::Echo,
            (None, false) => Answer::Payload(Given::payload(self.payload)),
        };
        let pattern = match &self.queue {
            None => self.pattern,
            Some(name) => {
                in_queue(&self.pattern, name).map_err(|words| wrong("reply", ErrorKind::ValueValidation, words))?
            }
        };
        Ok(Reply {
            node,
            instance: self.instance,
            pattern,
            answer,
            jobs: self.jobs,
            count: self.count,
            format: self.format.format,
        })
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(super::in_one_line)
}
