//! What may be typed of contexts.

use clap::Subcommand;
use clap::error::ErrorKind;

use super::{TypedFormat, examples, wrong};
use crate::commands::contexts::ContextCommand;
use crate::contexts::ContextName;
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(super) enum TypedContext {
    /// Keep what `--node`, `--token-file` or `--token`, and `--ca` say by a name, in place of what had it
    #[command(after_help = examples::CONTEXT)]
    Add {
        /// a-z, 0-9, `-` and `_`
        name: ContextName,
        /// What it is, for people
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// List all, and which is selected
    #[command(after_help = examples::CONTEXT)]
    List {
        #[command(flatten)]
        format: TypedFormat,
    },
    /// Show one, without its token
    #[command(after_help = examples::CONTEXT)]
    Show {
        /// Which one [default: the selected one]
        name: Option<ContextName>,
        #[command(flatten)]
        format: TypedFormat,
    },
    /// Use one from now on, where no other node is named
    #[command(after_help = examples::CONTEXT)]
    Select {
        /// Which one
        name: ContextName,
    },
    /// Forget one
    #[command(after_help = examples::CONTEXT)]
    Remove {
        /// Which one
        name: ContextName,
    },
    /// Check that one, or all, can be used
    #[command(after_help = examples::CONTEXT)]
    Validate {
        /// Which one [default: all]
        name: Option<ContextName>,
        /// Also ask the node
        #[arg(long)]
        connect: bool,
    },
}

impl TypedContext {
    pub(super) fn meaning(self, reach: Reach) -> Result<ContextCommand, clap::Error> {
        Ok(match self {
            Self::Add { name, description } => {
                let Some(node) = reach.node.clone() else {
                    let words = "a context is of a node: say which with `--node`";
                    return Err(wrong("context", ErrorKind::MissingRequiredArgument, words.to_owned()));
                };
                ContextCommand::Add {
                    name,
                    node,
                    reach,
                    description,
                }
            }
            Self::List { format } => ContextCommand::List(format.format),
            Self::Show { name, format } => ContextCommand::Show {
                name,
                format: format.format,
            },
            Self::Select { name } => ContextCommand::Select(name),
            Self::Remove { name } => ContextCommand::Remove(name),
            Self::Validate { name, connect } => ContextCommand::Validate { name, connect },
        })
    }
}
