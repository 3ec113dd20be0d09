//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::system::System;

/// What was typed.
#[derive(Debug, Parser)]
#[command(
    name = "scripts/bench peers",
    about = "Measures Bellwether beside other systems on this machine: from one process to two others over loopback",
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Arguments {
    /// How often each measurement is repeated: shown are the median, the lowest and the highest
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) passes: u16,
    /// How long each measurement publishes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    pub(crate) pass_ms: u64,
    /// Only these systems, separated by commas
    #[arg(long, value_enum, value_name = "SYSTEM", value_delimiter = ',')]
    pub(crate) only: Vec<System>,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What this program starts itself as.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// One of the three processes
    #[command(hide = true)]
    Process(Place),
    /// Something else, which must not outlive the benchmark
    #[command(hide = true)]
    Server {
        program: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// The place of one process among the three.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct Place {
    pub(crate) system: System,
    /// [`PUBLISHER`] publishes, the others subscribe.
    pub(crate) index: u8,
    /// Common to the three.
    pub(crate) folder: PathBuf,
    /// Where this one listens, or the server it is a client of.
    pub(crate) address: SocketAddr,
    /// The addresses of those that were started before.
    pub(crate) earlier: Vec<SocketAddr>,
}

/// The [index](Place::index) of the process that publishes.
pub(crate) const PUBLISHER: u8 = 0;
/// How many there are.
pub(crate) const PROCESSES: usize = 3;

impl Place {
    /// `a`, `b` or `c`.
    pub(crate) fn name(&self) -> String {
        char::from(b'a' + self.index).to_string()
    }

    /// What [`Arguments`] reads as this.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![
            "process".to_owned(),
            self.system.to_string(),
            self.index.to_string(),
            self.folder.display().to_string(),
            self.address.to_string(),
        ];
        words.extend(self.earlier.iter().map(SocketAddr::to_string));
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        let words = std::iter::once(&"scripts/bench peers").chain(words);
        Arguments::try_parse_from(words).map_err(|err| err.to_string())
    }

    #[test]
    fn all_systems_or_some() {
        assert!(parse(&[]).is_ok_and(|all| all.only.is_empty() && all.passes == 5 && all.pass_ms == 3_000));
        let some = parse(&["--only", "nats,bellwether", "--passes", "1"]);
        assert!(some.is_ok_and(|some| some.only == [System::Nats, System::Bellwether] && some.passes == 1));
        let err = parse(&["--only", "redis"]).expect_err("it is not measured");
        assert!(
            err.contains("bellwether, zenoh-tcp, zenoh-quic, nats, bellwether-nats"),
            "{err}"
        );
    }

    #[test]
    fn a_process_is_started_with_what_it_reads() {
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        for earlier in [vec![], vec![address(1), address(2)]] {
            let place = Place {
                system: System::ZenohQuic,
                index: 2,
                folder: "/tmp/x".into(),
                address: address(3),
                earlier,
            };
            assert_eq!(place.name(), "c");
            let words = place.words();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert!(matches!(parse(&words), Ok(Arguments { role: Some(Role::Process(read)), .. }) if read == place));
        }
    }

    #[test]
    fn a_server_gets_its_arguments_as_they_are() {
        let server = parse(&["server", "/usr/sbin/nats-server", "--port", "1"]);
        let Ok(Some(Role::Server { program, arguments })) = server.map(|read| read.role) else {
            panic!("not a server");
        };
        assert_eq!(program, PathBuf::from("/usr/sbin/nats-server"));
        assert_eq!(arguments, ["--port", "1"]);
    }
}
