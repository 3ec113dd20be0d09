//! The `bellwether` program: runs a node, or talks to one.
//!
//! Contains no delivery logic: `start` and `demo` hand everything to [`bellwether::Node`], the other commands speak
//! HTTP to a node's gateway.

mod arguments;
mod commands;
mod contexts;
mod duration;
mod failure;
mod input;
mod key_file;
mod listing;
mod logging;
mod message_line;
mod nearest;
mod output;
mod reach;
mod runtime;
mod systemd;
mod table;
mod theme;
mod traces;

use std::process::ExitCode;

use self::commands::Command;
use self::failure::Failure;

fn main() -> ExitCode {
    let command = arguments::parse(std::env::args_os()).unwrap_or_else(|err| err.exit());
    match logging::start(command.default_log_filter()).and_then(|()| run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Start(start) => start.run(),
        Command::Demo(demo) => demo.run(),
        Command::Publish(publish) => publish.run(),
        Command::Subscribe(subscribe) => subscribe.run(),
        Command::Trace(trace) => trace.run(),
        Command::Request(request) => request.run(),
        Command::Reply(reply) => reply.run(),
        Command::Members(members) => members.run(),
        Command::Subscribers(subscribers) => subscribers.run(),
        Command::Instances(instances) => instances.run(),
        Command::Catalogue(catalogue) => catalogue.run(),
        Command::Validate(validate) => validate.run(),
        Command::Say(say) => say.run(),
        Command::Broadcast(broadcast) => broadcast.run(),
        Command::Integration(integration) => integration.run(),
        Command::Alerts(alerts) => alerts.run(),
        Command::Acknowledge(acknowledge) => acknowledge.run(),
        Command::Thresholds(thresholds) => thresholds.run(),
        Command::Reload(reload) => reload.run(),
        Command::Stop(stop) => stop.run(),
        Command::Top(top) => top.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Context(context) => context.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
        Command::NewSecret => commands::secret::new(),
        Command::Keys(keys) => keys.run(),
        Command::NewToken(new) => new.run(),
        Command::ShowToken(show) => show.run(),
        Command::RevokeToken(revoke) => revoke.run(),
        Command::CheckConfig(settings) => commands::config::check(settings),
        Command::ShowConfig(settings) => commands::config::show(settings),
        Command::ShowExampleConfig => commands::config::show_example(),
    }
}
