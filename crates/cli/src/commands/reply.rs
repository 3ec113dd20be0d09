//! `bellwether reply`: answers what is asked.

use std::num::NonZeroUsize;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bellwether_client::{Client, Delivery, Message, ReplyError};
use bellwether_message::{Instance, MAX_PAYLOAD_BYTES, Pattern};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::commands::subscribe::item::{Item, subscribed_text};
use crate::failure::{Failure, tell};
use crate::input::{self, Given};
use crate::message_line;
use crate::output::{Format, Output, Paint, printable};
use crate::reach::Reach;
use crate::runtime::block_on;

/// The event tag of an answer.
const EVENT: &str = "reply";

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) node: Reach,
    pub(crate) instance: Instance,
    /// That of a queue group, if there is one.
    pub(crate) pattern: Pattern,
    pub(crate) answer: Answer,
    /// So many questions are answered at once.
    pub(crate) jobs: NonZeroUsize,
    /// Ends well after this many messages.
    pub(crate) count: Option<u64>,
    pub(crate) format: Format,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Payload(Given),
    Echo,
    /// What a command prints.
    Command {
        command: String,
        /// Then it is ended.
        longest: Duration,
    },
}

/// What is answered, once it is read.
enum Source {
    Payload(Bytes),
    Echo,
    Command { command: String, longest: Duration },
}

impl Reply {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let source = Arc::new(match self.answer.clone() {
            Answer::Payload(given) => Source::Payload(given.read()?),
            Answer::Echo => Source::Echo,
            Answer::Command { command, longest } => Source::Command { command, longest },
        });
        block_on(async {
            let client = self.node.connect().await?;
            let mut questions = client.subscribe([(self.instance, self.pattern.clone())]).open().await?;
            let mut jobs = JoinSet::new();
            let mut output = Output::stdout();
            let mut left = self.count;
            while left != Some(0) {
                // While all are at work, what comes waits at the node.
                if jobs.len() >= self.jobs.get() {
                    jobs.join_next().await;
                    continue;
                }
                let delivery = tokio::select! {
                    biased;
                    Some(_) = jobs.join_next() => continue,
                    delivery = questions.next() => delivery,
                };
                match delivery {
                    None => break,
                    Some(Ok(Delivery::Message(question))) => {
                        left = left.map(|left| left.saturating_sub(1));
                        self.print(&mut output, &question)?;
                        let (client, source) = (client.clone(), Arc::clone(&source));
                        jobs.spawn(async move { answer(&client, &source, question).await });
                    }
                    Some(Ok(other)) => tell_of(other),
                    Some(Err(err)) => return Err(err.into()),
                }
            }
            while jobs.join_next().await.is_some() {}
            Ok(())
        })
    }

    fn print(&self, output: &mut Output, question: &Message) -> Result<(), Failure> {
        match self.format {
            Format::Json => output.line(question.as_json())?,
            Format::Text => {
                let line = message_line::render(question.as_json(), Paint::for_stdout());
                output.line(line.map_err(anyhow::Error::from)?)?;
            }
        }
        output.flush()
    }
}

/// What is no question, on stderr.
fn tell_of(delivery: Delivery) {
    match delivery {
        Delivery::Subscribed(report) => tell(format_args!("subscribed, {}", subscribed_text(&report))),
        Delivery::Lost(loss) => tell(format_args!("{loss}; trying until it is back")),
        Delivery::Reconnected(again) => tell(format_args!("the node is back: {}", again.how)),
        Delivery::Gap(gap) => tell(Item::Gap(gap).text().unwrap_or_default()),
        _ => {}
    }
}

/// Answers one, or says why not.
async fn answer(client: &Client, source: &Source, question: Message) {
    let (instance, draft) = match question.reply(EVENT) {
        Ok(reply) => reply,
        // No question.
        Err(ReplyError::NotWanted) => return,
        Err(err) => return tell(format_args!("{} cannot be answered: {err}", question.id)),
    };
    let payload = match source {
        Source::Payload(payload) => Ok(payload.clone()),
        Source::Echo => Ok(question.payload.clone()),
        Source::Command { command, longest } => run(command, *longest, &question).await,
    };
    let payload = match payload {
        Ok(payload) => payload,
        Err(err) => {
            return tell(format_args!(
                "{} is not answered: {}",
                question.id,
                printable(&format!("{err:#}"))
            ));
        }
    };
    let content_type = match source {
        Source::Echo => question.content_type.clone(),
        _ => input::content_type_of(&payload),
    };
    if let Err(err) = client.publish(instance, &draft.payload(content_type, payload)).await {
        tell(format_args!("the answer to {} is not published: {err}", question.id));
    }
}

/// What a command prints that reads the question.
async fn run(command: &str, longest: Duration, question: &Message) -> anyhow::Result<Bytes> {
    let mut child = shell(command)
        .env("BELLWETHER_ID", question.id.to_string())
        .env("BELLWETHER_INSTANCE", question.instance.name())
        .env("BELLWETHER_TOPIC", question.topic.as_str())
        .env("BELLWETHER_EVENT", &question.event)
        .env("BELLWETHER_CONTENT_TYPE", question.content_type.name())
        .env("BELLWETHER_ORIGINATING_NODE", question.originating_node.as_str())
        .env("BELLWETHER_REPORTING_NODE", question.reporting_node.as_str())
        .env(
            "BELLWETHER_CORRELATION_ID",
            question.correlation_id.as_deref().unwrap_or_default(),
        )
        .env("BELLWETHER_REPLY_TO", question.reply_to.as_deref().unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the command cannot be run")?;
    let ended = timeout(longest, converse(&mut child, &question.payload)).await;
    ended.map_err(|_| anyhow::anyhow!("the command has not ended within {} s", longest.as_secs_f64()))?
}

async fn converse(child: &mut Child, question: &[u8]) -> anyhow::Result<Bytes> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let asking = async {
        if let Some(mut stdin) = stdin {
            // A command need not read what it is asked.
            let _ = stdin.write_all(question).await;
        }
    };
    let listening = async {
        let mut printed = Vec::new();
        if let Some(stdout) = stdout {
            stdout
                .take(MAX_PAYLOAD_BYTES as u64 + 1)
                .read_to_end(&mut printed)
                .await?;
        }
        std::io::Result::Ok(printed)
    };
    let ((), printed) = tokio::join!(asking, listening);
    let printed = printed.context("what the command prints cannot be read")?;
    anyhow::ensure!(
        printed.len() <= MAX_PAYLOAD_BYTES,
        "the command prints more than {MAX_PAYLOAD_BYTES} bytes"
    );
    let status = child.wait().await.context("the command cannot be waited for")?;
    anyhow::ensure!(status.success(), "the command has failed: {status}");
    Ok(printed.into())
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}
