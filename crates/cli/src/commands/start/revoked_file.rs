//! The file that lists tokens which no longer count, read again whenever it changes.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use bellwether_access::{Access, Revoked};
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked at.
const PERIOD: Duration = Duration::from_millis(500);
/// Bytes of the largest: room for all ids that a list may have, each with a comment.
const MAX_BYTES: u64 = 16 << 20;

/// The file, and how it was when it was last read.
#[derive(Clone)]
pub(super) struct RevokedFile {
    path: PathBuf,
    seen: Option<Stamp>,
    /// What was last wrong with it, so that it is said once.
    told: Option<String>,
}

/// What differs once a file is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
        }
    }
}

impl RevokedFile {
    /// Reads it, before anybody is judged by it. None of one that is not there: at a start it revokes nothing, later what
    /// was revoked stays so.
    pub(super) fn read(path: PathBuf) -> anyhow::Result<(Self, Option<Revoked>)> {
        let mut file = Self {
            path,
            seen: None,
            told: None,
        };
        let place = || format!("cannot read the revoked tokens in {}", file.path.display());
        let metadata = match std::fs::metadata(&file.path) {
            Ok(metadata) => metadata,
            Err(err) if err.kind() == ErrorKind::NotFound => {
                file.tell("the list of revoked tokens is not there".to_owned());
                return Ok((file, None));
            }
            Err(err) => return Err(err).with_context(place),
        };
        check_size(&metadata).with_context(place)?;
        let text = std::fs::read_to_string(&file.path).with_context(place)?;
        let (revoked, wrong) = Revoked::parse(&text);
        if let Some(wrong) = wrong {
            return Err(wrong).with_context(|| format!("the list of revoked tokens in {}", file.path.display()));
        }
        file.seen = Some(Stamp::of(&metadata));
        Ok((file, Some(revoked)))
    }

    /// For ever. While the file cannot be read, what was revoked stays so.
    pub(super) async fn watch(mut self, access: &Access) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.look().await {
                Ok(None) => {}
                Ok(Some(text)) => self.take(&text, access),
                Err(err) => self.tell(format!("the list of revoked tokens cannot be read: {err}")),
            }
        }
    }

    /// The text, if it is another than before.
    async fn look(&mut self) -> io::Result<Option<String>> {
        let metadata = match tokio::fs::metadata(&self.path).await {
            // Nothing was there, and nothing is.
            Err(err) if err.kind() == ErrorKind::NotFound && self.seen.is_none() => return Ok(None),
            found => found?,
        };
        let stamp = Stamp::of(&metadata);
        if self.seen == Some(stamp) {
            return Ok(None);
        }
        check_size(&metadata)?;
        // What is written while it is read has a later stamp, and is read again.
        let text = tokio::fs::read_to_string(&self.path).await?;
        self.seen = Some(stamp);
        Ok(Some(text))
    }

    fn take(&mut self, text: &str, access: &Access) {
        let (revoked, wrong) = Revoked::parse(text);
        tracing::info!(tokens = revoked.len(), "the list of revoked tokens was read");
        access.set_revoked(revoked);
        match wrong {
            Some(wrong) => self.tell(format!("the list of revoked tokens is wrong: {wrong}")),
            None => self.told = None,
        }
    }

    fn tell(&mut self, words: String) {
        if self.told.as_ref() != Some(&words) {
            tracing::warn!(path = %self.path.display(), what = words, "revoked tokens");
            self.told = Some(words);
        }
    }
}

fn check_size(metadata: &Metadata) -> io::Result<()> {
    match metadata.len() {
        ..=MAX_BYTES => Ok(()),
        _ => Err(io::Error::other(format!("it has more than {MAX_BYTES} bytes"))),
    }
}
