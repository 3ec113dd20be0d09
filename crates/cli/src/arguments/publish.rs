//! What may be typed of a message to publish.

use std::num::NonZeroU32;
use std::time::Duration;

use bellwether_client::{Assurance, Confirm};
use bellwether_message::{ContentType, Instance, NodeId, Topic};
use bytes::Bytes;
use clap::Args;

use super::headers::TypedHeaders;
use super::{TypedFormat, content_type, event, id, in_one_line, instance, node_id, topic};
use crate::commands::publish::{Publish, Target, What};
use crate::input::Source;
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(super) struct TypedPublish {
    /// One of the ten that `bellwether instances` lists
    #[arg(value_parser = instance)]
    instance: Instance,
    /// What it is about: levels joined by `:`, such as `orders:new`
    #[arg(value_parser = topic)]
    topic: Topic,
    /// The message's content: text, `@FILE`, or `@-` for standard input; left out, it is empty
    payload: Option<String>,
    /// Names the message's type, such as `critical_alert` [default: message]
    #[arg(long, value_name = "TAG", value_parser = event)]
    event: Option<String>,
    /// The node where the event arose, if not the one that publishes it
    #[arg(long, value_name = "NODE", value_parser = node_id)]
    originating_node: Option<NodeId>,
    /// Ties messages of one story together
    #[arg(long, value_name = "ID", value_parser = id)]
    correlation_id: Option<String>,
    /// The id of the message that led to this one
    #[arg(long, value_name = "ID", value_parser = id)]
    causation_id: Option<String>,
    /// Where an answer is expected: `INSTANCE/TOPIC`
    #[arg(long, value_name = "PLACE", value_parser = reply_to)]
    reply_to: Option<String>,
    #[command(flatten)]
    headers: TypedHeaders,
    /// What the content is [default: application/json for a JSON object or array, text/plain for other text,
    /// else application/octet-stream]
    #[arg(long, value_name = "TYPE", value_parser = content_type)]
    content_type: Option<ContentType>,
    /// Publish each line of this file, or of standard input (`-`), as a message of its own
    #[arg(long, value_name = "FILE", conflicts_with = "payload")]
    lines: Option<String>,
    /// At most this many lines a second, evenly spaced
    #[arg(long, value_name = "N", requires = "lines", conflicts_with = "payload")]
    rate: Option<NonZeroU32>,
    #[command(flatten)]
    care: TypedCare,
    #[command(flatten)]
    format: TypedFormat,
}

/// What is to be waited for, however a message is published.
#[derive(Debug, Args)]
pub(super) struct TypedCare {
    /// Wait for room before each message, at most so long [default: 30, the most], so that no peer or subscriber loses
    /// anything to this publisher's speed; a message for which there is none fails, and is not published
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "30",
        value_parser = clap::value_parser!(u64).range(0..=30)
    )]
    wait: Option<u64>,
    /// Who must hold a message: `none`, `local` (this node), `all` peers that want it, or so many of them [default:
    /// local]
    #[arg(long, value_name = "WHO", value_parser = confirm)]
    confirm: Option<Confirm>,
    /// Seconds that peers have to confirm a message, up to 60; then it fails, though it is published [default: 10]
    #[arg(long, value_name = "SECONDS", requires = "confirm", value_parser = clap::value_parser!(u64).range(1..=60))]
    confirm_within: Option<u64>,
}

impl From<TypedCare> for Assurance {
    fn from(typed: TypedCare) -> Self {
        let mut care = Self::default();
        if let Some(seconds) = typed.wait {
            care = care.wait(Duration::from_secs(seconds));
        }
        if let Some(confirm) = typed.confirm {
            care = care.confirm(confirm);
        }
        if let Some(seconds) = typed.confirm_within {
            care = care.within(Duration::from_secs(seconds));
        }
        care
    }
}

impl TypedPublish {
    pub(super) fn meaning(self, node: Reach) -> Result<Publish, clap::Error> {
        let headers = self.headers.meaning("pub")?;
        let what = match (self.lines, self.payload) {
            (Some(name), _) => What::Lines {
                source: Source::named(&name),
                rate: self.rate,
            },
            (None, Some(payload)) => match payload.strip_prefix('@') {
                Some(name) => What::Whole(Source::named(name)),
                None => What::Payload(payload.into()),
            },
            (None, None) => What::Payload(Bytes::new()),
        };
        Ok(Publish {
            node,
            target: Target {
                instance: self.instance,
                topic: self.topic,
                event: self.event,
                originating_node: self.originating_node,
                correlation_id: self.correlation_id,
                causation_id: self.causation_id,
                reply_to: self.reply_to,
                headers,
            },
            care: self.care.into(),
            content_type: self.content_type,
            what,
            format: self.format.format,
        })
    }
}

fn confirm(text: &str) -> Result<Confirm, String> {
    text.parse().map_err(in_one_line)
}

fn reply_to(text: &str) -> Result<String, String> {
    let (given_instance, given_topic) = text
        .split_once('/')
        .ok_or("write INSTANCE/TOPIC, such as `events/answers:7`")?;
    instance(given_instance)?;
    topic(given_topic)?;
    Ok(text.to_owned())
}
