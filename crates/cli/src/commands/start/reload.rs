//! Reads the configuration of a running node again: all of it is judged first, then what needs no restart is taken over.

mod secrets;

use anyhow::Context;
use bellwether::{Config, Node};
use bellwether_gateway::Reloaded;

use super::SERVES;
use super::doors::{CERTIFICATE, Locks};
use super::files::Files;
use crate::commands::config::Settings;
use crate::failure::Failure;
use crate::logging;
use crate::systemd::Systemd;

/// What the node goes by, and where it came from.
pub(super) struct Reloader {
    settings: Settings,
    /// Never more than what holds: what needs a restart is as it was when the node started.
    in_force: Config,
    node: Node,
    locks: Locks,
    systemd: Systemd,
}

/// A configuration that was read again and is right.
struct Read {
    newer: Config,
    /// What of it can hold now, and of the one before what cannot.
    taken: Config,
    files: Files,
}

impl Reloader {
    pub(super) fn new(settings: Settings, in_force: Config, node: Node, locks: Locks, systemd: Systemd) -> Self {
        Self {
            settings,
            in_force,
            node,
            locks,
            systemd,
        }
    }

    /// Says what has changed, or what is wrong; then nothing has. Logs either.
    pub(super) async fn reload(&mut self, by: &'static str) -> Result<Reloaded, String> {
        self.systemd.reloading();
        let read = self.read().await;
        let reloaded = read
            .and_then(|read| self.take_over(read))
            .map_err(|err| format!("{err:#}"));
        match &reloaded {
            Ok(reloaded) => {
                self.systemd.ready(SERVES).await;
                let Reloaded {
                    changed, needs_restart, ..
                } = reloaded;
                let (changed, needs_restart) = (changed.join(" "), needs_restart.join(" "));
                let unchanged = reloaded.unchanged;
                tracing::info!(
                    by,
                    changed,
                    needs_restart,
                    unchanged,
                    "the configuration was read again"
                );
            }
            Err(words) => {
                self.systemd
                    .ready(&format!("serves as before; its configuration is wrong: {words}"))
                    .await;
                tracing::error!(by, err = words, "the configuration is wrong; nothing was changed");
            }
        }
        reloaded
    }

    /// Files and names may take their time, in which the node goes on.
    async fn read(&self) -> anyhow::Result<Read> {
        let (settings, in_force) = (self.settings.clone(), self.in_force.clone());
        let reading = tokio::task::spawn_blocking(move || Read::of(&settings, &in_force));
        reading.await.context("the configuration could not be read")?
    }

    fn take_over(&mut self, read: Read) -> anyhow::Result<Reloaded> {
        let Read {
            newer,
            mut taken,
            files,
        } = read;
        let differing = self.in_force.changes(&newer);
        let mut reloaded = Reloaded {
            changed: self.in_force.changes(&taken).live,
            needs_restart: differing.at_restart,
            unchanged: differing.unchanged,
        };
        // First, since it is the one thing that the node may still refuse.
        secrets::take_over(&self.node, &newer, &mut taken, &mut reloaded)?;
        self.node.take_over(&self.in_force, &taken);
        for key in self.locks.take_over(&self.in_force, &taken, files) {
            let is_told = reloaded.changed.iter().any(|told| told == key);
            if !is_told {
                // The file is the same, what stands in it is not.
                reloaded.unchanged -= usize::from(key == CERTIFICATE);
                reloaded.changed.push(key.to_owned());
            }
        }
        if self.in_force.log != taken.log {
            logging::change(taken.log.as_deref());
        }
        self.in_force = taken;
        Ok(reloaded)
    }
}

impl Read {
    fn of(settings: &Settings, in_force: &Config) -> anyhow::Result<Self> {
        let newer = settings.resolve().map_err(Failure::into_error)?;
        let taken = in_force.taking_over(&newer);
        taken
            .check()
            .context("what needs no restart cannot hold before what needs one; restart the node instead")?;
        // All that a restart would read is read, so that it would not fail by this.
        let mut files = Files::read(&newer)?;
        if taken.tls != newer.tls {
            files.tls = None;
        }
        Ok(Self { newer, taken, files })
    }
}
