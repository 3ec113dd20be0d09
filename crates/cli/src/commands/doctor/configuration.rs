//! Whether a node can start with its configuration.

use std::path::Path;

use bellwether::Config;

use super::finding::{Finding, Verdict};
use crate::failure::Failure;

const CHECK: &str = "configuration";

/// Gives the configuration back, if it is one.
pub(super) fn check(resolved: Result<Config, Failure>, file: Option<&Path>) -> (Finding, Option<Config>) {
    match resolved {
        Ok(config) => (Finding::ok(CHECK, words(&config, file)), Some(config)),
        Err(failure) => {
            let found = format!("{:#}", failure.into_error());
            let advice = "correct it until `bellwether config check` says ok; `bellwether config show --example` \
                          explains every key";
            let finding = Finding::bad(CHECK, Verdict::Critical, found, "a node does not start with it", advice);
            (finding, None)
        }
    }
}

fn words(config: &Config, file: Option<&Path>) -> String {
    let from = match file {
        Some(file) => format!("{}: ", file.display()),
        None => "no file is given: ".to_owned(),
    };
    let mesh = match config.secrets.is_empty() {
        true => "without a mesh".to_owned(),
        false => format!("in cluster {}, listening on {}", config.cluster, config.listen),
    };
    format!("{from}node {} {mesh}", config.name)
}

#[cfg(test)]
mod tests {
    use bellwether::NodeId;

    use super::*;

    #[test]
    fn what_is_wrong_is_told_as_the_node_would() {
        let good = check(Ok(Config::new(NodeId::new("a").unwrap())), None);
        assert_eq!(
            (good.0.verdict, good.0.found.as_str()),
            (Verdict::Ok, "no file is given: node a without a mesh")
        );
        assert!(good.1.is_some());
        let wrong = anyhow::anyhow!("--listen: the port is missing");
        let (finding, config) = check(Err(Failure::usage(wrong)), Some(Path::new("b.toml")));
        assert_eq!(
            (finding.verdict, finding.found.as_str()),
            (Verdict::Critical, "--listen: the port is missing")
        );
        assert!(config.is_none());
    }
}
