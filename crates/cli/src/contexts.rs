//! Contexts: nodes that are talked to often, each by a name, kept in the user's configuration folder.
//!
//! One file per context, `bellwether/contexts/NAME.toml`, and `bellwether/context`, which names the selected one. Only the
//! user may read them: a context may hold a token.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use bellwether_client::NodeAddress;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::reach::Identity;

/// Longest name of a context.
const MAX_NAME_BYTES: usize = 64;

/// The name of a context: lower-case letters, digits, `-` and `_`, so that it is the name of a file everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ContextName(String);

impl FromStr for ContextName {
    type Err = ContextNameError;

    fn from_str(text: &str) -> Result<Self, ContextNameError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        if begins && text.len() <= MAX_NAME_BYTES && text.bytes().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ContextNameError)
        }
    }
}

impl fmt::Display for ContextName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that cannot name a context.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a context is named with a-z, 0-9, `-` and `_`, beginning with a letter or digit, such as `prod-eu`")]
pub(crate) struct ContextNameError;

/// What a context says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) node: Option<NodeAddress>,
    pub(crate) identity: Option<Identity>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) description: Option<String>,
}

/// Its file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<PathBuf>,
}

/// All contexts of a user.
#[derive(Debug)]
pub(crate) struct Contexts {
    folder: PathBuf,
}

impl Contexts {
    /// In `$XDG_CONFIG_HOME/bellwether`, or `~/.config/bellwether`.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        // A relative one is to be ignored (XDG Base Directory Specification).
        let given = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let usual = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        match given.or_else(usual) {
            Some(folder) => Ok(Self::at(folder.join("bellwether"))),
            None => Err(Failure::usage(anyhow::anyhow!(
                "contexts are kept in $XDG_CONFIG_HOME or $HOME/.config, and neither is set"
            ))),
        }
    }

    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Every context, by name.
    pub(crate) fn names(&self) -> Result<Vec<ContextName>, Failure> {
        let folder = self.folder.join("contexts");
        let entries = match std::fs::read_dir(&folder) {
            Err(err) if err.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
            let file = entry.file_name();
            let name = file.to_str().and_then(|name| name.strip_suffix(".toml"));
            names.extend(name.and_then(|name| name.parse().ok()));
        }
        names.sort();
        Ok(names)
    }

    /// The one that is used where none is named.
    pub(crate) fn selected(&self) -> Result<Option<ContextName>, Failure> {
        let file = self.folder.join("context");
        match std::fs::read_to_string(&file) {
            Err(err) if err.kind() == ErrorKind::NotFound => Ok(None),
            Err(err) => Err(anyhow::Error::new(err)
                .context(format!("cannot read {}", file.display()))
                .into()),
            Ok(text) if text.trim().is_empty() => Ok(None),
            Ok(text) => {
                let name = text.trim().parse();
                Ok(Some(name.with_context(|| format!("{} is wrong", file.display()))?))
            }
        }
    }

    pub(crate) fn read(&self, name: &ContextName) -> Result<Context, Failure> {
        let file = self.file(name);
        let text = match std::fs::read_to_string(&file) {
            Err(err) if err.kind() == ErrorKind::NotFound => return Err(self.unknown(name)),
            text => text.with_context(|| format!("cannot read {}", file.display()))?,
        };
        // The words of TOML's errors repeat a line, which may have the token.
        let form: Form = toml::from_str(&text).map_err(|err: toml::de::Error| {
            let line = err
                .span()
                .map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            Failure::new(format!("{} is wrong at line {line}: {}", file.display(), err.message()))
        })?;
        let node = form.node.parse();
        Ok(Context {
            node: Some(node.with_context(|| format!("`node` of {} is wrong", file.display()))?),
            identity: form
                .token
                .map(Identity::Token)
                .or_else(|| form.token_file.map(Identity::File)),
            ca: form.ca,
            description: form.description,
        })
    }

    /// Writes it, in place of one of this name.
    pub(crate) fn add(&self, name: &ContextName, context: &Context) -> Result<(), Failure> {
        let (token, token_file) = match context.identity.clone() {
            None => (None, None),
            Some(Identity::Token(token)) => (Some(token), None),
            Some(Identity::File(path)) => (None, Some(path)),
        };
        let form = Form {
            description: context.description.clone(),
            node: context.node.clone().unwrap_or_default().to_string(),
            token,
            token_file,
            ca: context.ca.clone(),
        };
        let text = toml::to_string(&form).context("the context cannot be written as TOML")?;
        self.write(&self.file(name), &text)
    }

    pub(crate) fn select(&self, name: &ContextName) -> Result<(), Failure> {
        if !self.file(name).exists() {
            return Err(self.unknown(name));
        }
        self.write(&self.folder.join("context"), &format!("{name}\n"))
    }

    /// Removes it; selected no more if it was.
    pub(crate) fn remove(&self, name: &ContextName) -> Result<(), Failure> {
        match std::fs::remove_file(self.file(name)) {
            Err(err) if err.kind() == ErrorKind::NotFound => return Err(self.unknown(name)),
            removed => removed.with_context(|| format!("cannot remove {}", self.file(name).display()))?,
        }
        if self.selected()?.as_ref() == Some(name) {
            let file = self.folder.join("context");
            std::fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        Ok(())
    }

    fn file(&self, name: &ContextName) -> PathBuf {
        self.folder.join("contexts").join(format!("{name}.toml"))
    }

    fn unknown(&self, name: &ContextName) -> Failure {
        let known: Vec<String> = self
            .names()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        let hint = match known[..] {
            [] => "There is none yet: `bellwether context add` makes one.".to_owned(),
            _ => format!("There are: {}.", known.join(", ")),
        };
        Failure::with_hint(format!("there is no context `{name}`"), hint)
    }

    /// Wholly or not at all, and for the user's eyes only, as temporary files are.
    fn write(&self, file: &PathBuf, text: &str) -> Result<(), Failure> {
        let write = || -> io::Result<()> {
            let folder = file.parent().unwrap_or(&self.folder);
            std::fs::create_dir_all(folder)?;
            let mut new = NamedTempFile::new_in(folder)?;
            new.write_all(text.as_bytes())?;
            new.persist(file)?;
            Ok(())
        };
        Ok(write().with_context(|| format!("cannot write {}", file.display()))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ContextName {
        text.parse().unwrap()
    }

    fn context() -> Context {
        Context {
            node: Some("https://node.example".parse().unwrap()),
            identity: Some(Identity::Token("s3cret".to_owned())),
            ca: Some("/ca.pem".into()),
            description: Some("the \"real\" one".to_owned()),
        }
    }

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        for text in ["prod", "prod-eu_2", "7"] {
            assert_eq!(name(text).to_string(), text);
        }
        for text in ["", "..", "a/b", "a.b", "-a", "_a", "Prod", "é", &"x".repeat(65)] {
            assert!(text.parse::<ContextName>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_added_is_read_selected_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let contexts = Contexts::at(folder.path().join("bellwether"));
        assert_eq!(
            (contexts.names().unwrap(), contexts.selected().unwrap()),
            (Vec::new(), None)
        );
        contexts.add(&name("b"), &context()).unwrap();
        let by_file = Context {
            identity: Some(Identity::File("/run/token".into())),
            ..context()
        };
        contexts.add(&name("a"), &by_file).unwrap();
        assert_eq!(contexts.names().unwrap(), [name("a"), name("b")]);
        assert_eq!(contexts.read(&name("b")).unwrap(), context());
        assert_eq!(contexts.read(&name("a")).unwrap(), by_file);
        contexts.select(&name("b")).unwrap();
        assert_eq!(contexts.selected().unwrap(), Some(name("b")));
        contexts.remove(&name("b")).unwrap();
        assert_eq!(
            (contexts.names().unwrap(), contexts.selected().unwrap()),
            (vec![name("a")], None)
        );
        for gone in [contexts.remove(&name("b")), contexts.select(&name("b"))] {
            assert!(
                matches!(gone, Err(Failure::Failed { hint: Some(hint), .. }) if hint == "There are: a."),
                "it says which there are"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_may_read_it() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let contexts = Contexts::at(folder.path().to_owned());
        contexts.add(&name("a"), &context()).unwrap();
        contexts.select(&name("a")).unwrap();
        for file in ["contexts/a.toml", "context"] {
            let mode = std::fs::metadata(folder.path().join(file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_wrong_file_is_named_without_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let contexts = Contexts::at(folder.path().to_owned());
        std::fs::create_dir(folder.path().join("contexts")).unwrap();
        for (text, words) in [
            ("node = \"http://127.0.0.1\"\ntoken = \"s3cret", "line 2"),
            ("node = \"http://127.0.0.1\"\nttoken = \"s3cret\"", "ttoken"),
            ("node = \"127.0.0.1\"\ntoken = \"s3cret\"", "`node` of"),
            ("token = \"s3cret\"", "node"),
        ] {
            std::fs::write(folder.path().join("contexts/a.toml"), text).unwrap();
            let Err(Failure::Failed { error, .. }) = contexts.read(&name("a")) else {
                panic!("{text}")
            };
            let told = format!("{error:#}");
            assert!(
                told.contains(words) && told.contains("a.toml") && !told.contains("s3cret"),
                "{told}"
            );
        }
    }
}
