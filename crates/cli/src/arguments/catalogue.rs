//! What may be typed about typed messages and broadcasts.

use bellwether::catalogue::Broadcast as Helper;
use bellwether_client::TypedDraft;
use bellwether_message::{Instance, Topic};
use clap::{Args, Subcommand};

use super::publish::TypedCare;
use super::{TypedFormat, examples, id, instance, topic};
use crate::commands::broadcast::{Broadcast, Calls};
use crate::commands::catalogue::{Catalogue, Form, Subject};
use crate::commands::integration::{Integration, Wish};
use crate::commands::say::Say;
use crate::commands::validate::Validate;
use crate::input::{Given, Source};
use crate::nearest::nearest;
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(super) struct TypedCatalogue {
    /// An instance, a tag such as `node_health_updated`, or the name of a type such as `NodeHealth`
    #[arg(value_name = "INSTANCE|TAG|TYPE", value_parser = Subject::parse)]
    subject: Option<Subject>,
    /// Print JSON Schema (draft 2020-12) of the type; of an instance, a list
    #[arg(long, conflicts_with = "example")]
    json_schema: bool,
    /// Print an example of the type; of an instance, a list
    #[arg(long)]
    example: bool,
    #[command(flatten)]
    format: TypedFormat,
}

impl From<TypedCatalogue> for Catalogue {
    fn from(typed: TypedCatalogue) -> Self {
        Self {
            subject: typed.subject.unwrap_or(Subject::Everything),
            form: match (typed.json_schema, typed.example) {
                (true, _) => Form::JsonSchema,
                (_, true) => Form::Example,
                _ => Form::Description(typed.format.format),
            },
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct TypedValidate {
    /// One of the ten that `bellwether instances` lists; `events` has no types
    #[arg(value_parser = instance)]
    instance: Instance,
    /// The tag or the name of the type
    #[arg(value_name = "TYPE")]
    tag: String,
    /// The message: JSON, `@FILE`, or `@-` for standard input
    json: Option<String>,
    #[command(flatten)]
    format: TypedFormat,
}

impl From<TypedValidate> for Validate {
    fn from(typed: TypedValidate) -> Self {
        Self {
            instance: typed.instance,
            tag: typed.tag,
            given: Given::named(typed.json),
            format: typed.format.format,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct TypedSay {
    /// One of the ten that `bellwether instances` lists; `events` has no types
    #[arg(value_parser = instance)]
    instance: Instance,
    /// The tag or the name of the type
    #[arg(value_name = "TYPE")]
    tag: String,
    /// The message: JSON, `@FILE`, or `@-` for standard input
    json: Option<String>,
    /// Where it goes, if not on the usual topic of its type
    #[arg(long, value_parser = topic)]
    topic: Option<Topic>,
    /// Ties messages of one story together
    #[arg(long, value_name = "ID", value_parser = id)]
    correlation_id: Option<String>,
    /// The id of the message that led to this one
    #[arg(long, value_name = "ID", value_parser = id)]
    causation_id: Option<String>,
    #[command(flatten)]
    care: TypedCare,
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedSay {
    pub(super) fn meaning(self, node: Reach) -> Say {
        Say {
            node,
            target: TypedDraft {
                topic: self.topic,
                correlation_id: self.correlation_id,
                causation_id: self.causation_id,
                ..TypedDraft::new(self.instance, self.tag)
            },
            care: self.care.into(),
            given: Given::named(self.json),
            format: self.format.format,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct TypedBroadcast {
    /// One of system_lifecycle, system_config, store_health, health_update, cluster_health, metrics, alert, audit_event,
    /// lifecycle_event, diagnostic
    #[arg(value_parser = helper, required_unless_present = "batch")]
    helper: Option<&'static str>,
    /// Its arguments: a JSON object, `@FILE`, or `@-` for standard input
    json: Option<String>,
    /// Make the calls that stand in this file, or standard input (`-`), as a JSON list; at most 10,000
    #[arg(long, value_name = "FILE", conflicts_with_all = ["helper", "json"])]
    batch: Option<String>,
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedBroadcast {
    pub(super) fn meaning(self, node: Reach) -> Broadcast {
        let calls = match (self.helper, self.batch) {
            (Some(helper), _) => Calls::One {
                helper,
                arguments: Given::named(self.json),
            },
            // clap asks for one of the two.
            (None, file) => {
                let file = file.unwrap_or_default();
                Calls::Batch(Source::named(file.strip_prefix('@').unwrap_or(&file)))
            }
        };
        Broadcast {
            node,
            calls,
            format: self.format.format,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum TypedIntegration {
    /// Print whether helpers and reporters publish, how often, and how many broadcasts there were
    #[command(after_help = examples::INTEGRATION)]
    Status {
        #[command(flatten)]
        format: TypedFormat,
    },
    /// Let them publish, until the node stops
    #[command(after_help = examples::INTEGRATION)]
    Enable {
        #[command(flatten)]
        format: TypedFormat,
    },
    /// Keep them silent, until the node stops
    #[command(after_help = examples::INTEGRATION)]
    Disable {
        #[command(flatten)]
        format: TypedFormat,
    },
}

impl TypedIntegration {
    pub(super) fn meaning(self, node: Reach) -> Integration {
        let (wish, format) = match self {
            Self::Status { format } => (Wish::Status, format),
            Self::Enable { format } => (Wish::Enable, format),
            Self::Disable { format } => (Wish::Disable, format),
        };
        Integration {
            node,
            wish,
            format: format.format,
        }
    }
}

fn helper(text: &str) -> Result<&'static str, String> {
    let known = Helper::NAMES.into_iter().find(|name| *name == text);
    known.ok_or_else(|| match nearest(text, Helper::NAMES) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there are {}", Helper::NAMES.join(", ")),
    })
}
