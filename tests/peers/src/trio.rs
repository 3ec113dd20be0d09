//! Three processes of one system: A publishes, B and C subscribe.

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::time::Duration;

use crate::arguments::{PROCESSES, PUBLISHER, Place};
use crate::child::Child;
use crate::pass::Pass;
use crate::servers::{Servers, free_address};
use crate::system::System;
use crate::workload::Workload;
use crate::{bellwether_servers, certificate, nats_servers};

/// Killed when dropped, with the servers they need.
#[derive(Debug)]
pub(crate) struct Trio {
    publisher: Child,
    subscribers: Vec<Child>,
    servers: Option<Servers>,
    _folder: TempDir,
}

impl Trio {
    /// Returns once messages reach both subscribers.
    pub(crate) async fn start(system: System) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("bellwether-peers-")?;
        let servers = match system {
            System::Nats => Some(nats_servers::start(folder.path()).await?),
            System::BellwetherNats => Some(bellwether_servers::start(folder.path()).await?),
            System::Bellwether | System::ZenohTcp | System::ZenohQuic => None,
        };
        if system == System::ZenohQuic {
            certificate::write(folder.path())?;
        }
        let (mut children, mut earlier) = (Vec::new(), Vec::new());
        for index in 0..PROCESSES {
            let servers_address = servers.as_ref().and_then(|servers| servers.addresses.get(index));
            let place = Place {
                system,
                index: u8::try_from(index)?,
                folder: folder.path().to_owned(),
                address: servers_address.copied().unwrap_or_else(free_address),
                earlier: earlier.clone(),
            };
            children.push(Child::start(&place).await?);
            earlier.push(place.address);
        }
        for child in &mut children {
            child.answer("ready", Duration::ZERO).await?;
        }
        let mut publisher = children.remove(PUBLISHER.into());
        publisher.command("greet").await?;
        publisher.answer("greeted", Duration::ZERO).await?;
        Ok(Self {
            publisher,
            subscribers: children,
            servers,
            _folder: folder,
        })
    }

    /// Has the publisher publish for this long, and says what it took and what arrived. Nothing may be lost.
    pub(crate) async fn pass(&mut self, workload: Workload, duration: Duration) -> anyhow::Result<Pass> {
        let (before, servers_before) = (self.cpu_ns().await?, self.servers_cpu_ns()?);
        self.publisher.command(&workload.command(duration)).await?;
        let [published, elapsed_ns] = self.publisher.numbers("published", duration).await?;
        let cpu_ns = self.cpu_ns().await?.checked_sub(before).context("CPU time ran back")?;
        let servers_cpu_ns = self.servers_cpu_ns()?.saturating_sub(servers_before);
        let mut latencies_ns = [0; 3];
        for subscriber in &mut self.subscribers {
            subscriber.command("report").await?;
            let [received, lost, latencies @ ..]: [u64; 5] = subscriber.numbers("report", Duration::ZERO).await?;
            ensure!(
                lost == 0 && received == published,
                "{received} received and {lost} lost of {published}"
            );
            for (slower, latency) in latencies_ns.iter_mut().zip(latencies) {
                *slower = latency.max(*slower);
            }
        }
        Ok(Pass {
            published,
            elapsed_ns,
            cpu_ns,
            servers_cpu_ns,
            latencies_ns,
        })
    }

    fn servers_cpu_ns(&self) -> anyhow::Result<u64> {
        self.servers.as_ref().map_or(Ok(0), Servers::cpu_ns)
    }

    async fn cpu_ns(&mut self) -> anyhow::Result<u64> {
        let mut all = self.servers_cpu_ns()?;
        for child in std::iter::once(&mut self.publisher).chain(&mut self.subscribers) {
            all += child.cpu_ns().await?;
        }
        Ok(all)
    }
}
