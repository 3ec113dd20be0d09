//! `bellwether token`: makes, shows and revokes the tokens that clients show.

mod revoke;

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bellwether_access::{Claims, Grant, MAX_TOKEN_BYTES, TokenId, TokenKeys};
use bellwether_message::Timestamp;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::Serialize;

pub(crate) use self::revoke::Revoke;
use crate::commands::config::Settings;
use crate::commands::start::token_keys;
use crate::failure::Failure;
use crate::output;

/// Makes one.
#[derive(Debug)]
pub(crate) struct NewToken {
    pub(crate) settings: Settings,
    pub(crate) name: String,
    pub(crate) grant: Grant,
    pub(crate) expires_in: Duration,
}

impl NewToken {
    /// Prints it and nothing else.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let keys = self.settings.keys()?.ok_or_else(no_secret)?;
        let mut id = [0; 8];
        SysRng
            .try_fill_bytes(&mut id)
            .context("the system gives no random bytes")?;
        let claims = Claims::new(
            TokenId::new(id),
            &self.name,
            self.grant,
            Timestamp::now(),
            self.expires_in,
        );
        let token = keys.sign(claims.map_err(Failure::usage)?);
        output::print(token.map_err(Failure::usage)?)
    }
}

fn no_secret() -> Failure {
    Failure::usage(anyhow!(
        "there is no cluster secret, and nothing else can make or verify tokens; give that of the nodes as \
         SECRET_KEY_BASE, or in a file named by SECRET_KEY_BASE_FILE, --secret-file or `secret_file`"
    ))
}

/// Says what one says.
#[derive(Debug)]
pub(crate) struct ShowToken {
    pub(crate) settings: Settings,
    /// `-`: it stands on standard input.
    pub(crate) token: String,
}

/// A token as it is shown. Whether it was revoked, only the node knows that has the list.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    claims: Claims,
    /// Whether the secret at hand made it; null without a secret.
    verified: Option<bool>,
    expired: bool,
}

impl ShowToken {
    /// Prints it as JSON; fails if it was not made with the secret at hand, or has expired.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let keys = self.settings.keys()?;
        let token = given(&self.token)?;
        let claims = Claims::read_unverified(&token).map_err(|err| Failure::new(err.to_string()))?;
        let shown = Shown {
            verified: keys.map(|keys| keys.verify(&token).is_ok()),
            expired: claims.is_expired(Timestamp::now()),
            claims,
        };
        let text = serde_json::to_string_pretty(&shown).context("the token cannot be shown")?;
        output::print(text)?;
        match shown {
            Shown { verified: None, .. } => {
                let words = "it is not known whether the token is genuine: there is no cluster secret";
                Err(Failure::with_hint(
                    words,
                    "Give that of the nodes as SECRET_KEY_BASE or --secret-file.",
                ))
            }
            Shown {
                verified: Some(false), ..
            } => Err(Failure::new(
                "the token was not made with the secret of this cluster, or was changed",
            )),
            Shown { expired: true, .. } => Err(Failure::new("the token has expired")),
            _ => Ok(()),
        }
    }
}

/// A token from the command line, or from standard input, where no list of processes shows it.
fn given(token: &str) -> Result<String, Failure> {
    if token != "-" {
        return Ok(token.trim().to_owned());
    }
    let mut text = String::new();
    let limit = 2 * MAX_TOKEN_BYTES as u64;
    let read = std::io::stdin().lock().take(limit).read_to_string(&mut text);
    read.context("cannot read the token from standard input")?;
    Ok(text.trim().to_owned())
}

impl Settings {
    /// What makes and verifies tokens, if there is a secret.
    fn keys(self) -> Result<Option<TokenKeys>, Failure> {
        let config = self.resolve()?;
        Ok(token_keys(&config)?)
    }
}
