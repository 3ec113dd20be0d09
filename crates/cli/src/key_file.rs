//! The key file of a node: its secrets, one per line, the signing one first. Changed whole or not at all.

use std::fs::{self, File, Metadata};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use bellwether_message::{KeyId, KeyRing, MIN_SECRET_BYTES};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// As much as a node reads of it.
const MAX_BYTES: usize = 64 * 1024;

/// The lines of a key file. Remarks and empty lines are kept as they are.
pub(crate) struct KeyFile {
    lines: Vec<Line>,
}

/// A line without its end, and the id of the key that it holds, if it does.
struct Line {
    key: Option<KeyId>,
    text: Zeroizing<Vec<u8>>,
}

impl KeyFile {
    /// What the file holds now. Whether others may read it, the configuration has judged.
    pub(crate) fn read(path: &Path, cluster: &str) -> Result<Self, Failure> {
        let file = File::open(path).with_context(|| cannot("read", path))?;
        Self::parse(&text_of(&file, path)?, cluster)
    }

    /// Changes the file: locked, so that of two commands at once the second sees what the first has done. A node that reads
    /// meanwhile gets the old file or the new one. Owner and mode stay what they are.
    pub(crate) fn edit<T>(
        path: &Path,
        cluster: &str,
        change: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // A file that is a link stays one.
        let path = &fs::canonicalize(path).with_context(|| cannot("read", path))?;
        let locked = lock(path).with_context(|| cannot("lock", path))?;
        let mut keys = Self::parse(&text_of(&locked, path)?, cluster)?;
        let done = change(&mut keys)?;
        let old = locked.metadata().with_context(|| cannot("read", path))?;
        write(path, &keys.text(), &old).with_context(|| cannot("write", path))?;
        Ok(done)
    }

    fn parse(text: &[u8], cluster: &str) -> Result<Self, Failure> {
        let line = |text: &[u8]| {
            let secret = text.trim_ascii_end();
            let key = match secret.is_empty() || secret.starts_with(b"#") {
                true => None,
                false => Some(id_of(secret, cluster)?),
            };
            let text = Zeroizing::new(text.to_vec());
            Ok(Line { key, text })
        };
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let lines = text
            .split(|byte| *byte == b'\n')
            .map(line)
            .collect::<Result<_, Failure>>()?;
        Ok(Self { lines })
    }

    /// The ids of its keys, the signing one first.
    pub(crate) fn ids(&self) -> Vec<KeyId> {
        let mut ids = Vec::new();
        for id in self.lines.iter().filter_map(|line| line.key) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// Adds a secret behind the others: it verifies.
    pub(crate) fn add(&mut self, secret: &[u8], cluster: &str) -> Result<KeyId, Failure> {
        let id = id_of(secret, cluster)?;
        if self.ids().contains(&id) {
            return Err(Failure::new(format!("the key {id} is in the file already")));
        }
        self.lines.push(Line {
            key: Some(id),
            text: Zeroizing::new(secret.to_vec()),
        });
        Ok(id)
    }

    /// Puts a key before the others: it signs.
    pub(crate) fn promote(&mut self, id: KeyId) -> Result<(), Failure> {
        let first = self.lines.iter().position(|line| line.key.is_some());
        let at = self.lines.iter().position(|line| line.key == Some(id));
        let (Some(first), Some(at)) = (first, at) else {
            return Err(self.has_no(id));
        };
        let line = self.lines.remove(at);
        self.lines.insert(first, line);
        Ok(())
    }

    /// Takes a key out, unless it is the one that signs.
    pub(crate) fn remove(&mut self, id: KeyId) -> Result<(), Failure> {
        let ids = self.ids();
        if !ids.contains(&id) {
            return Err(self.has_no(id));
        }
        if ids.first() == Some(&id) {
            let words = format!("{id} is not removed: it is the one that signs");
            let hint = "Promote another first, on every node, with `bellwether keys promote`.";
            return Err(Failure::with_hint(words, hint));
        }
        self.lines.retain(|line| line.key != Some(id));
        Ok(())
    }

    fn has_no(&self, id: KeyId) -> Failure {
        let known: Vec<String> = self.ids().iter().map(KeyId::to_string).collect();
        Failure::new(format!("the key file has no key {id}; it has {}", known.join(", ")))
    }

    fn text(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it at once: a buffer that grew would leave copies behind that nobody overwrites.
        let bytes = self.lines.iter().map(|line| line.text.len() + 1).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(bytes));
        for line in &self.lines {
            text.extend_from_slice(&line.text);
            text.push(b'\n');
        }
        text
    }
}

/// The id of the key that a secret gives in a cluster.
fn id_of(secret: &[u8], cluster: &str) -> Result<KeyId, Failure> {
    let ring = KeyRing::new(cluster, [secret]).map_err(Failure::usage)?;
    ring.ids().next().ok_or_else(|| Failure::new("the secret gives no key"))
}

/// A secret that is to be added: one line of at least so many bytes that does not read as a remark.
pub(crate) fn new_secret(input: impl Read) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    let read = input.take(MAX_BYTES as u64 + 1).read_to_end(&mut text);
    read.context("cannot read the secret from standard input")?;
    let secret = text.trim_ascii_end();
    let wrong = if secret.is_empty() {
        "nothing came on standard input: give it the new secret, as in `bellwether keys add < new-secret`".to_owned()
    } else if secret.contains(&b'\n') {
        "several lines came on standard input, but a secret is one line".to_owned()
    } else if secret.len() < MIN_SECRET_BYTES {
        let bytes = secret.len();
        format!(
            "the secret has {bytes} bytes, at least {MIN_SECRET_BYTES} are needed; make one with `bellwether secret new`"
        )
    } else if text.len() > MAX_BYTES {
        format!("the secret has more than {MAX_BYTES} bytes; was it the right file?")
    } else if secret.starts_with(b"#") {
        "a line that begins with `#` is a remark in a key file, not a secret".to_owned()
    } else {
        return Ok(Zeroizing::new(secret.to_vec()));
    };
    Err(Failure::Usage(anyhow!(wrong)))
}

fn cannot(action: &str, path: &Path) -> String {
    format!("cannot {action} the key file {}", path.display())
}

fn text_of(file: &File, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    let read = file.take(MAX_BYTES as u64 + 1).read_to_end(&mut text);
    read.with_context(|| cannot("read", path))?;
    if text.len() > MAX_BYTES {
        let words = format!(
            "the key file {} has more than {MAX_BYTES} bytes; is it the right file?",
            path.display()
        );
        return Err(Failure::new(words));
    }
    Ok(text)
}

/// The file, locked. One that was replaced while another had the lock is opened anew.
fn lock(path: &Path) -> std::io::Result<File> {
    loop {
        let file = File::open(path)?;
        file.lock()?;
        let (locked, now) = (file.metadata()?, fs::metadata(path)?);
        if (locked.dev(), locked.ino()) == (now.dev(), now.ino()) {
            return Ok(file);
        }
    }
}

/// Written beside and renamed, flushed to disk before: after a crash the file holds the old keys or the new.
fn write(path: &Path, text: &[u8], old: &Metadata) -> anyhow::Result<()> {
    if text.len() > MAX_BYTES {
        return Err(anyhow!(
            "it would have more than {MAX_BYTES} bytes; remove keys that are no longer used"
        ));
    }
    let folder: PathBuf = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let mut new = NamedTempFile::new_in(&folder)?;
    if old.uid() != new.as_file().metadata()?.uid() || old.gid() != new.as_file().metadata()?.gid() {
        std::os::unix::fs::fchown(new.as_file(), Some(old.uid()), Some(old.gid()))
            .context("it belongs to another user; run this as that user or as root")?;
    }
    new.as_file()
        .set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))?;
    new.write_all(text)?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    File::open(&folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "c";
    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    fn id(secret: &str) -> KeyId {
        id_of(secret.as_bytes(), CLUSTER).unwrap()
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        (folder, path)
    }

    fn edit<T>(path: &Path, change: impl FnOnce(&mut KeyFile) -> Result<T, Failure>) -> T {
        KeyFile::edit(path, CLUSTER, change).unwrap()
    }

    #[test]
    fn a_secret_is_replaced_step_by_step_and_remarks_stay() {
        let (folder, path) = file(&format!("# of the mesh\n\n{OLD}  \n# end"));
        let added = edit(&path, |keys| keys.add(NEW.as_bytes(), CLUSTER));
        assert_eq!(added, id(NEW));
        let text = || fs::read_to_string(&path).unwrap();
        assert_eq!(text(), format!("# of the mesh\n\n{OLD}  \n# end\n{NEW}\n"));
        edit(&path, |keys| keys.promote(id(NEW)));
        assert_eq!(text(), format!("# of the mesh\n\n{NEW}\n{OLD}  \n# end\n"));
        assert_eq!(KeyFile::read(&path, CLUSTER).unwrap().ids(), [id(NEW), id(OLD)]);
        edit(&path, |keys| keys.remove(id(OLD)));
        assert_eq!(text(), format!("# of the mesh\n\n{NEW}\n# end\n"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left behind"
        );
    }

    #[test]
    fn the_mode_and_a_link_stay() {
        let (folder, path) = file(OLD);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        edit(&link, |keys| keys.add(NEW.as_bytes(), CLUSTER));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o440);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{OLD}\n{NEW}\n"));
    }

    #[test]
    fn a_key_is_there_once_and_a_refusal_changes_nothing() {
        let (_folder, path) = file(&format!("{OLD}\n"));
        let again = KeyFile::edit(&path, CLUSTER, |keys| keys.add(OLD.as_bytes(), CLUSTER));
        let unknown = KeyFile::edit(&path, CLUSTER, |keys| keys.promote(id(NEW)));
        let also_unknown = KeyFile::edit(&path, CLUSTER, |keys| keys.remove(id(NEW)));
        let signs = KeyFile::edit(&path, CLUSTER, |keys| keys.remove(id(OLD)));
        for (refused, words) in [
            (again.map(drop), "already"),
            (unknown, "no key"),
            (also_unknown, "no key"),
            (signs, "the one that signs"),
        ] {
            let Err(Failure::Failed { error, .. }) = refused else {
                panic!("{words}")
            };
            let told = error.to_string();
            assert!(told.contains(words) && !told.contains(OLD), "{told}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{OLD}\n"));
        // What stands there twice is one key, and goes at once.
        fs::write(&path, format!("{OLD}\n{NEW}\n{NEW}\n")).unwrap();
        assert_eq!(KeyFile::read(&path, CLUSTER).unwrap().ids(), [id(OLD), id(NEW)]);
        edit(&path, |keys| keys.remove(id(NEW)));
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{OLD}\n"));
    }

    #[test]
    fn two_commands_at_once_lose_nothing() {
        let (_folder, path) = file(OLD);
        let secret = |n: usize| format!("secret number {n:02} of a cluster, long enough");
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (path, secret) = (&path, secret(n));
                scope.spawn(move || edit(path, |keys| keys.add(secret.as_bytes(), CLUSTER)));
            }
        });
        let ids = KeyFile::read(&path, CLUSTER).unwrap().ids();
        assert_eq!((ids.len(), ids[0]), (9, id(OLD)));
        assert!((0..8).all(|n| ids.contains(&id(&secret(n)))));
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let long = "x".repeat(MAX_BYTES + 1);
        for (text, words) in [
            ("", "nothing came"),
            (" \n", "nothing came"),
            ("too short", "9 bytes, at least 32"),
            ("0123456789abcdef\n0123456789abcdef", "several lines"),
            ("# 0123456789abcdef0123456789abcdef", "remark"),
            (&long, "more than"),
        ] {
            let Err(Failure::Usage(error)) = new_secret(text.as_bytes()) else {
                panic!("{text}")
            };
            assert!(error.to_string().contains(words), "{error}");
            assert!(
                text.trim().is_empty() || !error.to_string().contains(text.trim()),
                "{error}"
            );
        }
        assert_eq!(*new_secret(format!("{NEW}\r\n").as_bytes()).unwrap(), NEW.as_bytes());
    }
}
