//! I16: the same seed is the same run, in every process.

#![expect(clippy::unwrap_used, reason = "a set-up that fails fails its test")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Between them: crashes, stops, a replaced host, a partition, a narrow path, lost and doubled packets.
const SEEDS: [u64; 3] = [4, 9, 12];

fn run(seed: u64, directory: &Path, name: &str) -> [Vec<u8>; 2] {
    let files = ["events", "packets"].map(|kind| directory.join(format!("{name}.{kind}")));
    let ended = Command::new(env!("CARGO_BIN_EXE_full-stack"))
        .args(["--seed", &seed.to_string()])
        .arg("--events")
        .arg(&files[0])
        .arg("--packets")
        .arg(&files[1])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "seed {seed}: {said}");
    files.map(|file| fs::read(file).unwrap())
}

#[test]
fn two_processes_with_one_seed_write_the_same_events_and_send_the_same_packets() {
    let directory = tempfile::tempdir().unwrap();
    for seed in SEEDS {
        let [one, other] = ["one", "other"].map(|name| run(seed, directory.path(), name));
        assert!(one[0].len() > 100_000, "seed {seed}: a run in which little happens");
        assert!(one[0] == other[0], "seed {seed}: the histories differ");
        assert!(one[1] == other[1], "seed {seed}: the packets differ");
    }
    let [other_seed, _] = run(SEEDS[0] + 1, directory.path(), "next");
    let [first, _] = run(SEEDS[0], directory.path(), "first");
    assert!(first != other_seed, "another seed is another run");
}
