//! Many seeds: each in a process of its own, several at a time.
//!
//! A process of its own repeats exactly (see [`simulate`](crate::simulation::simulate)), takes nobody with it when it
//! panics, and can be ended when it hangs.

use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::outcome::Outcome;

/// A seed that takes longer hangs.
const SEED_WITHIN: Duration = Duration::from_secs(120);
/// How often it is looked whether a seed is done.
const LOOK: Duration = Duration::from_millis(2);

/// Runs all seeds, `at_once` of them at a time, by the program at `program`. Tells each that failed as soon as it did.
pub fn run(program: &Path, seeds: Range<u64>, at_once: usize, failed: impl Fn(u64, &[String]) + Sync) -> Outcome {
    let (next, sum) = (AtomicU64::new(seeds.start), Mutex::new(Outcome::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let outcome = one(program, seed).unwrap_or_else(|words| Outcome {
                seeds: 1,
                violations: vec![words],
                ..Outcome::default()
            });
            if !outcome.violations.is_empty() {
                failed(seed, &outcome.violations);
            }
            sum.lock().unwrap_or_else(PoisonError::into_inner).add(outcome);
        }
    };
    thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            scope.spawn(work);
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn one(program: &Path, seed: u64) -> Result<Outcome, String> {
    let mut child = Command::new(program)
        .args(["--seed", &seed.to_string(), "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|err| format!("it does not start: {err}"))?;
    let (out, errors) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let ended = wait(&mut child).map_err(|err| format!("it cannot be waited for: {err}"));
    let text = |reader: thread::JoinHandle<Vec<u8>>| {
        let bytes = reader.join().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (out, errors) = (text(out), text(errors));
    if !ended? {
        return Err(format!("it did not end within {SEED_WITHIN:?} of real time"));
    }
    serde_json::from_str(&out).map_err(|err| format!("it ended without an outcome ({err}): {}", errors.trim()))
}

/// Reads an output to its end, so that its writer never waits.
fn drain(output: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut output) = output {
            // What was read until an error is all there is.
            let _ = output.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// False: it hung, and was ended.
#[expect(clippy::disallowed_methods, reason = "no runtime runs here, and nothing else waits")]
fn wait(child: &mut Child) -> io::Result<bool> {
    let deadline = Instant::now() + SEED_WITHIN;
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(LOOK);
    }
    Ok(true)
}
