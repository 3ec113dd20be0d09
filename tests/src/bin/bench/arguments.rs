//! The command line of the benchmark.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// What was typed.
#[derive(Debug, Parser)]
#[command(
    name = "scripts/bench",
    bin_name = "scripts/bench",
    override_usage = "scripts/bench [broker | mesh | scale | isolation | start] [--passes N]",
    about = "Measures Bellwether on this machine; without a command, all of these",
    after_help = "Also, each with options of its own:\n  \
        scripts/bench peers  The same workload on Bellwether, Zenoh and NATS\n  \
        scripts/bench micro  The parts of the hot path one by one, in nanoseconds"
)]
pub(crate) struct Arguments {
    /// How often each measurement is repeated: shown are the median, the lowest and the highest
    #[arg(long, global = true, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) passes: u16,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to measure. Hidden: what this program starts itself as.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Publishes and deliveries inside one broker
    Broker,
    /// Throughput, latency and CPU time from one process to two others, beside raw QUIC streams
    Mesh,
    /// 3, 5 and 9 nodes at work in one process, 20 idle ones, and their memory
    Scale,
    /// Alerts beside a flood of logs on a narrow cable; needs root, ip, tc and nft
    Isolation,
    /// How soon `bellwether start` listens and joins
    Start,
    #[command(hide = true)]
    Process(Process),
    #[command(hide = true)]
    Nodes(Nodes),
}

/// One of three processes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct Process {
    pub(crate) carrier: Carrier,
    pub(crate) reader: Reader,
    /// `a` publishes, the others subscribe.
    pub(crate) name: String,
    /// Common to the three.
    pub(crate) folder: PathBuf,
    /// The address of `a`.
    pub(crate) seed: Option<String>,
}

/// What carries messages from process to process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Carrier {
    /// A QUIC stream for each subscriber, and nothing else.
    Raw,
    /// Nodes, on a path that allows packets as large as they like.
    Mesh,
    /// Nodes, on a path of Ethernet's packets.
    NarrowMesh,
}

/// Where a subscriber of a node reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reader {
    /// On the runtime of its node, which has one thread.
    Own,
    /// On a runtime of two threads beside the node's.
    Foreign,
}

/// Several nodes in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub(crate) struct Nodes {
    pub(crate) nodes: usize,
    pub(crate) work: Work,
}

/// What they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// The first publishes, the others subscribe.
    Flood,
    /// Nothing.
    Idle,
}

impl Process {
    /// What [`Arguments`] reads as this.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![
            "process".to_owned(),
            word(self.carrier),
            word(self.reader),
            self.name.clone(),
            self.folder.display().to_string(),
        ];
        words.extend(self.seed.clone());
        words
    }
}

impl Nodes {
    /// What [`Arguments`] reads as this.
    pub(crate) fn words(self) -> Vec<String> {
        vec!["nodes".to_owned(), self.nodes.to_string(), word(self.work)]
    }
}

fn word(value: impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        let words = std::iter::once(&"scripts/bench").chain(words);
        Arguments::try_parse_from(words).map_err(|err| err.to_string())
    }

    #[test]
    fn a_command_or_none_and_the_passes_on_either_side_of_it() {
        assert!(parse(&[]).is_ok_and(|all| all.command.is_none() && all.passes == 5));
        for words in [["mesh", "--passes", "3"], ["--passes", "3", "mesh"]] {
            let parsed = parse(&words);
            assert!(parsed.is_ok_and(|mesh| mesh.passes == 3 && matches!(mesh.command, Some(Command::Mesh))));
        }
    }

    #[test]
    fn what_is_wrong_is_answered_with_what_is_right() {
        for (words, right) in [
            (&["flod"][..], "[broker | mesh | scale | isolation | start]"),
            (&["--passes", "0"], "1..=1000"),
            (&["mesh", "--passes"], "<N>"),
            (&["mesh", "twice"], "Usage: scripts/bench mesh [OPTIONS]"),
        ] {
            let err = parse(words).expect_err("it is wrong");
            assert!(err.contains(right), "does not say `{right}`: {err}");
        }
    }

    #[test]
    fn nodes_are_started_with_what_they_read() {
        let nodes = Nodes {
            nodes: 9,
            work: Work::Flood,
        };
        let words = nodes.words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert!(matches!(parse(&words), Ok(Arguments { command: Some(Command::Nodes(read)), .. }) if read == nodes));
    }

    #[test]
    fn a_process_is_started_with_what_it_reads() {
        for seed in [None, Some("127.0.0.1:1".to_owned())] {
            let process = Process {
                carrier: Carrier::NarrowMesh,
                reader: Reader::Foreign,
                name: "b".to_owned(),
                folder: "/tmp/x".into(),
                seed,
            };
            let words = process.words();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert!(
                matches!(parse(&words), Ok(Arguments { command: Some(Command::Process(read)), .. }) if read == process)
            );
        }
    }
}
