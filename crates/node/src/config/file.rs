//! The weakest layer: a TOML file.

mod access;
mod hints;
mod source;

use std::fs;
use std::path::Path;

use toml::de::DeTable;

use self::source::{Entry, Source};
use super::definition::{Definition, tables};
use super::error::ConfigError;
use super::layer::{InstanceLayer, Layer, instance_key};
use super::secrets::SecretSource;
use super::thresholds::ThresholdLayer;

const TEXTS: &str = "a list of texts, [\"…\", \"…\"]";
const INSTANCE_TABLE: &str = "a table, [instances.NAME] with settings below it";
const THRESHOLD_TABLES: &str = "a list of tables, [[thresholds]] with settings below each";

impl Layer {
    /// Reads and parses a configuration file, see [`EXAMPLE`](super::EXAMPLE).
    ///
    /// # Errors
    /// When the file cannot be read, and as [`Layer::from_toml`].
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        Self::from_toml(&text, file)
    }

    /// Parses the text of a configuration file; `file` is only its name in errors.
    ///
    /// # Errors
    /// Text that is not TOML, an unknown key or instance, a value of the wrong type: each with its line, the first in
    /// the file first. Bounds and addresses are judged later, by [`Config::resolve`](super::Config::resolve).
    pub fn from_toml(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let source = Source { text, file };
        let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            file: file.to_owned(),
            line: source.line(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let mut layer = Self::default();
        for entry in source.entries(table.get_ref(), "") {
            layer.take(&source, entry)?;
        }
        Ok(layer)
    }

    fn take(&mut self, source: &Source<'_>, entry: Entry<'_>) -> Result<(), ConfigError> {
        match entry.key {
            "name" => self.name = Some(entry.text()?),
            "cluster" => self.cluster = Some(entry.text()?),
            "listen" => self.listen = Some(entry.text()?),
            "advertise" => self.advertise = Some(entry.text()?),
            "http" => self.http = Some(entry.text()?),
            "nats" => self.nats = Some(entry.text()?),
            "nats_advertise" => self.nats_advertise = Some(entry.text()?),
            "socket" => self.socket = Some(entry.text()?.into()),
            "tls_certificate" => self.tls_certificate = Some(entry.text()?.into()),
            "tls_key" => self.tls_key = Some(entry.text()?.into()),
            "insecure_doors" => self.insecure_doors = Some(entry.flag()?),
            "http_hosts" => self.http_hosts = Some(self.take_texts(source, &entry)?),
            "data_dir" => self.data_dir = Some(entry.text()?.into()),
            "secret_file" => self.secret = Some(SecretSource::File(entry.text()?.into())),
            "gossip_interval_ms" => self.gossip_interval_ms = Some(entry.number()?),
            "drain_timeout_ms" => self.drain_timeout_ms = Some(entry.number()?),
            "log" => self.log = Some(entry.text()?),
            "seeds" => self.seeds = Some(self.take_texts(source, &entry)?),
            "access" => self.take_access(source, &entry)?,
            "limits" => return self.take_limits(source, &entry),
            "instances" => {
                for entry in source.entries(entry.table(INSTANCE_TABLE)?, "instances.") {
                    self.take_instance(source, &entry)?;
                }
                return Ok(());
            }
            "thresholds" => self.take_thresholds(source, &entry)?,
            table if tables().contains(&table) => return self.take_table(source, &entry),
            _ => return Err(source.unknown_key(&entry, hints::above_the_tables(entry.key))),
        }
        self.origins.insert(entry.path, entry.origin);
        Ok(())
    }

    fn take_texts(&mut self, source: &Source<'_>, list: &Entry<'_>) -> Result<Vec<String>, ConfigError> {
        let mut texts = Vec::new();
        for (index, element) in list.list(TEXTS)?.iter().enumerate() {
            let element = source.element(list, index, element);
            texts.push(element.text()?);
            self.origins.insert(element.path, element.origin);
        }
        Ok(texts)
    }

    fn take_instance(&mut self, source: &Source<'_>, entry: &Entry<'_>) -> Result<(), ConfigError> {
        let instance = hints::instance(entry.key).map_err(|hint| ConfigError::UnknownInstance {
            file: source.file.to_owned(),
            line: entry.line,
            name: entry.key.to_owned(),
            hint,
        })?;
        let mut layer = InstanceLayer::default();
        for entry in source.entries(entry.table(INSTANCE_TABLE)?, &instance_key(instance, "")) {
            if entry.key == "overflow" {
                layer.overflow = Some(entry.text()?);
            } else if let Some(number) = layer.number_mut(entry.key) {
                *number = Some(entry.number()?);
            } else {
                return Err(source.unknown_key(&entry, hints::in_instance(instance, entry.key)));
            }
            self.origins.insert(entry.path, entry.origin);
        }
        self.instances.insert(instance, layer);
        Ok(())
    }
    /// A table whose settings are defined: `reporters`.
    fn take_table(&mut self, source: &Source<'_>, table: &Entry<'_>) -> Result<(), ConfigError> {
        let expected = format!("a table, [{}] with settings below it", table.key);
        for entry in source.entries(table.table(&expected)?, &format!("{}.", table.key)) {
            let Some(definition) = Definition::of(&entry.path) else {
                return Err(source.unknown_key(&entry, hints::in_table(table.key, entry.key)));
            };
            self.integration.insert(definition, entry.value(definition.form())?);
            self.origins.insert(entry.path, entry.origin);
        }
        Ok(())
    }

    fn take_thresholds(&mut self, source: &Source<'_>, list: &Entry<'_>) -> Result<(), ConfigError> {
        let mut thresholds = Vec::new();
        for (index, element) in list.list(THRESHOLD_TABLES)?.iter().enumerate() {
            let element = source.element(list, index, element);
            thresholds.push(self.take_threshold(source, &element)?);
            self.origins.insert(element.path, element.origin);
        }
        self.thresholds = Some(thresholds);
        Ok(())
    }

    fn take_threshold(&mut self, source: &Source<'_>, table: &Entry<'_>) -> Result<ThresholdLayer, ConfigError> {
        let mut layer = ThresholdLayer::default();
        for entry in source.entries(table.table(THRESHOLD_TABLES)?, &format!("{}.", table.path)) {
            match entry.key {
                "id" => layer.id = Some(entry.text()?),
                "metric_name" => layer.metric_name = Some(entry.text()?),
                "component" => layer.component = Some(entry.text()?),
                "kind" => layer.kind = Some(entry.text()?),
                "warning" => layer.warning = Some(entry.decimal()?),
                "critical" => layer.critical = Some(entry.decimal()?),
                "sustained" => layer.sustained = Some(entry.number()?),
                "hysteresis" => layer.hysteresis = Some(entry.decimal()?),
                _ => return Err(source.unknown_key(&entry, hints::in_threshold(entry.key))),
            }
            self.origins.insert(entry.path, entry.origin);
        }
        Ok(layer)
    }
}
