//! The text of a configuration file, taken apart into keys and values that know their lines.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::definition::{Form, Value};
use crate::config::error::ConfigError;
use crate::config::origin::{Origin, Setting, without_index};

/// The text being read and its name.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) file: &'a Path,
}

impl<'a> Source<'a> {
    /// The line, from 1, of a byte position.
    pub(super) fn line(&self, position: usize) -> usize {
        let before = &self.text.as_bytes()[..position.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// The entries of a table in the order of the text, so that the first mistake is reported first.
    pub(super) fn entries(&self, table: &'a DeTable<'a>, prefix: &str) -> Vec<Entry<'a>> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&'a Spanned<_>, &'a Spanned<_>)| {
            let name: &'a std::borrow::Cow<'a, str> = key.get_ref();
            self.entry(format!("{prefix}{name}"), name, key.span().start, value)
        };
        entries.into_iter().map(entry).collect()
    }

    /// One element of a list.
    pub(super) fn element(&self, list: &Entry<'a>, index: usize, value: &'a Spanned<DeValue<'a>>) -> Entry<'a> {
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

    pub(super) fn unknown_key(&self, entry: &Entry<'_>, hint: String) -> ConfigError {
        ConfigError::UnknownKey {
            file: self.file.to_owned(),
            line: entry.line,
            key: without_index(&entry.path),
            hint,
        }
    }
}

/// One `key = value`, or one element of a list.
pub(super) struct Entry<'a> {
    pub(super) path: String,
    pub(super) key: &'a str,
    pub(super) line: usize,
    pub(super) origin: Origin,
    value: &'a DeValue<'a>,
}

impl<'a> Entry<'a> {
    pub(super) fn text(&self) -> Result<String, ConfigError> {
        self.value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.wrong_type("a text in quotes"))
    }

    pub(super) fn list(&self, expected: &str) -> Result<&'a [Spanned<DeValue<'a>>], ConfigError> {
        self.value
            .as_array()
            .map(|list| &**list)
            .ok_or_else(|| self.wrong_type(expected))
    }

    pub(super) fn table(&self, expected: &str) -> Result<&'a DeTable<'a>, ConfigError> {
        self.value.as_table().ok_or_else(|| self.wrong_type(expected))
    }

    /// What the definition of a setting asks for.
    pub(super) fn value(&self, form: Form) -> Result<Value, ConfigError> {
        match form {
            Form::Flag => self.flag().map(Value::Flag),
            Form::Number => self.number().map(Value::Number),
            Form::Decimal => self.decimal().map(Value::Decimal),
        }
    }

    pub(super) fn flag(&self) -> Result<bool, ConfigError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong_type("true or false, without quotes"))
    }

    pub(super) fn number(&self) -> Result<u64, ConfigError> {
        let number = self
            .value
            .as_integer()
            .and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        number.ok_or_else(|| self.wrong_type("a whole number without quotes, 0 or more"))
    }

    pub(super) fn decimal(&self) -> Result<f64, ConfigError> {
        let number = match self.value {
            DeValue::Float(number) => number.as_str().parse().ok(),
            // Beyond 53 bits the nearest: no limit or share needs more.
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n as f64),
            _ => None,
        };
        number.ok_or_else(|| self.wrong_type("a number without quotes"))
    }

    /// Only a number is shown: a text in the wrong place may be a secret.
    fn wrong_type(&self, expected: &str) -> ConfigError {
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
            key: without_index(&self.path),
            origin: self.origin.clone(),
        };
        ConfigError::WrongType {
            setting,
            expected: expected.to_owned(),
            found,
        }
    }
}
