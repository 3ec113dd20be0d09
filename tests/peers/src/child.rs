//! One of the three processes, as the first one sees it: commands go in, lines come out.

use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};
use tokio::time::{Duration, timeout};

use crate::arguments::Place;

/// How much longer than what it was told to do a process may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Killed when dropped.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Process,
}

impl Child {
    /// Returns once it listens.
    pub(crate) async fn start(place: &Place) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(place.words()).kill_on_drop(true);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = process.stdin.take().context("stdin is piped")?;
        let stdout = process.stdout.take().context("stdout is piped")?;
        let mut child = Self {
            name: place.name(),
            stdin,
            lines: BufReader::new(stdout).lines(),
            _process: process,
        };
        child.answer("started", Duration::ZERO).await?;
        Ok(child)
    }

    /// Its CPU time until now, in nanoseconds.
    pub(crate) async fn cpu_ns(&mut self) -> anyhow::Result<u64> {
        self.command("cpu").await?;
        let [ns] = self.numbers("cpu", Duration::ZERO).await?;
        Ok(ns)
    }

    pub(crate) async fn command(&mut self, line: &str) -> anyhow::Result<()> {
        let written = self.stdin.write_all(format!("{line}\n").as_bytes()).await;
        written.with_context(|| format!("{} takes no commands any more", self.name))
    }

    /// The rest of its next line, which must begin with this word.
    pub(crate) async fn answer(&mut self, word: &str, after: Duration) -> anyhow::Result<String> {
        let line = timeout(after + ANSWER_WITHIN, self.lines.next_line());
        let line = line
            .await
            .with_context(|| format!("{} does not answer with `{word}`", self.name))??;
        match line.as_deref().and_then(|line| line.strip_prefix(word)) {
            Some(rest) => Ok(rest.trim().to_owned()),
            None => bail!("{} answered {line:?}, not `{word}`", self.name),
        }
    }

    /// The numbers in such a line.
    pub(crate) async fn numbers<const N: usize>(&mut self, word: &str, after: Duration) -> anyhow::Result<[u64; N]> {
        let line = self.answer(word, after).await?;
        let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        numbers
            .try_into()
            .ok()
            .with_context(|| format!("{} answered {line:?}", self.name))
    }
}
