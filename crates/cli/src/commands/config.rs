//! `bellwether config`: checks and shows the configuration that a node would start with.

use std::path::PathBuf;

use bellwether::config::EXAMPLE;
use bellwether::{Config, Layer};

use crate::failure::Failure;
use crate::output::{self, Output};

/// Where a node's configuration comes from, strongest first: flags, the environment, a file.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) flags: Layer,
    pub(crate) file: Option<PathBuf>,
}

impl Settings {
    /// What all three together mean.
    pub(crate) fn resolve(self) -> Result<Config, Failure> {
        Config::resolve(self.layer()?).map_err(Failure::usage)
    }

    /// What all three together say.
    pub(crate) fn layer(self) -> Result<Layer, Failure> {
        let file = match &self.file {
            Some(file) => Layer::read(file).map_err(Failure::usage)?,
            None => Layer::default(),
        };
        let environment = Layer::from_environment(std::env::vars_os()).map_err(Failure::usage)?;
        Ok(self.flags.as_flags().over(environment).over(file))
    }
}

/// Prints `ok`, or fails with what is wrong.
pub(crate) fn check(settings: Settings) -> Result<(), Failure> {
    settings.resolve()?;
    output::print("ok")
}

/// Prints the effective configuration, without secrets.
pub(crate) fn show(settings: Settings) -> Result<(), Failure> {
    let config = settings.resolve()?;
    let mut output = Output::stdout();
    output.text(&config.to_toml())?;
    output.flush()
}

/// Prints a configuration file that explains every key.
pub(crate) fn show_example() -> Result<(), Failure> {
    let mut output = Output::stdout();
    output.text(EXAMPLE)?;
    output.flush()
}
