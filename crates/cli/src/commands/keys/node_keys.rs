//! What a running node says of its keys, and of those of the other members.

use std::time::Duration;

use bellwether_client::{CallError, Client};
use bellwether_message::KeyId;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::failure::{Failure, tell};
use crate::output::printable;

/// A member whose link is just being dialed again has so long to tell its keys; a node, to have read its file.
const WITHIN: Duration = Duration::from_secs(5);
/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// As `GET /v1/keys` says it.
#[derive(Debug, Deserialize)]
pub(super) struct NodeKeys {
    keys: Vec<Key>,
    members: Vec<Member>,
}

#[derive(Debug, Deserialize)]
struct Key {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Member {
    node: String,
    state: String,
    /// The signing one first; none while no link from it is up.
    keys: Option<Vec<Key>>,
}

impl NodeKeys {
    pub(super) async fn ask(client: &Client) -> Result<Self, Failure> {
        Ok(client.get("/v1/keys").await?)
    }

    /// The same, once every living member has told its keys, or had time to.
    pub(super) async fn settled(client: &Client) -> Result<Self, Failure> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let known = Self::ask(client).await?;
            if known.silent().is_empty() || Instant::now() >= deadline {
                return Ok(known);
            }
            sleep(ASK_EVERY).await;
        }
    }

    /// Whether the node itself has a key.
    pub(super) fn has(&self, key: KeyId) -> bool {
        self.keys.iter().any(|known| known.is(key))
    }

    /// The living members that have told their keys, and that this one is not among them.
    pub(super) fn lacking(&self, key: KeyId) -> Vec<String> {
        self.living_that(|keys| keys.is_some_and(|keys| !keys.iter().any(|known| known.is(key))))
    }

    /// The living members that sign with a key.
    pub(super) fn signers(&self, key: KeyId) -> Vec<String> {
        self.living_that(|keys| keys.and_then(<[Key]>::first).is_some_and(|first| first.is(key)))
    }

    /// The living members that have not told their keys.
    fn silent(&self) -> Vec<String> {
        self.living_that(|keys| keys.is_none())
    }

    /// Those that are down, of which nobody knows what they have once they are back.
    fn down(&self) -> Vec<String> {
        let down = self.members.iter().filter(|member| member.state == "down");
        down.map(|member| printable(&member.node).into_owned()).collect()
    }

    fn living_that(&self, is_meant: impl Fn(Option<&[Key]>) -> bool) -> Vec<String> {
        let living = self.members.iter().filter(|member| member.state != "down");
        let meant = living.filter(|member| is_meant(member.keys.as_deref()));
        meant.map(|member| printable(&member.node).into_owned()).collect()
    }

    /// The node must have read the file that has the key, and be the node of that file.
    pub(super) fn check_loaded(&self, key: KeyId) -> Result<(), Failure> {
        if self.has(key) {
            return Ok(());
        }
        let words =
            format!("the running node has no key {key}: it has not read the key file since, or it is another node's");
        Err(Failure::with_hint(
            words,
            "Have it read its file with SIGHUP, or name the right node with --node.",
        ))
    }

    /// The node must not sign with it, as it does as long as it has not read the file in which another is first.
    pub(super) fn check_signs_with_another(&self, key: KeyId) -> Result<(), Failure> {
        if !self.keys.first().is_some_and(|first| first.is(key)) {
            return Ok(());
        }
        let words = format!("{key} is not removed: the running node still signs with it");
        Err(Failure::with_hint(
            words,
            "Have it read its file with SIGHUP, or name the right node with --node.",
        ))
    }

    /// Nobody must be unheard.
    pub(super) fn check_all_told(&self) -> Result<(), Failure> {
        let (silent, down) = (self.silent(), self.down());
        if !silent.is_empty() {
            let words = format!(
                "the keys of {} are not known: no link from there is up",
                silent.join(", ")
            );
            return Err(Failure::with_hint(words, "Try again when it is; --force does not ask."));
        }
        if !down.is_empty() {
            let words = format!(
                "the keys of {} are not known, which may come back with others: it is down",
                down.join(", ")
            );
            let hint = "Try again when it is back, or is no member any more; --force does not ask.";
            return Err(Failure::with_hint(words, hint));
        }
        Ok(())
    }
}

impl Key {
    fn is(&self, id: KeyId) -> bool {
        self.id.parse() == Ok(id)
    }
}

/// Has the node read its secrets again.
pub(super) async fn reload(client: &Client) -> Result<(), Failure> {
    match client.post::<Value>("/v1/reload", "").await {
        Ok(_) => Ok(()),
        Err(CallError::Refused { status: 404, .. }) => {
            let words = "it does not know POST /v1/reload";
            Err(Failure::with_hint(
                words,
                "Send it SIGHUP: then it reads its secrets again.",
            ))
        }
        Err(err) => Err(err.into()),
    }
}

/// Sees that these are its keys now. A caller who may not look, or whose token went with a key, is told that it was not
/// seen.
pub(super) async fn check_reloaded(client: &Client, ids: &[KeyId]) -> Result<(), Failure> {
    let deadline = Instant::now() + WITHIN;
    loop {
        let known = match NodeKeys::ask(client).await {
            Err(Failure::Failed { error, .. }) => {
                tell(format_args!(
                    "the node has read its keys again; which they are now was not seen: {error:#}"
                ));
                return Ok(());
            }
            asked => asked?,
        };
        let is_loaded = known.keys.len() == ids.len() && known.keys.iter().zip(ids).all(|(known, id)| known.is(*id));
        if is_loaded {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let hint = "Is it another node's file? Name the right node with --node, or the right file with --file.";
            return Err(Failure::with_hint(
                "it has read its own again, and its keys are others",
                hint,
            ));
        }
        sleep(ASK_EVERY).await;
    }
}
