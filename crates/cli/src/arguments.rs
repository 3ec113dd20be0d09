//! The command line: what may be typed, and the one place that turns it into what it means.

mod alerts;
mod catalogue;
mod contexts;
mod doctor;
mod examples;
mod headers;
mod keys;
mod messaging;
mod operating;
mod publish;
mod reach;
mod shell;
mod subscribe;
mod tail;
mod token;
mod top;
mod trace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use bellwether::Layer;
use bellwether::config::SecretSource;
use bellwether_client::Beginning;
use bellwether_message::{ContentType, Instance, MAX_CONTENT_TYPE_BYTES, MAX_EVENT_BYTES, MAX_ID_BYTES};
use bellwether_message::{NodeId, Pattern, Topic};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::Command;
use crate::commands::completions::Completions;
use crate::commands::config::Settings;
use crate::commands::demo::Demo;
use crate::commands::instances::Instances;
use crate::commands::members::Members;
use crate::commands::start::Start;
use crate::commands::stop::How;
use crate::commands::subscribers::Subscribers;
use crate::duration;
use crate::output::Format;
use crate::theme::Theme;

/// Where options that many commands share stand in `--help`.
const AFTER_THE_COMMANDS_OWN: usize = 100;

/// What these arguments ask for.
///
/// # Errors
/// What clap says about them, which also covers `--help` and `--version`.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    let typed = Typed::try_parse_from(arguments)?;
    meaning(typed)
}

fn meaning(typed: Typed) -> Result<Command, clap::Error> {
    let node = typed.reach.meaning();
    Ok(match typed.command {
        TypedCommand::Start { settings } => Command::Start(Start {
            settings: settings.into(),
        }),
        TypedCommand::Demo { duration, looks } => {
            let (format, theme) = looks.meaning("demo")?;
            Command::Demo(Demo {
                duration,
                format,
                theme,
            })
        }
        TypedCommand::Pub(publish) => Command::Publish(publish.meaning(node)?),
        TypedCommand::Sub(subscribe) => Command::Subscribe(subscribe.meaning(node)?),
        TypedCommand::Tail(tail) => Command::Subscribe(tail.meaning(node)?),
        TypedCommand::Trace(trace) => Command::Trace(trace.meaning(node)),
        TypedCommand::Request(request) => Command::Request(request.meaning(node)?),
        TypedCommand::Reply(reply) => Command::Reply(reply.meaning(node)?),
        TypedCommand::Members { format } => Command::Members(Members {
            node,
            format: format.format,
        }),
        TypedCommand::Subscribers {
            instance,
            topic,
            format,
        } => Command::Subscribers(Subscribers {
            node,
            instance,
            topic,
            format: format.format,
        }),
        TypedCommand::Instances { format } => Command::Instances(Instances {
            node,
            format: format.format,
        }),
        TypedCommand::Catalogue(catalogue) => Command::Catalogue(catalogue.into()),
        TypedCommand::Validate(validate) => Command::Validate(validate.into()),
        TypedCommand::Say(say) => Command::Say(say.meaning(node)),
        TypedCommand::Broadcast(broadcast) => Command::Broadcast(broadcast.meaning(node)),
        TypedCommand::Integration(integration) => Command::Integration(integration.meaning(node)),
        TypedCommand::Alerts(alerts) => Command::Alerts(alerts.meaning(node)),
        TypedCommand::Ack(ack) => Command::Acknowledge(ack.meaning(node, std::env::var("USER").ok())),
        TypedCommand::Thresholds(thresholds) => Command::Thresholds(thresholds.meaning(node)?),
        TypedCommand::Reload(reload) => reload.reload(node),
        TypedCommand::Drain(drain) => drain.stop(How::Drain, node),
        TypedCommand::Leave(leave) => leave.stop(How::Leave, node),
        TypedCommand::Context(context) => Command::Context(context.meaning(node)?),
        TypedCommand::Completions { shell } => Command::Completions(Box::new(Completions {
            shell,
            program: Typed::command(),
        })),
        TypedCommand::Man(man) => Command::Man(Box::new(man.meaning(Typed::command()))),
        TypedCommand::Top(top) => Command::Top(top.meaning(node)?),
        TypedCommand::Doctor(doctor) => Command::Doctor(Box::new(doctor.meaning(node))),
        TypedCommand::Secret(TypedSecret::New) => Command::NewSecret,
        TypedCommand::Keys(keys) => Command::Keys(keys.meaning(node)),
        TypedCommand::Token(token) => token.into(),
        TypedCommand::Config(TypedConfig::Check(settings)) => Command::CheckConfig(settings.into()),
        TypedCommand::Config(TypedConfig::Show { example: true, .. }) => Command::ShowExampleConfig,
        TypedCommand::Config(TypedConfig::Show { settings, .. }) => Command::ShowConfig(settings.into()),
    })
}

/// A mesh for cluster-wide events: publish on any node, receive on every node.
#[derive(Debug, Parser)]
#[command(name = "bellwether", version, after_help = examples::PROGRAM, arg_required_else_help = true)]
struct Typed {
    #[command(flatten)]
    reach: reach::TypedReach,
    #[command(subcommand)]
    command: TypedCommand,
}

#[derive(Debug, Subcommand)]
enum TypedCommand {
    /// Run a node, until SIGTERM or Ctrl-C
    #[command(after_help = examples::START)]
    Start {
        #[command(flatten)]
        settings: TypedSettings,
    },

    /// Watch three nodes in this process find each other, publish and receive
    #[command(after_help = examples::DEMO)]
    Demo {
        /// End after this long, such as `5s` or `2m`; otherwise at Ctrl-C
        #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
        duration: Option<Duration>,
        #[command(flatten)]
        looks: TypedLooks,
    },

    /// Publish one message, or one per line of a file or of standard input
    #[command(after_help = examples::PUB)]
    Pub(publish::TypedPublish),

    /// Print what is published, as it comes
    #[command(after_help = examples::SUB)]
    Sub(subscribe::TypedSubscribe),

    /// Watch what is published anywhere, one line per message
    #[command(after_help = examples::TAIL)]
    Tail(tail::TypedTail),

    /// Follow a message, or all of one correlation, across nodes: what led to what, and when
    #[command(after_help = examples::TRACE)]
    Trace(trace::TypedTrace),

    /// Ask, and print what is answered
    #[command(after_help = examples::REQUEST)]
    Request(messaging::TypedRequest),

    /// Answer what is asked, until Ctrl-C
    #[command(after_help = examples::REPLY)]
    Reply(messaging::TypedReply),

    /// List the nodes of the mesh, as one node sees them
    #[command(after_help = examples::MEMBERS)]
    Members {
        #[command(flatten)]
        format: TypedFormat,
    },

    /// List who listens: subscriptions of one node, and what the others want from it
    #[command(after_help = examples::SUBSCRIBERS)]
    Subscribers {
        /// Only of this instance, one of the ten that `bellwether instances` lists
        #[arg(value_parser = instance)]
        instance: Option<Instance>,
        /// Only those that a message on this topic would reach
        #[arg(value_parser = topic)]
        topic: Option<Topic>,
        #[command(flatten)]
        format: TypedFormat,
    },

    /// List the ten instances, what they are for and what one node has counted
    #[command(after_help = examples::INSTANCES)]
    Instances {
        #[command(flatten)]
        format: TypedFormat,
    },

    /// Look up the types of messages, what they say, and what topics are called
    #[command(after_help = examples::CATALOGUE)]
    Catalogue(catalogue::TypedCatalogue),

    /// Judge a typed message as its receivers do, and print it in its present shape
    #[command(after_help = examples::VALIDATE)]
    Validate(catalogue::TypedValidate),

    /// Publish a typed message: judged and filled in by the node
    #[command(after_help = examples::SAY)]
    Say(catalogue::TypedSay),

    /// Call a helper of the integration, or many
    #[command(after_help = examples::BROADCAST)]
    Broadcast(catalogue::TypedBroadcast),

    /// Show or switch whether helpers and reporters of a node publish
    #[command(subcommand, after_help = examples::INTEGRATION)]
    Integration(catalogue::TypedIntegration),

    /// List what needs somebody, anywhere in the mesh
    #[command(after_help = examples::ALERTS)]
    Alerts(alerts::TypedAlerts),

    /// Say on every node that somebody has seen an alert
    #[command(after_help = examples::ACK)]
    Ack(alerts::TypedAck),

    /// Show or change which figures a node watches, and their limits
    #[command(after_help = examples::THRESHOLDS)]
    Thresholds(alerts::TypedThresholds),

    /// Have a node read its configuration again, and say what changed
    #[command(after_help = operating::RELOAD)]
    Reload(operating::TypedOperating),

    /// Have a node hand everything over and end, and wait until it is gone
    #[command(after_help = operating::DRAIN)]
    Drain(operating::TypedOperating),

    /// Have a node leave the mesh at once and end
    #[command(after_help = operating::LEAVE)]
    Leave(operating::TypedOperating),

    /// Watch members, instances and subscribers of the whole mesh on one screen
    #[command(after_help = examples::TOP)]
    Top(top::TypedTop),

    /// Look for what is not as it should be on this host and in the mesh, and say what to do
    #[command(after_help = examples::DOCTOR)]
    Doctor(doctor::TypedDoctor),

    /// Keep nodes that are talked to often, each with what it takes, by a name
    #[command(subcommand, after_help = examples::CONTEXT)]
    Context(contexts::TypedContext),

    /// Print the script that completes this program's commands in a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// For which shell
        shell: Shell,
    },

    /// Print the manual page of this program or of a command, or write all
    #[command(after_help = examples::MAN)]
    Man(shell::TypedMan),

    /// Make the secret that the nodes of a mesh share
    #[command(subcommand, after_help = examples::SECRET)]
    Secret(TypedSecret),

    /// Replace the secret of a mesh while it works: the keys of one node, by their ids
    #[command(subcommand, after_help = examples::KEYS)]
    Keys(keys::TypedKeys),

    /// Make, show or revoke the tokens that clients show to nodes
    #[command(subcommand, after_help = examples::TOKEN)]
    Token(token::TypedToken),

    /// Check or show the configuration that a node would start with
    #[command(subcommand, after_help = examples::CONFIG)]
    Config(TypedConfig),
}

#[derive(Debug, Subcommand)]
enum TypedSecret {
    /// Print a new random secret, and nothing else
    #[command(after_help = examples::SECRET)]
    New,
}

#[derive(Debug, Subcommand)]
enum TypedConfig {
    /// Print `ok`, or what is wrong and where (exit code 2)
    #[command(after_help = examples::CONFIG)]
    Check(TypedSettings),

    /// Print the effective configuration as TOML, each value with its origin, without secrets
    #[command(after_help = examples::CONFIG)]
    Show {
        /// Print a file that explains every setting instead
        #[arg(long)]
        example: bool,
        #[command(flatten)]
        settings: TypedSettings,
    },
}

#[derive(Debug, Args)]
struct TypedFormat {
    /// How to print results: for people or for programs
    #[arg(long, display_order = AFTER_THE_COMMANDS_OWN, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How messages are printed.
#[derive(Debug, Args)]
struct TypedLooks {
    #[command(flatten)]
    format: TypedFormat,
    /// How text looks; colours only on a terminal, and never where NO_COLOR is set
    #[arg(long, display_order = AFTER_THE_COMMANDS_OWN, value_enum, default_value_t = Theme::Plain)]
    theme: Theme,
}

impl TypedLooks {
    /// For the subcommand of this name.
    fn meaning(self, command: &str) -> Result<(Format, Theme), clap::Error> {
        match (self.format.format, self.theme) {
            (Format::Json, Theme::Classic) => {
                let words = "`--theme classic` is for people and goes with `--format text`, not with `--format json`";
                Err(wrong(command, ErrorKind::ArgumentConflict, words.to_owned()))
            }
            looks => Ok(looks),
        }
    }
}

/// Checked by [`bellwether::Config`], together with what the environment and the file say.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings (also in the environment and in a file; flags are strongest)")]
struct TypedSettings {
    /// Configuration file in TOML; see `bellwether config show --example`
    #[arg(long, value_name = "FILE", env = "BELLWETHER_CONFIG")]
    config: Option<PathBuf>,
    /// This node's name, unique in the mesh [default: the host's name]
    #[arg(long)]
    name: Option<String>,
    /// Nodes of other clusters are strangers [default: bellwether]
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// UDP address for other nodes [default: 127.0.0.1:7400]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where other nodes reach this one, if not at the listen address
    #[arg(long, value_name = "ADDRESS")]
    advertise: Option<String>,
    /// TCP address for programs on this host, or `off` [default: 127.0.0.1:7480]
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// TCP address for NATS clients, or `off` [default: off]
    #[arg(long, value_name = "ADDRESS")]
    nats: Option<String>,
    /// What NATS clients are told to dial when they lose their node, or `off` [default: the address above, unless it
    /// is loopback]
    #[arg(long, value_name = "ADDRESS")]
    nats_advertise: Option<String>,
    /// Unix socket for programs on this host, or `off` [default: off]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Certificate for HTTP and NATS, in PEM
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Serve other hosts even without TLS or a table `access`
    #[arg(long)]
    insecure_doors: bool,
    /// Another node's address, `host:port`; may be given several times
    #[arg(long = "seed", value_name = "ADDRESS")]
    seeds: Option<Vec<String>>,
    /// Folder for what survives a restart [default: the state folder of this user or service]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// File with the mesh's secret, one per line; or set SECRET_KEY_BASE or SECRET_KEY_BASE_FILE
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Milliseconds between rounds of gossip [default: 200]
    #[arg(long, value_name = "MS")]
    gossip_interval_ms: Option<u64>,
    /// Milliseconds that stopping may take to hand over what is left [default: 10000]
    #[arg(long, value_name = "MS")]
    drain_timeout_ms: Option<u64>,
}

impl From<TypedSettings> for Settings {
    fn from(typed: TypedSettings) -> Self {
        let flags = Layer {
            name: typed.name,
            cluster: typed.cluster,
            listen: typed.listen,
            advertise: typed.advertise,
            http: typed.http,
            nats: typed.nats,
            nats_advertise: typed.nats_advertise,
            socket: typed.socket,
            tls_certificate: typed.tls_certificate,
            tls_key: typed.tls_key,
            insecure_doors: typed.insecure_doors.then_some(true),
            seeds: typed.seeds,
            data_dir: typed.data_dir,
            secret: typed.secret_file.map(SecretSource::File),
            gossip_interval_ms: typed.gossip_interval_ms,
            drain_timeout_ms: typed.drain_timeout_ms,
            ..Layer::default()
        };
        Self {
            flags,
            file: typed.config,
        }
    }
}

/// What clap cannot see by itself, told as clap tells the rest.
fn wrong(command: &str, kind: ErrorKind, words: String) -> clap::Error {
    let mut program = Typed::command();
    program.build();
    match program.find_subcommand_mut(command) {
        Some(command) => command.error(kind, words),
        None => clap::Error::raw(kind, words),
    }
}

fn instance(text: &str) -> Result<Instance, String> {
    text.parse().map_err(in_one_line)
}

fn topic(text: &str) -> Result<Topic, String> {
    Topic::new(text).map_err(in_one_line)
}

fn node_id(text: &str) -> Result<NodeId, String> {
    NodeId::new(text).map_err(in_one_line)
}

/// Judged as the node does.
fn beginning(text: &str) -> Result<Beginning, String> {
    text.parse::<bellwether_gateway::Beginning>().map_err(in_one_line)?;
    text.parse().map_err(in_one_line)
}

fn in_queue(pattern: &Pattern, name: &str) -> Result<Pattern, String> {
    let wrong = |err| {
        format!(
            "invalid value '{}' for '--queue': {}",
            name.escape_debug(),
            in_one_line(err)
        )
    };
    pattern.in_queue(name).map_err(wrong)
}

fn event(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it names the message's type, for example `critical_alert`".to_owned());
    }
    bounded(text, MAX_EVENT_BYTES)
}

fn id(text: &str) -> Result<String, String> {
    bounded(text, MAX_ID_BYTES)
}

fn content_type(text: &str) -> Result<ContentType, String> {
    if !text.is_ascii() || !text.contains('/') {
        return Err("write a media type such as `application/json` or `text/plain`".to_owned());
    }
    bounded(text, MAX_CONTENT_TYPE_BYTES).map(|text| ContentType::from_name(&text))
}

/// The bounds of a [`bellwether::Draft`], told before anything is sent.
fn bounded(text: &str, limit: usize) -> Result<String, String> {
    if text.len() > limit {
        return Err(format!("it has {} bytes; at most {limit} are allowed", text.len()));
    }
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("it holds a control character; use printable text".to_owned());
    }
    Ok(text.to_owned())
}

/// An error and its causes. clap prints errors without their causes.
fn in_one_line(err: impl std::error::Error + Send + Sync + 'static) -> String {
    format!("{:#}", anyhow::Error::new(err))
}

#[cfg(test)]
mod tests;
