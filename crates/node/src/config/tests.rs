mod a_file;
mod defaults;
mod layers;
mod rules;
mod shown;
mod the_access;
mod the_changes;
mod the_doors;
mod the_environment;
mod the_example;
mod the_integration;
mod the_thresholds;

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;

use super::*;

const SECRET: &str = "a-secret-of-the-cluster-with-enough-bytes";

fn file(text: &str) -> Result<Layer, ConfigError> {
    Layer::from_toml(text, Path::new("bellwether.toml"))
}

fn environment(vars: &[(&str, &str)]) -> Result<Layer, ConfigError> {
    Layer::from_environment(vars.iter().copied())
}

/// What `text` resolves to, with a secret.
fn resolve(text: &str) -> Result<Config, ConfigError> {
    Config::resolve(environment(&[("SECRET_KEY_BASE", SECRET)])?.over(file(text)?))
}

fn refusal<T>(result: Result<T, ConfigError>) -> String {
    result.err().expect("this should have been refused").to_string()
}

fn local() -> Config {
    Config::new(NodeId::new("a").unwrap())
}
