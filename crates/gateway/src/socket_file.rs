//! The Unix socket as a file: taken, guarded and removed.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Its owner and its group may connect.
const MODE: u32 = 0o660;

/// The file of a socket on which this process listens. Dropped, it is removed, unless it is another's by now.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode: who else makes a socket there makes another file.
    id: (u64, u64),
}

impl SocketFile {
    /// Listens there. What a process left behind that is no more is replaced.
    pub(crate) fn bind(path: &Path) -> Result<(UnixListener, Self), SocketError> {
        let listener = match UnixListener::bind(path) {
            Err(err) if err.kind() == ErrorKind::AddrInUse => {
                remove_stale(path)?;
                UnixListener::bind(path)
            }
            bound => bound,
        };
        let other = |source| SocketError::of(path, source);
        let listener = listener.map_err(other)?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE)).map_err(other)?;
        let metadata = fs::symlink_metadata(path).map_err(other)?;
        let file = Self {
            path: path.to_owned(),
            id: (metadata.dev(), metadata.ino()),
        };
        listener.set_nonblocking(true).map_err(other)?;
        Ok((listener, file))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours =
            fs::symlink_metadata(&self.path).is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.id);
        if is_ours && let Err(err) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %err, "the socket cannot be removed");
        }
    }
}

/// Removes a socket at which nobody listens.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if !is_socket {
        return Err(SocketError::NoSocket { path: path.to_owned() });
    }
    match UnixStream::connect(path) {
        Err(err) if err.kind() == ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "a socket that nobody listens at is replaced");
            fs::remove_file(path).map_err(|source| SocketError::of(path, source))
        }
        Err(err) if err.kind() == ErrorKind::NotFound => Ok(()),
        Err(err) if err.kind() == ErrorKind::PermissionDenied => Err(SocketError::of(path, err)),
        // Somebody listens, and may be too busy to say so.
        Ok(_) | Err(_) => Err(SocketError::InUse { path: path.to_owned() }),
    }
}

/// Why a path was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// Somebody listens there.
    #[error("{} is already in use: another node or program listens there; choose another with --socket", path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("{} is there already and is no socket; choose another path with --socket", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// There is no folder for it.
    #[error("there is no folder for {}; make it, or choose another path with --socket", path.display())]
    NoFolder {
        /// The path.
        path: PathBuf,
    },
    /// The system does not allow it.
    #[error("this user may not make a socket at {}; choose another path with --socket", path.display())]
    NotAllowed {
        /// The path.
        path: PathBuf,
    },
    /// Anything else.
    #[error("cannot listen for clients at {}", path.display())]
    Other {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl SocketError {
    fn of(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::NoFolder { path },
            ErrorKind::PermissionDenied => Self::NotAllowed { path },
            _ => Self::Other { path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_socket_is_for_owner_and_group_and_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let (listener, file) = SocketFile::bind(&path).unwrap();
        assert_eq!(mode(&path), 0o660);
        drop((listener, file));
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_that_nobody_listens_at_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "as after a crash");
        let (_listener, file) = SocketFile::bind(&path).unwrap();
        assert!(matches!(SocketFile::bind(&path), Err(SocketError::InUse { .. })));
        // What another has put in its place is not removed.
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        fs::write(&path, "dear diary").unwrap();
        assert!(matches!(SocketFile::bind(&path), Err(SocketError::NoSocket { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary");
        let nowhere = folder.path().join("no/a.sock");
        assert!(matches!(SocketFile::bind(&nowhere), Err(SocketError::NoFolder { .. })));
        let under_file = path.join("a.sock");
        assert!(matches!(
            SocketFile::bind(&under_file),
            Err(SocketError::NoFolder { .. })
        ));
    }
}
