//! Three nodes as they are started as programs, with their door for NATS clients open.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::arguments::PROCESSES;
use crate::servers::{Servers, free_address};

/// Says where the program is; `scripts/bench` sets it.
const PROGRAM: &str = "BENCHMARKED_PROGRAM";
/// It protects a mesh on loopback for some seconds, and is no secret.
const SECRET: &str = "a secret of the benchmark that has more than 32 bytes";

/// Where the program is, if anybody has said so.
pub(crate) fn program() -> Option<PathBuf> {
    env::var_os(PROGRAM).map(PathBuf::from).filter(|file| file.is_file())
}

/// Starts them.
pub(crate) async fn start(folder: &Path) -> anyhow::Result<Servers> {
    let program = program().with_context(|| format!("{PROGRAM} does not name the program"))?;
    let mut servers = Servers::default();
    let mut seed = None;
    for index in 0..PROCESSES {
        let [nats, mesh] = [free_address(), free_address()];
        let name = format!("server-{index}");
        let data = folder.join(&name);
        let mut words = [
            "start",
            "--name",
            &name,
            "--data-dir",
            &data.display().to_string(),
            "--listen",
            &mesh.to_string(),
            "--http",
            "off",
            "--nats",
            &nats.to_string(),
        ]
        .map(str::to_owned)
        .to_vec();
        if let Some(seed) = &seed {
            words.extend(["--seed".to_owned(), String::clone(seed)]);
        }
        servers
            .add(&program, &words, nats, folder, &[("SECRET_KEY_BASE", SECRET)])
            .await?;
        seed.get_or_insert_with(|| mesh.to_string());
    }
    Ok(servers)
}
