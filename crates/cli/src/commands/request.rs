//! `bellwether request`: asks, and prints what is answered.

use std::io::IsTerminal;
use std::num::NonZeroU64;
use std::time::Duration;

use bellwether_client::{Message, RequestError};
use bellwether_message::ContentType;
use tokio::time::Instant;

use crate::commands::publish::Target;
use crate::failure::Failure;
use crate::input::{self, Given};
use crate::output::{Format, Output, printable};
use crate::reach::Reach;
use crate::runtime::block_on;

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) node: Reach,
    pub(crate) target: Target,
    /// Given by the user; otherwise it is told from the payload.
    pub(crate) content_type: Option<ContentType>,
    pub(crate) question: Given,
    /// All answers must come within this.
    pub(crate) within: Duration,
    pub(crate) replies: NonZeroU64,
    pub(crate) format: Format,
}

impl Request {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let payload = self.question.read()?;
        let content_type = self.content_type.clone();
        let content_type = content_type.unwrap_or_else(|| input::content_type_of(&payload));
        let question = self.target.draft(content_type, payload);
        block_on(async {
            let client = self.node.connect().await?;
            let mut inbox = client.inbox().await?;
            let asked = inbox.ask(self.target.instance, &question).await?;
            let deadline = Instant::now() + self.within;
            let mut output = Output::stdout();
            for received in 0..self.replies.get() {
                let left = deadline.saturating_duration_since(Instant::now());
                match inbox.answer(&asked, left).await {
                    Ok(answer) => self.print(&mut output, &answer)?,
                    Err(RequestError::TimedOut { .. }) => return Err(self.too_few(received)),
                    Err(err) => return Err(err.into()),
                }
            }
            Ok(())
        })
    }

    fn print(&self, output: &mut Output, answer: &Message) -> Result<(), Failure> {
        match self.format {
            Format::Json => output.line(answer.as_json())?,
            Format::Text => {
                let payload = &answer.payload;
                let end: &[u8] = if payload.ends_with(b"\n") { b"" } else { b"\n" };
                // For programs as it is; on a terminal what a stranger says must not move the cursor.
                match std::io::stdout().is_terminal() {
                    false => output.bytes(&[payload, end].concat())?,
                    true => {
                        for line in String::from_utf8_lossy(payload).lines() {
                            output.line(&*printable(line))?;
                        }
                    }
                }
            }
        }
        output.flush()
    }

    fn too_few(&self, received: u64) -> Failure {
        let within = self.within.as_millis();
        match (received, self.replies.get()) {
            (0, 1) => Failure::with_hint(
                format!("no answer within {within} ms"),
                "`bellwether subscribers INSTANCE TOPIC` tells who would hear it.",
            ),
            (received, wanted) => Failure::new(format!("{received} of {wanted} answers came within {within} ms")),
        }
    }
}
