//! `bellwether token revoke`: adds a token to the list of those that no longer count.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use bellwether_access::{Claims, Revoked, TOKEN_PREFIX, TokenId};
use tempfile::NamedTempFile;

use super::given;
use crate::failure::Failure;
use crate::output;

/// Of a list that there was not: nodes run as other users, and ids are no secret.
const MODE: u32 = 0o644;

/// The command.
#[derive(Debug)]
pub(crate) struct Revoke {
    /// Its id, or it itself; `-`: either stands on standard input.
    pub(crate) token: String,
    /// The list.
    pub(crate) file: PathBuf,
}

impl Revoke {
    /// Prints the id. One that is on the list already is left there.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let given = given(&self.token)?;
        let (id, remark) = match given.starts_with(TOKEN_PREFIX) {
            true => {
                let claims = Claims::read_unverified(&given).map_err(Failure::usage)?;
                (claims.id, format!("  # {}", claims.name.escape_debug()))
            }
            false => (given.parse::<TokenId>().map_err(Failure::usage)?, String::new()),
        };
        let place = || format!("cannot revoke it in {}", self.file.display());
        append(&self.file, id, &remark).with_context(place)?;
        output::print(id.to_string())
    }
}

/// Whole or not at all: a node that reads meanwhile gets the old list or the new one.
fn append(file: &Path, id: TokenId, remark: &str) -> anyhow::Result<()> {
    // A list that is a link stays one.
    let file = &match fs::canonicalize(file) {
        Ok(file) => file,
        Err(err) if err.kind() == ErrorKind::NotFound => file.to_owned(),
        Err(err) => return Err(err.into()),
    };
    let (mut text, old) = match fs::read_to_string(file) {
        Ok(text) => (text, Some(fs::metadata(file)?)),
        Err(err) if err.kind() == ErrorKind::NotFound => (String::new(), None),
        Err(err) => return Err(err.into()),
    };
    let (revoked, wrong) = Revoked::parse(&text);
    if let Some(wrong) = wrong {
        return Err(wrong.into());
    }
    if revoked.contains(&id) {
        return Ok(());
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!("{id}{remark}\n"));
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    let mode = old.as_ref().map_or(MODE, |old| old.mode() & 0o7777);
    new.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    if let Some(old) = old {
        // Where this user may not give it away, the node can read it all the same by its mode, or its owner sees the error.
        let _ = std::os::unix::fs::fchown(new.as_file(), Some(old.uid()), Some(old.gid()));
    }
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_appended_once_and_what_stands_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("revoked");
        let [one, other] = [[1; 8], [2; 8]].map(TokenId::new);
        append(&file, one, "  # web").unwrap();
        fs::write(&file, format!("# ours\n{one}  # web")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        append(&file, other, "").unwrap();
        append(&file, one, "").unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text, format!("# ours\n{one}  # web\n{other}\n"));
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left behind"
        );
    }

    #[test]
    fn a_file_that_is_no_list_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes");
        fs::write(&file, "dear diary\n").unwrap();
        assert!(append(&file, TokenId::new([1; 8]), "").is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "dear diary\n");
    }
}
