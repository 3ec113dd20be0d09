//! One of the three processes, as the first one sees it: commands go in, lines come out.

use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};
use tokio::time::{Duration, timeout};

/// Longer than any pass takes.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Killed when dropped.
pub(crate) struct Child {
    name: &'static str,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Process,
}

impl Child {
    /// Starts this program once more, with these words. The name is for errors.
    pub(crate) fn start(name: &'static str, words: &[String]) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn()?;
        let stdin = process.stdin.take().context("stdin is piped")?;
        let stdout = process.stdout.take().context("stdout is piped")?;
        Ok(Self {
            name,
            stdin,
            lines: BufReader::new(stdout).lines(),
            _process: process,
        })
    }

    /// Its CPU time until now, in nanoseconds.
    pub(crate) async fn cpu_ns(&mut self) -> anyhow::Result<u64> {
        self.command("cpu").await?;
        Ok(self.answer("cpu").await?.parse()?)
    }

    /// Its memory in use.
    pub(crate) async fn resident_bytes(&mut self) -> anyhow::Result<u64> {
        self.command("resident").await?;
        Ok(self.answer("resident").await?.parse()?)
    }

    pub(crate) async fn command(&mut self, line: &str) -> anyhow::Result<()> {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(())
    }

    /// The rest of its next line, which must begin with this word.
    pub(crate) async fn answer(&mut self, word: &str) -> anyhow::Result<String> {
        let line = timeout(ANSWER_WITHIN, self.lines.next_line());
        let line = line
            .await
            .with_context(|| format!("{} does not answer with `{word}`", self.name))??;
        match line.as_deref().and_then(|line| line.strip_prefix(word)) {
            Some(rest) => Ok(rest.trim().to_owned()),
            None => bail!("{} answered {line:?}, not `{word}`", self.name),
        }
    }

    /// The numbers in such a line.
    pub(crate) async fn numbers<const N: usize>(&mut self, word: &str) -> anyhow::Result<[u64; N]> {
        let line = self.answer(word).await?;
        let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        numbers
            .try_into()
            .ok()
            .with_context(|| format!("{} answered {line:?}", self.name))
    }
}
