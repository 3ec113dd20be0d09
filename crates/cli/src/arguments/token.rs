//! The arguments of `token`.

use std::path::PathBuf;
use std::time::Duration;

use bellwether::Layer;
use bellwether::config::SecretSource;
use bellwether_access::{Grant, MAX_TOKEN_AGE, Permission};
use clap::{Args, Subcommand};

use super::examples;
use crate::commands::Command;
use crate::commands::config::Settings;
use crate::commands::token::{NewToken, Revoke, ShowToken};
use crate::duration;

#[derive(Debug, Subcommand)]
pub(super) enum TypedToken {
    /// Print a new token, and nothing else; needs the secret of the nodes
    #[command(after_help = examples::TOKEN)]
    New(Box<TypedNewToken>),

    /// Print what a token says as JSON, and whether the secret at hand made it (exit code 1 if not)
    #[command(after_help = examples::TOKEN)]
    Show {
        /// The token, or `-` for standard input
        #[arg(value_name = "TOKEN", allow_hyphen_values = true)]
        token: String,
        #[command(flatten)]
        settings: TypedSecrets,
    },

    /// Add a token to the list of those that no longer count; nodes notice within a second
    #[command(after_help = examples::TOKEN)]
    Revoke {
        /// The token or its id, or `-` for standard input
        #[arg(value_name = "ID|TOKEN", allow_hyphen_values = true)]
        token: String,
        /// The list, as the nodes have it in `access.revoked_tokens`
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct TypedNewToken {
    /// Whose it is: the principal's name, for logs, limits and what the nodes' configuration says of it
    #[arg(long)]
    name: String,
    /// Where its holder may publish, such as `metrics:*`; may be given several times
    #[arg(long, value_name = "INSTANCE:PATTERN", value_parser = permission)]
    allow_publish: Vec<Permission>,
    /// What its holder may receive, such as `alerts:*`; may be given several times
    #[arg(long, value_name = "INSTANCE:PATTERN", value_parser = permission)]
    allow_subscribe: Vec<Permission>,
    /// Where its holder may not publish, whatever else allows it
    #[arg(long, value_name = "INSTANCE:PATTERN", value_parser = permission)]
    deny_publish: Vec<Permission>,
    /// What its holder may not receive, whatever else allows it
    #[arg(long, value_name = "INSTANCE:PATTERN", value_parser = permission)]
    deny_subscribe: Vec<Permission>,
    /// Its holder may see members, instances, subscribers, alerts and figures
    #[arg(long)]
    look: bool,
    /// Its holder may change what a node does: thresholds, switches, breakers
    #[arg(long)]
    administer: bool,
    /// How long it counts, at most `365d`
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = age)]
    expires: Duration,
    #[command(flatten)]
    settings: TypedSecrets,
}

/// Where the secret of the nodes is, as `start` finds it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where the secret is (also in the environment; flags are strongest)")]
pub(super) struct TypedSecrets {
    /// The nodes' configuration file, for their cluster and secret
    #[arg(long, value_name = "FILE", env = "BELLWETHER_CONFIG")]
    config: Option<PathBuf>,
    /// The nodes' cluster [default: bellwether]
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// File with the nodes' secret, one per line; or set SECRET_KEY_BASE or SECRET_KEY_BASE_FILE
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl From<TypedSecrets> for Settings {
    fn from(typed: TypedSecrets) -> Self {
        let flags = Layer {
            cluster: typed.cluster,
            secret: typed.secret_file.map(SecretSource::File),
            ..Layer::default()
        };
        Self {
            flags,
            file: typed.config,
        }
    }
}

fn permission(text: &str) -> Result<Permission, String> {
    text.parse()
        .map_err(|err: bellwether_access::PermissionError| err.to_string())
}

fn age(text: &str) -> Result<Duration, String> {
    let whole = |age: &Duration| age.as_secs() > 0 && age.subsec_millis() == 0 && *age <= MAX_TOKEN_AGE;
    duration::parse(text).ok().filter(whole).ok_or_else(|| {
        format!("a token counts for whole seconds up to a year: write `30d`, `12h` or `365d`, not `{text}`")
    })
}

impl From<TypedToken> for Command {
    fn from(typed: TypedToken) -> Self {
        match typed {
            TypedToken::New(new) => {
                let new = *new;
                Self::NewToken(NewToken {
                    settings: new.settings.into(),
                    name: new.name,
                    grant: Grant {
                        allow_publish: new.allow_publish,
                        allow_subscribe: new.allow_subscribe,
                        deny_publish: new.deny_publish,
                        deny_subscribe: new.deny_subscribe,
                        look: new.look,
                        administer: new.administer,
                    },
                    expires_in: new.expires,
                })
            }
            TypedToken::Show { token, settings } => Self::ShowToken(ShowToken {
                settings: settings.into(),
                token,
            }),
            TypedToken::Revoke { token, file } => Self::RevokeToken(Revoke { token, file }),
        }
    }
}
