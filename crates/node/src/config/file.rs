//! The weakest layer: a TOML file.

use std::fs;
use std::path::Path;

use bellwether_message::Instance;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, hint};
use super::layer::{INSTANCE_KEYS, InstanceLayer, KEYS, Layer, instance_key};
use super::origin::{Origin, Setting, list_of};
use super::secrets::SecretSource;

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
            "data_dir" => self.data_dir = Some(entry.text()?.into()),
            "secret_file" => self.secret = Some(SecretSource::File(entry.text()?.into())),
            "gossip_interval_ms" => self.gossip_interval_ms = Some(entry.number()?),
            "drain_timeout_ms" => self.drain_timeout_ms = Some(entry.number()?),
            "seeds" => {
                let mut seeds = Vec::new();
                for (index, element) in entry.list()?.iter().enumerate() {
                    let element = source.element(&entry, index, element);
                    seeds.push(element.text()?);
                    self.origins.insert(element.path, element.origin);
                }
                self.seeds = Some(seeds);
            }
            "instances" => {
                for entry in source.entries(entry.table()?, "instances.") {
                    self.take_instance(source, &entry)?;
                }
                return Ok(());
            }
            _ => return Err(source.unknown_key(&entry, unknown_top_level_hint(entry.key))),
        }
        self.origins.insert(entry.path, entry.origin);
        Ok(())
    }

    fn take_instance(&mut self, source: &Source<'_>, entry: &Entry<'_>) -> Result<(), ConfigError> {
        let instance = instance(entry.key).map_err(|hint| ConfigError::UnknownInstance {
            file: source.file.to_owned(),
            line: entry.line,
            name: entry.key.to_owned(),
            hint,
        })?;
        let mut layer = InstanceLayer::default();
        for entry in source.entries(entry.table()?, &instance_key(instance, "")) {
            if entry.key == "overflow" {
                layer.overflow = Some(entry.text()?);
            } else if let Some(number) = layer.number_mut(entry.key) {
                *number = Some(entry.number()?);
            } else {
                return Err(source.unknown_key(&entry, unknown_in_instance_hint(instance, entry.key)));
            }
            self.origins.insert(entry.path, entry.origin);
        }
        self.instances.insert(instance, layer);
        Ok(())
    }
}

/// The text being read and its name.
struct Source<'a> {
    text: &'a str,
    file: &'a Path,
}

impl<'a> Source<'a> {
    /// The line, from 1, of a byte position.
    fn line(&self, position: usize) -> usize {
        let before = &self.text.as_bytes()[..position.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// The entries of a table in the order of the text, so that the first mistake is reported first.
    fn entries(&self, table: &'a DeTable<'a>, prefix: &str) -> Vec<Entry<'a>> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&'a Spanned<_>, &'a Spanned<_>)| {
            let name: &'a std::borrow::Cow<'a, str> = key.get_ref();
            self.entry(format!("{prefix}{name}"), name, key.span().start, value)
        };
        entries.into_iter().map(entry).collect()
    }

    fn element(&self, list: &Entry<'a>, index: usize, value: &'a Spanned<DeValue<'a>>) -> Entry<'a> {
        self.entry(format!("{}[{index}]", list.path), list.key, value.span().start, value)
    }

    fn entry(&self, path: String, key: &'a str, position: usize, value: &'a Spanned<DeValue<'a>>) -> Entry<'a> {
        let line = self.line(position);
        let origin = Origin::File {
            file: self.file.to_owned(),
            line,
        };
        Entry {
            path,
            key,
            line,
            origin,
            value: value.get_ref(),
        }
    }

    fn unknown_key(&self, entry: &Entry<'_>, hint: String) -> ConfigError {
        ConfigError::UnknownKey {
            file: self.file.to_owned(),
            line: entry.line,
            key: entry.path.clone(),
            hint,
        }
    }
}

/// One `key = value`, or one element of a list.
struct Entry<'a> {
    path: String,
    key: &'a str,
    line: usize,
    origin: Origin,
    value: &'a DeValue<'a>,
}

impl<'a> Entry<'a> {
    fn text(&self) -> Result<String, ConfigError> {
        self.value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.wrong_type("a text in quotes"))
    }

    fn list(&self) -> Result<&'a [Spanned<DeValue<'a>>], ConfigError> {
        self.value
            .as_array()
            .map(|list| &**list)
            .ok_or_else(|| self.wrong_type("a list of texts, [\"…\", \"…\"]"))
    }

    fn table(&self) -> Result<&'a DeTable<'a>, ConfigError> {
        self.value
            .as_table()
            .ok_or_else(|| self.wrong_type("a table, [instances.NAME] with settings below it"))
    }

    fn number(&self) -> Result<u64, ConfigError> {
        let number = self
            .value
            .as_integer()
            .and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        number.ok_or_else(|| self.wrong_type("a whole number without quotes, 0 or more"))
    }

    /// Only a number is shown: a text in the wrong place may be a secret.
    fn wrong_type(&self, expected: &'static str) -> ConfigError {
        let found = match self.value {
            DeValue::String(_) => "a text".to_owned(),
            DeValue::Integer(number) => format!("the number {number}"),
            DeValue::Float(number) => format!("the number {number}"),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(_) => "a date or time".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        let setting = Setting {
            key: list_of(&self.path).to_owned(),
            origin: self.origin.clone(),
        };
        ConfigError::WrongType {
            setting,
            expected,
            found,
        }
    }
}

/// The instance that a table is named after, else what to tell. The original's prefixed names are not taken: a file has
/// one spelling, so that no instance occurs twice.
fn instance(name: &str) -> Result<Instance, String> {
    let meant = match name.parse::<Instance>() {
        Ok(instance) if instance.name() == name => return Ok(instance),
        Ok(instance) => Some(instance),
        Err(error) => error.meant(),
    };
    Err(match meant {
        Some(instance) => format!("did you mean `{instance}`?"),
        None => format!("the ten are {}", Instance::ALL.map(Instance::name).join(", ")),
    })
}

fn unknown_top_level_hint(key: &str) -> String {
    if let Ok(instance) = key.parse::<Instance>() {
        return format!("the table of that instance is `instances.{instance}`");
    }
    if INSTANCE_KEYS.contains(&key) {
        return format!("it belongs in the table of an instance, such as `instances.events.{key}`");
    }
    hint("", key, KEYS.into_iter().chain(["instances"]))
}

fn unknown_in_instance_hint(instance: Instance, key: &str) -> String {
    if KEYS.contains(&key) {
        return format!("`{key}` belongs above the first [table] of the file");
    }
    hint(&instance_key(instance, ""), key, INSTANCE_KEYS)
}
