//! Servers that clients connect to: three, beside the processes that publish and subscribe.

use std::env;
use std::fs::{File, read_to_string};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, bail};
use bellwether_tests::port;
use tokio::net::TcpStream;
use tokio::process::{Child as Process, Command};
use tokio::time::{Duration, Instant, sleep};

use crate::cpu;

const START_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// On loopback. Killed when dropped.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    /// Where clients connect.
    pub(crate) addresses: Vec<SocketAddr>,
    processes: Vec<Process>,
}

impl Servers {
    /// Starts one more with these words, and returns once it listens; whether the servers have found each other shows when
    /// messages arrive. Its log is in `folder`.
    pub(crate) async fn add(
        &mut self,
        program: &Path,
        words: &[String],
        address: SocketAddr,
        folder: &Path,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let log = folder.join(format!("server-{}.log", self.addresses.len()));
        // This program becomes the server, once it has seen to it that the server does not outlive it.
        let mut command = Command::new(env::current_exe()?);
        command.arg("server").arg(program).args(words).kill_on_drop(true);
        command.envs(variables.iter().copied());
        let output = File::create(&log)?;
        let mut process = command.stdout(output.try_clone()?).stderr(output).spawn()?;
        if let Err(err) = listens(&mut process, address).await {
            let said = read_to_string(&log).unwrap_or_default();
            return Err(err.context(format!("{} said:\n{said}", program.display())));
        }
        self.addresses.push(address);
        self.processes.push(process);
        Ok(())
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
