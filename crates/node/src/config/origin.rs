//! Where a value came from, so that an error or `config show` can point there.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where a value was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A line of a file, counted from 1.
    File {
        /// The file, as it was named to us.
        file: PathBuf,
        /// The line in it.
        line: usize,
    },
    /// An environment variable, by name.
    Variable(String),
    /// A command line flag, with its dashes.
    Flag(String),
    /// The program itself: a default, or a value set in code.
    #[default]
    Program,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
            Self::Program => f.write_str("in the program"),
        }
    }
}

/// One setting as the user knows it: its key and where it was given. Reads as the subject of a sentence:
/// ``bellwether.toml:3: `listen` ``, `BELLWETHER_LISTEN` or `--listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The dotted key, as in the file: `listen`, `instances.events.queue_bytes`, `thresholds.kind`.
    pub key: String,
    /// Where its value was given.
    pub origin: Origin,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File { .. } => write!(f, "{}: `{}`", self.origin, self.key),
            Origin::Variable(name) | Origin::Flag(name) => f.write_str(name),
            Origin::Program => write!(f, "`{}`", self.key),
        }
    }
}

/// Where each given setting came from, by dotted key. An element of a list has its own entry (`seeds[2]`), because it
/// may stand on its own line, and so has each key of an element that is a table (`thresholds[2].kind`). A setting without an entry came from the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    pub(super) fn insert(&mut self, key: impl Into<String>, origin: Origin) {
        self.0.insert(key.into(), origin);
    }

    /// Takes from `weaker` what is not already ours by key, the elements of a list together with their list.
    pub(super) fn fill_from(&mut self, weaker: Self, ours: &[String]) {
        for (key, origin) in weaker.0 {
            if !ours.iter().any(|given| given == list_of(&key)) {
                self.0.entry(key).or_insert(origin);
            }
        }
    }

    /// The origin of `key`; a key of an element that has none of its own shares that of the element, and an element
    /// that of its list.
    pub(super) fn of(&self, key: &str) -> Origin {
        [key, element_of(key), list_of(key)]
            .into_iter()
            .find_map(|key| self.0.get(key))
            .cloned()
            .unwrap_or_default()
    }

    /// The origin of `key` itself, if it was given.
    pub(super) fn exactly(&self, key: &str) -> Option<&Origin> {
        self.0.get(key)
    }

    pub(super) fn setting(&self, key: &str) -> Setting {
        Setting {
            key: without_index(key),
            origin: self.of(key),
        }
    }
}

/// `seeds[2]` → `seeds`, `thresholds[2].kind` → `thresholds.kind`: users count lines, not elements from zero.
pub(super) fn without_index(key: &str) -> String {
    let rest = key.split_once(']').map_or("", |(_, rest)| rest);
    format!("{}{rest}", list_of(key))
}

/// `seeds[2]` → `seeds`, `thresholds[2].kind` → `thresholds`
fn list_of(key: &str) -> &str {
    key.split_once('[').map_or(key, |(list, _)| list)
}

/// `thresholds[2].kind` → `thresholds[2]`
fn element_of(key: &str) -> &str {
    key.split_inclusive(']').next().unwrap_or(key)
}
