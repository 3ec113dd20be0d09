//! The cluster secrets of a node that runs: the one place where they would be taken over.

use bellwether::Config;
use bellwether_gateway::Reloaded;

/// What is said of them. They come from a file or the environment, so it is no key of a file.
const SECRETS: &str = "secrets";

/// They were read with the configuration, and are judged. Those of the mesh are still taken at the start only, so that they
/// need a restart where they are others; and so do the tokens' keys, which are made of them: a node must not verify by keys
/// that it does not sign by.
pub(super) fn take_over(older: &Config, newer: &Config, reloaded: &mut Reloaded) {
    match older.secrets.is_same(&newer.secrets) {
        true => reloaded.unchanged += 1,
        false => reloaded.needs_restart.push(SECRETS.to_owned()),
    }
}
