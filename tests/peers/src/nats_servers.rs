//! The three servers that NATS needs beside the processes that publish and subscribe.

use std::env;
use std::fs::{File, read_to_string};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bellwether_tests::port;
use tokio::net::TcpStream;
use tokio::process::{Child as Process, Command};
use tokio::time::{Duration, Instant, sleep};

use crate::arguments::PROCESSES;
use crate::cpu;

const PROGRAM: &str = "nats-server";
/// Where Debian has it, which is not in everybody's path.
const DEBIAN: &str = "/usr/sbin";
const START_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A full mesh of servers of defaults, on loopback. Killed when dropped.
#[derive(Debug)]
pub(crate) struct NatsServers {
    /// Where clients connect.
    pub(crate) addresses: Vec<SocketAddr>,
    processes: Vec<Process>,
}

impl NatsServers {
    /// Where the server is installed, if it is.
    pub(crate) fn program() -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain([DEBIAN.into()]);
        folders.map(|folder| folder.join(PROGRAM)).find(|file| file.is_file())
    }

    /// What it calls itself.
    pub(crate) async fn version() -> Option<String> {
        let output = Command::new(Self::program()?).arg("--version").output().await.ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Returns once they listen; whether they have found each other shows when messages arrive.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let program = Self::program().with_context(|| format!("{PROGRAM} is not installed"))?;
        let mut servers = Self {
            addresses: Vec::new(),
            processes: Vec::new(),
        };
        let mut routes: Vec<String> = Vec::new();
        for index in 0..PROCESSES {
            let [client, route] = [free_address(), free_address()];
            let route = format!("nats://{route}");
            let log = folder.join(format!("{PROGRAM}-{index}.log"));
            // This program becomes the server, once it has seen to it that the server does not outlive it.
            let mut command = Command::new(env::current_exe()?);
            command.arg("server").arg(&program).kill_on_drop(true);
            command.args(["--addr", &client.ip().to_string(), "--port", &client.port().to_string()]);
            command.args([
                "--name",
                &index.to_string(),
                "--cluster_name",
                "bench",
                "--cluster",
                &route,
            ]);
            if !routes.is_empty() {
                command.args(["--routes", &routes.join(",")]);
            }
            let output = File::create(&log)?;
            let mut process = command.stdout(output.try_clone()?).stderr(output).spawn()?;
            if let Err(err) = listens(&mut process, client).await {
                let said = read_to_string(&log).unwrap_or_default();
                return Err(err.context(format!("{PROGRAM} said:\n{said}")));
            }
            servers.addresses.push(client);
            servers.processes.push(process);
            routes.push(route);
        }
        Ok(servers)
    }

    /// Their CPU time until now, in nanoseconds.
    pub(crate) fn cpu_ns(&self) -> anyhow::Result<u64> {
        let of_one = |process: &Process| cpu::of(process.id().context("a server has ended")?);
        self.processes.iter().map(of_one).sum()
    }
}

/// On loopback, and nobody listens there.
pub(crate) fn free_address() -> SocketAddr {
    let ip = Ipv4Addr::LOCALHOST.into();
    SocketAddr::new(ip, port::free_on(&[ip]))
}

async fn listens(process: &mut Process, address: SocketAddr) -> anyhow::Result<()> {
    let began = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        if let Some(status) = process.try_wait()? {
            bail!("it ended at once: {status}");
        }
        if began.elapsed() > START_WITHIN {
            bail!("it does not listen on {address}");
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}
