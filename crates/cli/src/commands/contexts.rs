//! `bellwether context`: nodes that are talked to often, by a name.

use bellwether_client::NodeAddress;
use serde::Serialize;

use crate::contexts::{Context, ContextName, Contexts};
use crate::failure::Failure;
use crate::output::{self, Format, Output, Paint};
use crate::reach::{Identity, Reach, Target};
use crate::runtime::block_on;
use crate::table::{self, Column, Row};

const COLUMNS: [Column; 4] = [
    Column::new("CONTEXT", "context"),
    Column::new("SELECTED", "selected"),
    Column::new("NODE", "node"),
    Column::new("DESCRIPTION", "description"),
];

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ContextCommand {
    /// What was typed of the node is what the context says.
    Add {
        name: ContextName,
        node: NodeAddress,
        reach: Reach,
        description: Option<String>,
    },
    List(Format),
    /// The selected one, if none is named.
    Show {
        name: Option<ContextName>,
        format: Format,
    },
    Select(ContextName),
    Remove(ContextName),
    Validate {
        name: Option<ContextName>,
        /// Asks the node, too.
        connect: bool,
    },
}

/// What is shown of one: no token.
#[derive(Serialize)]
struct Shown {
    context: String,
    selected: bool,
    node: Option<String>,
    /// `token`, the name of a file, or nothing.
    identity: Option<String>,
    ca: Option<String>,
    description: Option<String>,
}

impl ContextCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let contexts = Contexts::of_user()?;
        match self {
            Self::Add {
                name,
                node,
                reach,
                description,
            } => {
                let context = Context {
                    node: Some(node),
                    identity: reach.identity.map(absolute_identity).transpose()?,
                    ca: reach.ca.map(absolute).transpose()?,
                    description,
                };
                contexts.add(&name, &context)
            }
            Self::List(format) => list(&contexts, format),
            Self::Show { name, format } => show(&contexts, name, format),
            Self::Select(name) => contexts.select(&name),
            Self::Remove(name) => contexts.remove(&name),
            Self::Validate { name, connect } => validate(&contexts, name, connect),
        }
    }
}

/// A context is used from every folder.
fn absolute(path: std::path::PathBuf) -> Result<std::path::PathBuf, Failure> {
    std::path::absolute(&path).map_err(|err| Failure::from(anyhow::Error::new(err)))
}

fn absolute_identity(identity: Identity) -> Result<Identity, Failure> {
    match identity {
        Identity::File(path) => absolute(path).map(Identity::File),
        token => Ok(token),
    }
}

fn shown(contexts: &Contexts, name: &ContextName) -> Result<Shown, Failure> {
    let context = contexts.read(name)?;
    Ok(Shown {
        context: name.to_string(),
        selected: contexts.selected()?.as_ref() == Some(name),
        node: context.node.map(|node| node.to_string()),
        identity: context.identity.map(|identity| match identity {
            Identity::Token(_) => "token".to_owned(),
            Identity::File(path) => path.display().to_string(),
        }),
        ca: context.ca.map(|path| path.display().to_string()),
        description: context.description,
    })
}

fn list(contexts: &Contexts, format: Format) -> Result<(), Failure> {
    let names = contexts.names()?;
    let all = names
        .iter()
        .map(|name| shown(contexts, name))
        .collect::<Result<Vec<_>, _>>()?;
    let json = serde_json::to_string(&all).map_err(anyhow::Error::from)?;
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

fn show(contexts: &Contexts, name: Option<ContextName>, format: Format) -> Result<(), Failure> {
    let shown = shown(contexts, &named(contexts, name)?)?;
    if format == Format::Json {
        return output::print(serde_json::to_string(&shown).map_err(anyhow::Error::from)?);
    }
    let mut output = Output::stdout();
    for (title, value) in [
        ("context", Some(&shown.context)),
        ("description", shown.description.as_ref()),
        ("node", shown.node.as_ref()),
        ("identity", shown.identity.as_ref()),
        ("ca", shown.ca.as_ref()),
    ] {
        if let Some(value) = value {
            output.line(format!("{title:<12} {}", output::printable(value)))?;
        }
    }
    output.flush()
}

fn validate(contexts: &Contexts, name: Option<ContextName>, connect: bool) -> Result<(), Failure> {
    let names = match name {
        Some(name) => vec![name],
        None => contexts.names()?,
    };
    let mut wrong = 0_u64;
    for name in &names {
        match check(contexts, name, connect) {
            Ok(()) => output::print(format!("{name}: ok"))?,
            Err(ended @ (Failure::ReaderGone | Failure::Told { .. })) => return Err(ended),
            Err(Failure::Failed { error, .. } | Failure::Usage(error)) => {
                wrong += 1;
                output::print(format!("{name}: {}", output::printable(&format!("{error:#}"))))?;
            }
        }
    }
    match wrong {
        0 => Ok(()),
        wrong => Err(Failure::new(format!("{wrong} of {} contexts are wrong", names.len()))),
    }
}

fn check(contexts: &Contexts, name: &ContextName, connect: bool) -> Result<(), Failure> {
    let context = contexts.read(name)?;
    let token_file = match &context.identity {
        Some(Identity::File(path)) => Some(path),
        _ => None,
    };
    for path in token_file.into_iter().chain(&context.ca) {
        std::fs::File::open(path)
            .map_err(|err| anyhow::Error::new(err).context(format!("cannot read {}", path.display())))?;
    }
    if !connect {
        return Ok(());
    }
    let target = Target {
        node: context.node.unwrap_or_default(),
        identity: context.identity,
        ca: context.ca,
    };
    block_on(async {
        target.connect().await?.members().await?;
        Ok(())
    })
}

fn named(contexts: &Contexts, name: Option<ContextName>) -> Result<ContextName, Failure> {
    match name {
        Some(name) => Ok(name),
        None => contexts.selected()?.ok_or_else(|| {
            Failure::with_hint(
                "no context is selected",
                "Name one, or select one with `bellwether context select`.",
            )
        }),
    }
}
