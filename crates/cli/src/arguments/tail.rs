//! What may be typed of `bellwether tail`, which is another way to ask for what `bellwether sub` prints.

use bellwether::ReplayFrom;
use bellwether_client::Beginning;
use bellwether_message::{Instance, NodeId, Pattern};
use clap::Args;

use super::{TypedLooks, event, in_one_line, instance, node_id};
use crate::commands::subscribe::Subscribe;
use crate::commands::subscribe::filter::{Filter, Severity, Text};
use crate::reach::Reach;

/// Everything of an instance.
const EVERYTHING: &str = "*";

#[derive(Debug, Args)]
pub(super) struct TypedTail {
    /// Instances, each with a pattern of topics if not all of it is wanted [default: all ten]
    #[arg(value_name = "INSTANCE[/PATTERN]", value_parser = wanted)]
    wanted: Vec<(Instance, Pattern)>,
    /// Begin with the last so many messages of each instance that the nodes still keep, before any filter, one instance
    /// after the other; up to 65536
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(ReplayFrom::MAX_LAST))
    )]
    last: Option<u32>,
    /// Only messages with this event tag; may be given several times
    #[arg(long = "event", value_name = "TAG", value_parser = event)]
    events: Vec<String>,
    /// Only messages that arose on this node or were published by it; may be given several times
    #[arg(long = "origin", value_name = "NODE", value_parser = node_id)]
    origins: Vec<NodeId>,
    /// Only messages that have this text in their topic, event or payload; capital letters only match capital letters
    #[arg(long, value_name = "TEXT", value_parser = text)]
    grep: Option<String>,
    /// Only messages whose payload says that they are at least so severe
    #[arg(long, value_enum)]
    severity: Option<Severity>,
    /// End after this many messages were printed
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    looks: TypedLooks,
}

impl TypedTail {
    pub(super) fn meaning(self, node: Reach) -> Result<Subscribe, clap::Error> {
        let (format, theme) = self.looks.meaning("tail")?;
        let names_reserved = self.wanted.iter().any(|(_, pattern)| pattern.as_str().starts_with('$'));
        let wanted = match self.wanted.is_empty() {
            true => Instance::ALL.map(|instance| (instance, everything())).into(),
            false => self.wanted,
        };
        Ok(Subscribe {
            node,
            wanted,
            from: self.last.map(Beginning::Last),
            filter: Filter {
                events: self.events,
                origins: self.origins,
                text: self.grep.as_deref().map(Text::new),
                severity: self.severity,
                without_reserved: !names_reserved,
            },
            terse: true,
            count: self.count,
            reconnect: true,
            format,
            theme,
        })
    }
}

fn everything() -> Pattern {
    Pattern::new(EVERYTHING).expect("it is a pattern")
}

fn wanted(text: &str) -> Result<(Instance, Pattern), String> {
    match text.split_once('/') {
        None => Ok((instance(text)?, everything())),
        Some((name, pattern)) => Ok((instance(name)?, Pattern::new(pattern).map_err(in_one_line)?)),
    }
}

fn text(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it is empty; write what messages must hold".to_owned()),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::parse;
    use crate::commands::Command;

    fn parsed(line: &[&str]) -> Result<Command, clap::Error> {
        let program = ["bellwether", "tail"].iter();
        parse(program.chain(line).map(std::ffi::OsString::from))
    }

    fn tail(line: &[&str]) -> Subscribe {
        match parsed(line) {
            Ok(Command::Subscribe(subscribe)) => subscribe,
            other => panic!("{line:?}: {other:?}"),
        }
    }

    #[test]
    fn every_instance_is_followed_unless_some_are_named() {
        let all = tail(&[]);
        assert_eq!(all.wanted.len(), Instance::ALL.len());
        assert!(all.wanted.iter().all(|(_, pattern)| pattern.matches_everything()));
        assert!(all.reconnect && all.filter.without_reserved);
        assert_eq!(all.from, None);
        let pattern = |text| Pattern::new(text).unwrap();
        assert_eq!(
            tail(&["alerts", "health/node_health:*"]).wanted,
            [
                (Instance::Alerts, pattern("*")),
                (Instance::Health, pattern("node_health:*"))
            ]
        );
        assert!(!tail(&["diagnostics/$bw:*"]).filter.without_reserved);
    }

    #[test]
    fn filters_are_kept() {
        let line = [
            "--last",
            "9",
            "--event",
            "a",
            "--event",
            "b",
            "--origin",
            "n",
            "--grep",
            "x y",
            "--severity",
            "high",
        ];
        let tail = tail(&line);
        assert_eq!(tail.from, Some(Beginning::Last(9)));
        let filter = Filter {
            events: vec!["a".to_owned(), "b".to_owned()],
            origins: vec![NodeId::new("n").unwrap()],
            text: Some(Text::new("x y")),
            severity: Some(Severity::Error),
            without_reserved: true,
        };
        assert_eq!(tail.filter, filter);
    }

    #[test]
    fn what_makes_no_sense_is_told_with_a_way_out() {
        for (line, words) in [
            (&["alrts"][..], "did you mean `alerts`"),
            (&["alerts/a:"], "level 2 is empty"),
            (&["--last", "0"], "1..=65536"),
            (&["--grep", ""], "write what messages must hold"),
            (
                &["--severity", "bad"],
                "possible values: info, warning, error, critical",
            ),
            (&["--format", "json", "--theme", "classic"], "`--format text`"),
        ] {
            let err = parsed(line).expect_err(&format!("{line:?}"));
            assert_eq!(err.exit_code(), 2, "{line:?}");
            assert!(err.to_string().contains(words), "{line:?}: {err}");
        }
    }
}
