//! The recorder: writes one process's part of a history.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_history::{Kind, Run, Writer};

use crate::clock::now_ns;

/// Appends events to a file, stamped with the clock that all processes of a host share. Cheap to clone.
///
/// What is only [noted](Self::note) is lost with a killed process. Whoever records a publish flushes before it
/// publishes, so that nothing arrives anywhere that nobody has published.
#[derive(Debug, Clone)]
pub struct Recorder {
    run: Run,
    writer: Arc<Mutex<Writer>>,
}

impl Recorder {
    /// Appends to a file what happens to one run of a node.
    pub fn open(path: &Path, node: &str, epoch: u64) -> std::io::Result<Self> {
        Ok(Self {
            run: Run::new(node, epoch),
            writer: Arc::new(Mutex::new(Writer::append_to(path)?)),
        })
    }

    /// The same file, for what happens to another run.
    pub fn of(&self, node: &str, epoch: u64) -> Self {
        Self {
            run: Run::new(node, epoch),
            writer: self.writer.clone(),
        }
    }

    /// Notes an event now, to be written with others.
    pub fn note(&self, kind: Kind) {
        let event = self.run.at(now_ns() / 1000, kind);
        self.lock().append(&event).expect("a history can be written");
    }

    /// Writes what was noted.
    pub fn flush(&self) {
        self.lock().flush().expect("a history can be written");
    }

    /// Notes an event now and writes it.
    pub fn write(&self, kind: Kind) {
        self.note(kind);
        self.flush();
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A short name for a payload (FNV-1a), by which a history tells two apart.
pub fn fingerprint(payload: &[u8]) -> u64 {
    payload.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
