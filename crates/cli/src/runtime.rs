//! The asynchronous runtime of a command, and the signals that end it.

use std::future::Future;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// Runs one command's future on this thread.
pub(crate) fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = current_thread()?;
    let outcome = runtime.block_on(command);
    // A read of standard input that waits in a blocking thread must not keep us from ending.
    runtime.shutdown_background();
    outcome
}

/// A runtime that lives on the thread that drives it.
pub(crate) fn current_thread() -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    Ok(runtime.context("cannot start the asynchronous runtime")?)
}

/// The signals that ask a program to end: SIGINT (Ctrl-C) and SIGTERM. While this exists they no longer kill us.
#[cfg(unix)]
pub(crate) struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    pub(crate) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot listen for the signals that end the program");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one and names it. Cancel safe.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// SIGHUP, which asks a node to read its configuration again. While this exists it no longer kills us.
#[cfg(unix)]
pub(crate) struct Hangups(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Hangups {
    pub(crate) fn new() -> Result<Self, Failure> {
        let hangup = tokio::signal::unix::SignalKind::hangup();
        let listening = tokio::signal::unix::signal(hangup);
        Ok(Self(listening.context("cannot listen for SIGHUP")?))
    }

    /// Waits for the next one. Several that come while nobody waits are one. Cancel safe.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

/// Ctrl-C, where there are no Unix signals.
#[cfg(not(unix))]
pub(crate) struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self)
    }

    /// Waits for the next one and names it. Cancel safe.
    pub(crate) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
