//! `bellwether keys`: the keys of a node, replaced while the mesh works.
//!
//! What signs and verifies stands in the node's own key file. To replace a secret, the new one is added on every node, then
//! promoted on every node, then the old one is removed on every node. Each step asks the node what the others have, and
//! has it read its file again.

mod node_keys;

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::anyhow;
use bellwether::Config;
use bellwether::config::SecretSource;
use bellwether_message::KeyId;
use serde::Serialize;

use self::node_keys::NodeKeys;
use crate::commands::config::Settings;
use crate::failure::{Failure, tell};
use crate::key_file::{KeyFile, new_secret};
use crate::output::{self, Format, Output, Paint};
use crate::reach::Reach;
use crate::runtime::block_on;
use crate::table::{self, Column, Row};

const COLUMNS: [Column; 5] = [
    Column::new("KEY", "key"),
    Column::new("SIGNS", "signs"),
    Column::new("LOADED", "loaded"),
    Column::new("LACKING", "lacking"),
    Column::new("SIGNERS", "signers"),
];

/// The command.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) node: Reach,
    pub(crate) settings: Settings,
    pub(crate) wish: Wish,
}

/// What is to become of them.
#[derive(Debug)]
pub(crate) enum Wish {
    List(Format),
    /// The secret stands on standard input.
    Add {
        reload: bool,
    },
    Promote {
        key: KeyId,
        care: Care,
    },
    Remove {
        key: KeyId,
        care: Care,
    },
}

/// What is asked of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Care {
    /// Change the file whatever the members have.
    pub(crate) force: bool,
    /// Have the node read its file again.
    pub(crate) reload: bool,
}

/// One key of the file, and what the running node knows of it: nothing, if it was not asked.
#[derive(Serialize)]
struct Listed {
    key: KeyId,
    signs: bool,
    loaded: Option<bool>,
    lacking: Option<Vec<String>>,
    signers: Option<Vec<String>>,
}

/// The file, and the cluster that its secrets are of.
struct Place {
    path: PathBuf,
    cluster: String,
}

impl Keys {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let place = Place::of(self.settings)?;
        let node = self.node;
        match self.wish {
            Wish::List(format) => block_on(list(&place, &node, format)),
            Wish::Add { reload } => {
                if std::io::stdin().is_terminal() {
                    let words =
                        "the new secret comes on standard input, where nobody sees it: `bellwether keys add < FILE`";
                    return Err(Failure::Usage(anyhow!(words)));
                }
                let secret = new_secret(std::io::stdin().lock())?;
                let added = KeyFile::edit(&place.path, &place.cluster, |keys| keys.add(&secret, &place.cluster))?;
                block_on(place.done(added, &node, reload))
            }
            Wish::Promote { key, care } => block_on(promote(&place, &node, key, care)),
            Wish::Remove { key, care } => block_on(remove(&place, &node, key, care)),
        }
    }
}

async fn list(place: &Place, node: &Reach, format: Format) -> Result<(), Failure> {
    let file = KeyFile::read(&place.path, &place.cluster)?;
    let known = match node.connect().await {
        Ok(client) => NodeKeys::ask(&client).await,
        Err(err) => Err(err),
    };
    let known = match known {
        Ok(known) => Some(known),
        Err(Failure::Failed { error, .. }) => {
            tell(format_args!("only what is in the file is shown: {error:#}"));
            None
        }
        Err(err) => return Err(err),
    };
    let listed = file.ids().into_iter().enumerate().map(|(nth, key)| Listed {
        key,
        signs: nth == 0,
        loaded: known.as_ref().map(|known| known.has(key)),
        lacking: known.as_ref().map(|known| known.lacking(key)),
        signers: known.as_ref().map(|known| known.signers(key)),
    });
    let json = serde_json::to_string(&listed.collect::<Vec<_>>()).map_err(anyhow::Error::from)?;
    match format {
        Format::Json => output::print(json),
        Format::Text => {
            let rows: Vec<Row> = serde_json::from_str(&json).map_err(anyhow::Error::from)?;
            let mut output = Output::stdout();
            output.text(&table::render(&COLUMNS, &rows, Paint::for_stdout()))?;
            output.flush()
        }
    }
}

async fn promote(place: &Place, node: &Reach, key: KeyId, care: Care) -> Result<(), Failure> {
    // What the file says first; then the node is asked.
    KeyFile::read(&place.path, &place.cluster)?.promote(key)?;
    if !care.force {
        let client = node.connect().await?;
        let known = NodeKeys::settled(&client).await?;
        known.check_loaded(key)?;
        known.check_all_told()?;
        let lacking = known.lacking(key);
        if !lacking.is_empty() {
            let words = format!(
                "{key} is not promoted: {} would refuse this node, since it is not among their keys",
                lacking.join(", ")
            );
            let hint = "Add the same secret there first with `bellwether keys add`; --force promotes it all the same.";
            return Err(Failure::with_hint(words, hint));
        }
    }
    KeyFile::edit(&place.path, &place.cluster, |keys| keys.promote(key))?;
    place.done(key, node, care.reload).await
}

async fn remove(place: &Place, node: &Reach, key: KeyId, care: Care) -> Result<(), Failure> {
    let mut file = KeyFile::read(&place.path, &place.cluster)?;
    file.remove(key)?;
    if !care.force {
        let client = node.connect().await?;
        let known = NodeKeys::settled(&client).await?;
        known.check_signs_with_another(key)?;
        file.ids().first().map_or(Ok(()), |first| known.check_loaded(*first))?;
        known.check_all_told()?;
        let signers = known.signers(key);
        if !signers.is_empty() {
            let words = format!(
                "{key} is not removed: {} would be refused, since it is what they sign with",
                signers.join(", ")
            );
            let hint = "Promote another there first with `bellwether keys promote`; --force removes it all the same.";
            return Err(Failure::with_hint(words, hint));
        }
    }
    KeyFile::edit(&place.path, &place.cluster, |keys| keys.remove(key))?;
    tell(format_args!("tokens that were made with {key} count no more"));
    place.done(key, node, care.reload).await
}

impl Place {
    /// Where a node that started with these settings would have its secrets from.
    fn of(settings: Settings) -> Result<Self, Failure> {
        let layer = settings.layer()?;
        let path = match &layer.secret {
            Some(SecretSource::File(path)) => path.clone(),
            Some(SecretSource::Value(_)) => {
                let words = "the secret is given in SECRET_KEY_BASE, which no program can change: put it into a file, and \
                             name that in SECRET_KEY_BASE_FILE, `secret_file` or --file";
                return Err(Failure::Usage(anyhow!(words)));
            }
            None => {
                let words =
                    "no key file is named: give --file, or SECRET_KEY_BASE_FILE or `secret_file` as for `start`";
                return Err(Failure::Usage(anyhow!(words)));
            }
        };
        let cluster = Config::resolve(layer).map_err(Failure::usage)?.cluster;
        Ok(Self { path, cluster })
    }

    /// The file is changed: prints the key, and has the node read the file again.
    async fn done(&self, key: KeyId, node: &Reach, reload: bool) -> Result<(), Failure> {
        output::print(key.to_string())?;
        if !reload {
            return Ok(());
        }
        let ids = KeyFile::read(&self.path, &self.cluster)?.ids();
        let reloaded = async {
            let client = node.connect().await?;
            node_keys::reload(&client).await?;
            node_keys::check_reloaded(&client, &ids).await
        };
        reloaded.await.map_err(|err| match err {
            Failure::Failed { error, hint } => Failure::Failed {
                error: error.context("the key file is changed, but the running node has not read it"),
                hint,
            },
            err => err,
        })
    }
}
