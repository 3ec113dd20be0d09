//! The cluster secrets: where they may come from, and what is refused as one.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bellwether_message::MIN_SECRET_BYTES;
use zeroize::Zeroizing;

use super::error::ConfigError;
use super::origin::Origin;

/// The most bytes of a secret file that are read: some five hundred secrets, where two are usual. Keeps a wrong path
/// (`/dev/zero`, a log file) from filling the memory.
const SECRET_FILE_BYTES_MAX: usize = 64 * 1024;

/// Permission bits a secret file must not have: any for others, and write for its group. Group read is allowed, since
/// that is how systemd credentials and container secrets (0440) reach a service that does not run as root.
#[cfg(unix)]
const SECRET_FILE_MODE_REFUSED: u32 = 0o027;

/// The secrets of a cluster. The first signs, all verify, so that one can be replaced while the cluster runs.
///
/// Without any there is no mesh: the node serves clients on its own host only. `Debug` shows `[redacted]`; the memory
/// is overwritten when dropped.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Zeroizing<Vec<u8>>>);

impl Secrets {
    /// The given secrets, the signing one first; an empty list means no mesh. One given twice counts once.
    ///
    /// # Errors
    /// Each must have at least [`MIN_SECRET_BYTES`] bytes, not all the same.
    pub fn new<S: Into<Vec<u8>>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, ConfigError> {
        let mut all = Self::default();
        for secret in secrets {
            all.push(Zeroizing::new(secret.into()), Origin::Program)?;
        }
        Ok(all)
    }

    /// Reads a secret file: one secret per line, the signing one first. White space at the end of a line is trimmed;
    /// empty lines and lines that begin with `#` are ignored. At most 64 KiB.
    ///
    /// # Errors
    /// When the file cannot be read, holds no secret or an unfit one, or (on Unix) when others have any right to it or
    /// its group may write it. Group read is accepted: systemd credentials and container secrets come that way.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        // Room for all of it at once: a buffer that grew would leave copies behind that nobody overwrites.
        let mut text = Zeroizing::new(Vec::with_capacity(SECRET_FILE_BYTES_MAX + 1));
        let unreadable = |source| ConfigError::SecretFileUnreadable {
            file: printable(file),
            source,
        };
        let opened = File::open(file).map_err(unreadable)?;
        check_mode(file, &opened)?;
        opened
            .take(SECRET_FILE_BYTES_MAX as u64 + 1)
            .read_to_end(&mut text)
            .map_err(unreadable)?;
        if text.len() > SECRET_FILE_BYTES_MAX {
            return Err(ConfigError::SecretFileTooLarge {
                file: file.to_owned(),
                limit: SECRET_FILE_BYTES_MAX,
            });
        }
        let mut secrets = Self::default();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii_end();
            if !line.is_empty() && !line.starts_with(b"#") {
                let origin = Origin::File {
                    file: file.to_owned(),
                    line: index + 1,
                };
                secrets.push(Zeroizing::new(line.to_vec()), origin)?;
            }
        }
        if secrets.is_empty() {
            return Err(ConfigError::SecretFileEmpty { file: file.to_owned() });
        }
        Ok(secrets)
    }

    /// Carries out a source found in some layer.
    pub(super) fn load(source: &SecretSource, origin: &Origin) -> Result<Self, ConfigError> {
        match source {
            SecretSource::File(file) => Self::read(file),
            SecretSource::Value(value) => {
                // Trimmed as in a file, so that the same secret is the same however it is delivered.
                let secret = value.trim_ascii_end();
                if secret.contains(&b'\n') {
                    return Err(ConfigError::SecretLines { origin: origin.clone() });
                }
                let mut secrets = Self::default();
                secrets.push(Zeroizing::new(secret.to_vec()), origin.clone())?;
                Ok(secrets)
            }
        }
    }

    fn push(&mut self, secret: Zeroizing<Vec<u8>>, origin: Origin) -> Result<(), ConfigError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(ConfigError::SecretTooShort {
                origin,
                bytes: secret.len(),
            });
        }
        if secret.iter().all(|byte| *byte == secret[0]) {
            return Err(ConfigError::SecretUniform { origin });
        }
        if !self.0.contains(&secret) {
            self.0.push(secret);
        }
        Ok(())
    }

    /// The secrets in the clear, the signing one first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.iter().map(|secret| secret.as_slice())
    }

    /// Whether they are the same, in the same order.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none, so that there can be no mesh.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where one layer says the secrets are.
#[derive(Clone)]
pub enum SecretSource {
    /// The one secret itself, as `SECRET_KEY_BASE` holds it.
    Value(Zeroizing<Vec<u8>>),
    /// A file with one secret per line, see [`Secrets::read`].
    File(PathBuf),
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Value([redacted])"),
            Self::File(file) => write!(f, "File({:?})", printable(file)),
        }
    }
}

#[cfg(unix)]
fn check_mode(file: &Path, opened: &File) -> Result<(), ConfigError> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = opened.metadata().map_err(|source| ConfigError::SecretFileUnreadable {
        file: printable(file),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & SECRET_FILE_MODE_REFUSED != 0 {
        return Err(ConfigError::SecretFileMode {
            file: file.to_owned(),
            mode,
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &File) -> Result<(), ConfigError> {
    Ok(())
}

/// The path for a message, unless it looks like a secret that was put where a path belongs: long, without a dot, not
/// in a folder of the root, and not there.
fn printable(file: &Path) -> String {
    let text = file.display().to_string();
    let in_folder_of_root = text.strip_prefix('/').is_some_and(|rest| rest.contains('/'));
    if text.len() >= MIN_SECRET_BYTES && !text.contains('.') && !in_folder_of_root && !file.exists() {
        return "[withheld: its path looks like a secret, not like a path]".to_owned();
    }
    text
}

#[cfg(test)]
mod tests;
