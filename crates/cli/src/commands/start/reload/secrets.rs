//! The cluster secrets of a node that runs.

use anyhow::Context;
use bellwether::{Config, Node};
use bellwether_gateway::Reloaded;

/// What is said of them. They come from a file or the environment, so it is no key of a file.
const SECRETS: &str = "secrets";

/// Gives the node the secrets that were read, if they are others; they are then in `taken`, too. The doors follow the node.
pub(super) fn take_over(
    node: &Node,
    newer: &Config,
    taken: &mut Config,
    reloaded: &mut Reloaded,
) -> anyhow::Result<()> {
    if taken.secrets.is_same(&newer.secrets) {
        reloaded.unchanged += 1;
    } else if taken.secrets.is_empty() || newer.secrets.is_empty() {
        // A node without a mesh cannot become one with a mesh.
        reloaded.needs_restart.push(SECRETS.to_owned());
    } else {
        node.replace_secrets(&newer.secrets)
            .context("the secrets cannot be replaced")?;
        taken.secrets = newer.secrets.clone();
        reloaded.changed.push(SECRETS.to_owned());
    }
    Ok(())
}
