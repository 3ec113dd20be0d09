//! `bellwether config`: checks and shows the configuration that a node would start with.

use std::path::PathBuf;

use bellwether::config::{EXAMPLE, Setting};
use bellwether::{Config, ConfigError, Layer};

use crate::failure::Failure;
use crate::logging;
use crate::output::{self, Output};

/// Where a node's configuration comes from, strongest first: flags, the environment, a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) flags: Layer,
    pub(crate) file: Option<PathBuf>,
}

impl Settings {
    /// What all three together mean. Asked again, they are read again.
    pub(crate) fn resolve(&self) -> Result<Config, Failure> {
        let config = Config::resolve(self.layer()?).map_err(Failure::usage)?;
        check_log(&config)?;
        Ok(config)
    }

    /// What all three together say.
    pub(crate) fn layer(&self) -> Result<Layer, Failure> {
        let file = match &self.file {
            Some(file) => Layer::read(file).map_err(Failure::usage)?,
            None => Layer::default(),
        };
        let environment = Layer::from_environment(std::env::vars_os()).map_err(Failure::usage)?;
        Ok(self.flags.clone().as_flags().over(environment).over(file))
    }
}

/// What a filter may be is for the program to know, which keeps the log.
fn check_log(config: &Config) -> Result<(), Failure> {
    let Some(given) = &config.log else { return Ok(()) };
    let Err(err) = logging::parse(given) else { return Ok(()) };
    let wrong = ConfigError::WrongType {
        setting: Setting {
            key: "log".to_owned(),
            origin: config.origin("log"),
        },
        expected: logging::A_FILTER.to_owned(),
        found: format!("`{}`: {err}", given.escape_debug()),
    };
    Err(Failure::usage(wrong))
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
