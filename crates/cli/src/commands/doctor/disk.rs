//! Whether the folder for what survives a restart can be written, and has room.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::finding::{Finding, Verdict};

const CHECK: &str = "data_folder";
/// A node writes one small file there; but a disk that is as full as this will soon have no room for that either.
const LITTLE_BYTES: u64 = 64 * 1024 * 1024;
const TOO_LITTLE_BYTES: u64 = 1024 * 1024;
const WHY: &str = "a node that cannot write the number of its run may come back under one that its peers have seen, \
                   and is not believed";

/// What the system says of a folder.
#[derive(Debug, Clone, Copy)]
struct Room {
    free_bytes: u64,
    /// None: the file system has no such number.
    free_files: Option<u64>,
}

pub(super) fn check(folder: &Path) -> Finding {
    let there = nearest(folder);
    let writable = access(&there, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from);
    let room = statvfs(&there).map_err(io::Error::from).map(|room| Room {
        free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
        free_files: (room.f_files > 0).then_some(room.f_favail),
    });
    judge(folder, &there, writable, room)
}

/// The folder, or what is there of the path to it.
fn nearest(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|path| path.exists());
    match there {
        Some(path) if path.as_os_str().is_empty() => PathBuf::from("."),
        Some(path) => path.to_owned(),
        // A relative path of one part has the empty path above it, which does not exist.
        None => PathBuf::from("."),
    }
}

fn judge(folder: &Path, there: &Path, writable: io::Result<()>, room: io::Result<Room>) -> Finding {
    let name = match folder == there {
        true => format!("{}", folder.display()),
        false => format!("{} (to be made in {})", folder.display(), there.display()),
    };
    if let Err(err) = writable {
        let advice = format!(
            "let the user of the node write {}, or name another folder with --data-dir; this was checked as the user \
             who runs this",
            there.display()
        );
        return Finding::bad(
            CHECK,
            Verdict::Critical,
            format!("{name} cannot be written: {err}"),
            WHY,
            advice,
        );
    }
    if !there.is_dir() {
        let found = format!("{name}: what is there is no folder");
        return Finding::bad(CHECK, Verdict::Critical, found, WHY, "name a folder with --data-dir");
    }
    let room = match room {
        Ok(room) => room,
        Err(err) => return Finding::unknown(CHECK, format!("the room of {name} is not told: {err}")),
    };
    let found = format!(
        "{name} can be written; {} MiB are free",
        room.free_bytes / (1024 * 1024)
    );
    let verdict = match room {
        Room {
            free_files: Some(0), ..
        } => Verdict::Critical,
        Room {
            free_bytes: 0..TOO_LITTLE_BYTES,
            ..
        } => Verdict::Critical,
        Room {
            free_bytes: TOO_LITTLE_BYTES..LITTLE_BYTES,
            ..
        } => Verdict::Warning,
        _ => return Finding::ok(CHECK, found),
    };
    let found = match room.free_files {
        Some(0) => format!("{found}, but no file more can be made (no inodes)"),
        _ => found,
    };
    Finding::bad(CHECK, verdict, found, WHY, "make room on that file system")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(writable: io::Result<()>, free_bytes: u64, free_files: Option<u64>) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        let room = Room { free_bytes, free_files };
        judge(folder.path(), folder.path(), writable, Ok(room)).verdict
    }

    #[test]
    fn room_and_rights_are_judged() {
        assert_eq!(verdict(Ok(()), LITTLE_BYTES, Some(7)), Verdict::Ok);
        assert_eq!(verdict(Ok(()), LITTLE_BYTES, None), Verdict::Ok);
        assert_eq!(verdict(Ok(()), LITTLE_BYTES, Some(0)), Verdict::Critical);
        assert_eq!(verdict(Ok(()), LITTLE_BYTES - 1, Some(7)), Verdict::Warning);
        assert_eq!(verdict(Ok(()), TOO_LITTLE_BYTES - 1, Some(7)), Verdict::Critical);
        let denied = io::ErrorKind::PermissionDenied.into();
        assert_eq!(verdict(Err(denied), LITTLE_BYTES, Some(7)), Verdict::Critical);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_where_it_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("a/b");
        assert_eq!(nearest(&wanted), folder.path());
        assert!(check(&wanted).found.contains("to be made in"));
        assert_eq!(nearest(Path::new("not-there-at-all")), Path::new("."));
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(check(&file).verdict, Verdict::Critical);
    }
}
