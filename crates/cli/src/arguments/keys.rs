//! The arguments of `keys`.

use std::path::PathBuf;

use bellwether::Layer;
use bellwether::config::SecretSource;
use bellwether_message::KeyId;
use clap::{Args, Subcommand};

use super::{TypedFormat, examples, in_one_line};
use crate::commands::config::Settings;
use crate::commands::keys::{Care, Keys, Wish};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(super) enum TypedKeys {
    /// List the keys of this node's file by their ids, and which members lack them or sign with them
    #[command(after_help = examples::KEYS)]
    List {
        #[command(flatten)]
        file: TypedKeyFile,
        #[command(flatten)]
        format: TypedFormat,
    },
    /// Add a secret, which comes on standard input, behind the others: it verifies
    #[command(after_help = examples::KEYS)]
    Add {
        #[command(flatten)]
        file: TypedKeyFile,
        #[command(flatten)]
        reload: TypedReload,
    },
    /// Put a key before the others: it signs; refused while a living member lacks it
    #[command(after_help = examples::KEYS)]
    Promote(TypedKey),
    /// Take a key out: what it signs is refused; refused while a living member signs with it
    #[command(after_help = examples::KEYS)]
    Remove(TypedKey),
}

#[derive(Debug, Args)]
pub(super) struct TypedKey {
    /// Its id, as `bellwether keys list` shows it
    #[arg(value_name = "KEY", value_parser = key_id)]
    key: KeyId,
    /// Do it without asking what the members have
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    reload: TypedReload,
    #[command(flatten)]
    file: TypedKeyFile,
}

#[derive(Debug, Args)]
pub(super) struct TypedReload {
    /// Only change the file; the running node goes on with what it has read
    #[arg(long)]
    no_reload: bool,
}

/// Where the key file of the node is, as `start` finds it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where the key file is (also in the environment; flags are strongest)")]
pub(super) struct TypedKeyFile {
    /// The node's configuration file, for its cluster and `secret_file`
    #[arg(long, value_name = "FILE", env = "BELLWETHER_CONFIG")]
    config: Option<PathBuf>,
    /// The node's cluster [default: bellwether]
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The node's key file, one secret per line; or set SECRET_KEY_BASE_FILE
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl From<TypedKeyFile> for Settings {
    fn from(typed: TypedKeyFile) -> Self {
        let flags = Layer {
            cluster: typed.cluster,
            secret: typed.file.map(SecretSource::File),
            ..Layer::default()
        };
        Self {
            flags,
            file: typed.config,
        }
    }
}

impl TypedKeys {
    pub(super) fn meaning(self, node: Reach) -> Keys {
        let (file, wish) = match self {
            Self::List { file, format } => (file, Wish::List(format.format)),
            Self::Add { file, reload } => {
                let reload = !reload.no_reload;
                (file, Wish::Add { reload })
            }
            Self::Promote(typed) => {
                let (key, care) = (typed.key, typed.care());
                (typed.file, Wish::Promote { key, care })
            }
            Self::Remove(typed) => {
                let (key, care) = (typed.key, typed.care());
                (typed.file, Wish::Remove { key, care })
            }
        };
        Keys {
            node,
            settings: file.into(),
            wish,
        }
    }
}

impl TypedKey {
    fn care(&self) -> Care {
        Care {
            force: self.force,
            reload: !self.reload.no_reload,
        }
    }
}

fn key_id(text: &str) -> Result<KeyId, String> {
    text.parse()
        .map_err(|err: bellwether_message::KeyIdError| in_one_line(err))
}
