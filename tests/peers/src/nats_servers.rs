//! The servers of NATS: a full mesh of three, with their defaults.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::process::Command;

use crate::arguments::PROCESSES;
use crate::servers::{Servers, free_address};

const PROGRAM: &str = "nats-server";
/// Where Debian has it, which is not in everybody's path.
const DEBIAN: &str = "/usr/sbin";

/// Where the server is installed, if it is.
pub(crate) fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([DEBIAN.into()]);
    folders.map(|folder| folder.join(PROGRAM)).find(|file| file.is_file())
}

/// What it calls itself.
pub(crate) async fn version() -> Option<String> {
    let output = Command::new(program()?).arg("--version").output().await.ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Starts them.
pub(crate) async fn start(folder: &Path) -> anyhow::Result<Servers> {
    let program = program().with_context(|| format!("{PROGRAM} is not installed"))?;
    let mut servers = Servers::default();
    let mut routes: Vec<String> = Vec::new();
    for index in 0..PROCESSES {
        let [client, route] = [free_address(), free_address()];
        let route = format!("nats://{route}");
        let mut words = vec![
            "--addr".to_owned(),
            client.ip().to_string(),
            "--port".to_owned(),
            client.port().to_string(),
            "--name".to_owned(),
            index.to_string(),
            "--cluster_name".to_owned(),
            "bench".to_owned(),
            "--cluster".to_owned(),
            route.clone(),
        ];
        if !routes.is_empty() {
            words.extend(["--routes".to_owned(), routes.join(",")]);
        }
        servers.add(&program, &words, client, folder, &[]).await?;
        routes.push(route);
    }
    Ok(servers)
}
