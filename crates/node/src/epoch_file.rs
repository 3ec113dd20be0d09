//! The file that makes a node's epoch rise at every start, whatever its clock does.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bellwether_message::{Epoch, WallClock};

/// Name of the file in the data directory.
const FILE: &str = "epoch";

/// Takes the number of this run: one above the last, or the time in ms, whichever is higher; and remembers it.
///
/// Written beside and renamed, flushed to disk before: after a crash the file holds the old number or the new.
///
/// # Errors
/// [`EpochError`]. The caller may go on with [`from_clock`], and should say so.
pub(crate) fn next(directory: &Path, clock: WallClock) -> Result<Epoch, EpochError> {
    take(directory, from_clock(clock))
}

/// Makes the next run's number higher than `newer`, which a peer knows.
pub(crate) fn raise(directory: &Path, newer: Epoch) -> Result<(), EpochError> {
    take(directory, newer).map(drop)
}

fn take(directory: &Path, at_least: Epoch) -> Result<Epoch, EpochError> {
    let path = directory.join(FILE);
    let fail = |action| {
        move |source| EpochError {
            action,
            path: directory.join(FILE),
            source,
        }
    };
    fs::create_dir_all(directory).map_err(fail("create the directory of"))?;
    let last: u64 = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().unwrap_or_else(|_| {
            tracing::warn!(path = %path.display(), "the epoch file is damaged; taking the clock");
            0
        }),
        Err(err) if err.kind() == io::ErrorKind::NotFound => 0,
        Err(err) => return Err(fail("read")(err)),
    };
    let epoch = at_least.0.max(last.saturating_add(1));
    let beside = directory.join(format!("{FILE}.new"));
    let write = || {
        let mut file = File::create(&beside)?;
        writeln!(file, "{epoch}")?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(fail("write"))?;
    Ok(Epoch(epoch))
}

/// The number a clock alone gives.
pub(crate) fn from_clock(clock: WallClock) -> Epoch {
    Epoch(u64::try_from(clock().as_millis()).unwrap_or(1).max(1))
}

/// The epoch could not be remembered.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}")]
pub(crate) struct EpochError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

#[cfg(test)]
mod tests {
    use bellwether_message::Timestamp;

    use super::*;

    const CLOCK: WallClock = || Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn epochs_rise_even_when_the_clock_was_set_back() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("new/state");
        assert_eq!(next(&data, CLOCK).unwrap(), Epoch(1_800_000_000_000));
        let set_back = || Timestamp::from_millis(-5);
        assert_eq!(next(&data, set_back).unwrap(), Epoch(1_800_000_000_001));
        fs::write(data.join(FILE), "99999999999999\n").unwrap();
        assert_eq!(next(&data, CLOCK).unwrap(), Epoch(100_000_000_000_000));
        assert_eq!(next(&data, CLOCK).unwrap(), Epoch(100_000_000_000_001));
    }

    #[test]
    fn a_run_after_a_raise_is_above_it() {
        let directory = tempfile::tempdir().unwrap();
        raise(directory.path(), Epoch(99_999_999_999_999)).unwrap();
        assert_eq!(next(directory.path(), CLOCK).unwrap(), Epoch(100_000_000_000_000));
    }

    #[test]
    fn a_damaged_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "half a num").unwrap();
        assert!(next(directory.path(), CLOCK).unwrap().0 > 1_000_000);
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let err = next(&file, CLOCK).unwrap_err();
        assert!(err.to_string().contains("file"), "{err}");
    }
}
