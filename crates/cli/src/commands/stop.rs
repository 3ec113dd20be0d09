//! `bellwether drain` and `bellwether leave`: end a node in good order, and wait until it is gone.

use std::convert::Infallible;
use std::io::IsTerminal;
use std::time::Duration;

use bellwether_client::{CallError, Client};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::failure::{Failure, tell};
use crate::output::{self, Format, printable};
use crate::reach::Reach;
use crate::runtime::block_on;

/// The longest drain that can be configured is an hour; clients have some seconds before.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3600 + 60);
/// After its answer a node ends what is open, and then itself.
const GONE_WITHIN: Duration = Duration::from_secs(15);
/// How often it is asked how far it is, for a person who looks on.
const LOOK: Duration = Duration::from_millis(200);

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) node: Reach,
    pub(crate) how: How,
    pub(crate) format: Format,
}

/// In which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Drain,
    Leave,
}

impl How {
    fn path(self) -> &'static str {
        match self {
            Self::Drain => "/v1/drain",
            Self::Leave => "/v1/leave",
        }
    }
}

/// What the node answers once it is done.
#[derive(Deserialize)]
struct Outcome {
    unconfirmed: Vec<String>,
}

/// How far it is.
#[derive(Deserialize)]
struct Progress {
    stage: String,
    #[serde(default)]
    to: Vec<String>,
}

impl Stop {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let client = self.node.connect_for(ANSWERED_WITHIN).await?;
            let asked = client.post::<Box<RawValue>>(self.how.path(), "");
            let answer = match std::io::stderr().is_terminal() {
                true => tokio::select! {
                    answer = asked => answer,
                    never = look_on(&client) => match never {},
                },
                false => asked.await,
            };
            let answer = answer.map_err(|err| match err {
                CallError::Lost { .. } => {
                    let words = format!("{err}: the node went before it had said that everything is handed over");
                    Failure::with_hint(words, "Its log tells what is lost.")
                }
                err => err.into(),
            })?;
            let outcome: Outcome = serde_json::from_str(answer.get())
                .map_err(|_| Failure::new("the node's answer is not the JSON of what was asked for"))?;
            let _ = timeout(GONE_WITHIN, client.unreachable()).await;
            match self.format {
                Format::Json => output::print(answer.get())?,
                Format::Text if outcome.unconfirmed.is_empty() => output::print("stopped")?,
                Format::Text => {}
            }
            judge(&outcome, self.how)
        })
    }
}

fn judge(outcome: &Outcome, how: How) -> Result<(), Failure> {
    let nodes: Vec<_> = outcome.unconfirmed.iter().map(|node| printable(node)).collect();
    match nodes.is_empty() {
        true => Ok(()),
        false => {
            let setting = (how == How::Drain).then_some("`drain_timeout_ms`");
            Err(not_confirmed_by(&nodes.join(", "), setting))
        }
    }
}

/// The end of a node that these have not confirmed. `setting` gives it more time to hand over, if it had any.
pub(crate) fn not_confirmed_by(nodes: &str, setting: Option<&str>) -> Failure {
    let remedy = match setting {
        Some(setting) => format!("More time to hand it over: {setting}."),
        None => "To hand everything over: `bellwether drain`.".to_owned(),
    };
    let words = format!("stopped, but not everything was confirmed by {nodes}");
    Failure::with_hint(words, format!("What they had not received is lost. {remedy}"))
}

/// Says each stage once. For ever: who may not look sees nothing.
async fn look_on(client: &Client) -> Infallible {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = String::new();
    loop {
        looks.tick().await;
        let Ok(Progress { stage, to }) = client.get("/v1/stopping").await else {
            continue;
        };
        let words = match (stage.as_str(), to.is_empty()) {
            ("telling_clients", _) => "clients are told to go elsewhere".to_owned(),
            ("handing_over", true) => "everything is handed over".to_owned(),
            ("handing_over", false) => format!("handing over to {}", printable(&to.join(", "))),
            _ => continue,
        };
        if words != said {
            tell(&words);
            said = words;
        }
    }
}
