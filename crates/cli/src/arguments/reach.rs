//! What may be typed of the node to talk to.

use std::path::PathBuf;

use bellwether_client::NodeAddress;
use clap::Args;

use super::AFTER_THE_COMMANDS_OWN;
use crate::contexts::ContextName;
use crate::reach::{Identity, Reach};

/// Which node, and as whom. What is not typed may stand in the environment or in a context.
#[derive(Debug, Args)]
pub(super) struct TypedReach {
    /// The node to talk to: `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH` [env: BELLWETHER_NODE] [default:
    /// http://127.0.0.1:7480]
    #[arg(long, global = true, display_order = AFTER_THE_COMMANDS_OWN, value_name = "URL")]
    node: Option<NodeAddress>,
    /// Say who this is, by a file with a token [env: BELLWETHER_TOKEN_FILE]
    #[arg(long, global = true, display_order = AFTER_THE_COMMANDS_OWN, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The same by the token itself, which other users of this host may see [env: BELLWETHER_TOKEN]
    #[arg(long, global = true, display_order = AFTER_THE_COMMANDS_OWN)]
    token: Option<String>,
    /// Believe the authorities in this PEM file only [env: BELLWETHER_CA] [default: those of the system]
    #[arg(long, global = true, display_order = AFTER_THE_COMMANDS_OWN, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Talk to the node of a context, see `bellwether context` [env: BELLWETHER_CONTEXT] [default: the selected one]
    #[arg(long, global = true, display_order = AFTER_THE_COMMANDS_OWN, value_name = "NAME")]
    context: Option<ContextName>,
}

impl TypedReach {
    pub(super) fn meaning(self) -> Reach {
        Reach {
            node: self.node,
            identity: self.token.map(Identity::Token).or(self.token_file.map(Identity::File)),
            ca: self.ca,
            context: self.context,
        }
    }
}
