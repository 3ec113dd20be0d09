//! What may be typed about alerts and thresholds.

use bellwether::{MAX_ALERT_ID_BYTES, ThresholdKind, ThresholdRule};
use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, Subcommand};

use super::{AFTER_THE_COMMANDS_OWN, TypedFormat, bounded, examples, in_one_line, wrong};
use crate::commands::acknowledge::Acknowledge;
use crate::commands::alerts::Alerts;
use crate::commands::thresholds::{Thresholds, Wish};
use crate::output::Format;
use crate::reach::Reach;

/// Nodes keep no more of a name, in bytes.
const BY_BYTES: usize = 512;
/// Who acknowledges an alert where nobody says so.
const NOBODY: &str = "cli";

#[derive(Debug, Args)]
pub(super) struct TypedAlerts {
    /// Also those that are acknowledged or over: for an hour
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedAlerts {
    pub(super) fn meaning(self, node: Reach) -> Alerts {
        Alerts {
            node,
            all: self.all,
            format: self.format.format,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct TypedAck {
    /// The id that `bellwether alerts` shows
    #[arg(value_name = "ALERT_ID", value_parser = alert_id)]
    alert_id: String,
    /// Who has seen it [default: $USER, else `cli`]
    #[arg(long, value_name = "NAME", value_parser = by)]
    by: Option<String>,
    /// What there is to say about it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// How it was solved
    #[arg(long, value_name = "TEXT")]
    resolution: Option<String>,
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedAck {
    /// `user` is who runs the program, as the environment has it.
    pub(super) fn meaning(self, node: Reach, user: Option<String>) -> Acknowledge {
        let user = || user.and_then(|user| by(&user).ok());
        Acknowledge {
            node,
            alert_id: self.alert_id,
            by: self.by.or_else(user).unwrap_or_else(|| NOBODY.to_owned()),
            note: self.note,
            resolution: self.resolution,
            format: self.format.format,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct TypedThresholds {
    /// How to print results: for people or for programs
    #[arg(
        long,
        global = true,
        display_order = AFTER_THE_COMMANDS_OWN,
        value_enum,
        default_value_t = Format::Text
    )]
    format: Format,
    #[command(subcommand)]
    wish: Option<TypedWish>,
}

#[derive(Debug, Subcommand)]
enum TypedWish {
    /// Print the figures that a node watches; the same as no command
    #[command(after_help = examples::THRESHOLDS)]
    List,
    /// Watch a figure, until the node stops; instead of the threshold with the same id, if there is one
    #[command(after_help = examples::THRESHOLDS)]
    Set(TypedRule),
    /// Watch it no more, until the node stops
    #[command(after_help = examples::THRESHOLDS)]
    Remove {
        /// What the threshold is called
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
}

#[derive(Debug, Args)]
struct TypedRule {
    /// What the threshold is called
    id: String,
    /// The figure: a metric, an operation or a resource
    #[arg(long, value_name = "NAME")]
    metric: String,
    /// Only of this component, or percentile of a latency [default: of each by itself]
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    #[command(flatten)]
    kind: TypedKind,
    /// Beyond it is a warning
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = finite)]
    warning: Option<f64>,
    /// Beyond it is critical
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = finite)]
    critical: Option<f64>,
    /// So many values in a row have to be beyond it, up to 3600 [default: 1]
    #[arg(long, value_name = "N")]
    sustained: Option<u32>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct TypedKind {
    /// Values above the limits are bad
    #[arg(long)]
    max: bool,
    /// Values below the limits are bad
    #[arg(long)]
    min: bool,
}

impl TypedThresholds {
    pub(super) fn meaning(self, node: Reach) -> Result<Thresholds, clap::Error> {
        let wish = match self.wish {
            None | Some(TypedWish::List) => Wish::List,
            Some(TypedWish::Set(rule)) => Wish::Set(rule.meaning()?),
            Some(TypedWish::Remove { id }) => Wish::Remove(id),
        };
        Ok(Thresholds {
            node,
            wish,
            format: self.format,
        })
    }
}

impl TypedRule {
    fn meaning(self) -> Result<ThresholdRule, clap::Error> {
        let kind = match self.kind.max {
            true => ThresholdKind::Max,
            false => ThresholdKind::Min,
        };
        let mut rule = ThresholdRule::new(self.id, self.metric, kind);
        rule.component = self.component;
        rule.warning = self.warning;
        rule.critical = self.critical;
        rule.sustained = self.sustained.unwrap_or(rule.sustained);
        rule.check()
            .map_err(|err| wrong("thresholds", ErrorKind::ValueValidation, in_one_line(err)))?;
        Ok(rule)
    }
}

fn alert_id(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty; `bellwether alerts` shows the ids".to_owned());
    }
    bounded(text, MAX_ALERT_ID_BYTES)
}

fn by(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty; say who has seen the alert".to_owned());
    }
    bounded(text, BY_BYTES)
}

fn finite(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| "write a number such as 100 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::parse;
    use crate::commands::Command;

    fn parsed(line: &[&str]) -> Result<Command, clap::Error> {
        let program = std::iter::once("bellwether");
        parse(program.chain(line.iter().copied()).map(std::ffi::OsString::from))
    }

    fn thresholds(rest: &[&str]) -> Thresholds {
        match parsed(&[&["thresholds"], rest].concat()) {
            Ok(Command::Thresholds(thresholds)) => thresholds,
            other => panic!("{rest:?}: {other:?}"),
        }
    }

    #[test]
    fn open_alerts_are_listed_unless_all_are_asked_for() {
        for (line, all, format) in [
            (&["alerts"][..], false, Format::Text),
            (&["alerts", "--all", "--format", "json"], true, Format::Json),
        ] {
            let Ok(Command::Alerts(alerts)) = parsed(line) else {
                panic!("{line:?}")
            };
            assert_eq!((alerts.all, alerts.format), (all, format));
        }
    }

    #[test]
    fn an_alert_is_acknowledged_by_whoever_is_named_else_who_runs_the_program() {
        let ack = |by: Option<&str>, user: Option<&str>| {
            let typed = TypedAck {
                alert_id: "7".to_owned(),
                by: by.map(str::to_owned),
                note: None,
                resolution: None,
                format: TypedFormat { format: Format::Text },
            };
            typed.meaning(Reach::default(), user.map(str::to_owned)).by
        };
        assert_eq!(ack(Some("ops"), Some("eve")), "ops");
        assert_eq!(ack(None, Some("eve")), "eve");
        for user in [None, Some(""), Some("a\u{1b}[2J")] {
            assert_eq!(ack(None, user), "cli");
        }
        let line = [
            "ack",
            "a/7",
            "--by",
            "ops",
            "--note",
            "n",
            "--resolution",
            "r",
            "--format",
            "json",
        ];
        let Ok(Command::Acknowledge(all)) = parsed(&line) else {
            panic!("not an ack")
        };
        assert_eq!(
            (
                all.alert_id.as_str(),
                all.by.as_str(),
                all.note.as_deref(),
                all.resolution.as_deref()
            ),
            ("a/7", "ops", Some("n"), Some("r"))
        );
        assert_eq!(all.format, Format::Json);
    }

    #[test]
    fn thresholds_are_listed_unless_something_else_is_asked_for() {
        for (rest, format) in [
            (&[][..], Format::Text),
            (&["list"], Format::Text),
            (&["--format", "json"], Format::Json),
            (&["list", "--format", "json"], Format::Json),
        ] {
            let thresholds = thresholds(rest);
            assert_eq!((thresholds.wish, thresholds.format), (Wish::List, format), "{rest:?}");
        }
        assert_eq!(thresholds(&["remove", "deep"]).wish, Wish::Remove("deep".to_owned()));
    }

    #[test]
    fn a_threshold_is_all_that_is_said_of_it() {
        let mut rule = ThresholdRule::new("free", "free_percent", ThresholdKind::Min);
        rule.warning = Some(-5.5);
        let set = ["set", "free", "--metric", "free_percent", "--min", "--warning", "-5.5"];
        assert_eq!(thresholds(&set).wish, Wish::Set(rule.clone()));
        rule.kind = ThresholdKind::Max;
        rule.component = Some("api".to_owned());
        rule.critical = Some(9.0);
        rule.sustained = 3;
        let more = ["--component", "api", "--critical", "9", "--sustained", "3"];
        let set = ["set", "free", "--metric", "free_percent", "--max", "--warning", "-5.5"];
        assert_eq!(thresholds(&[&set[..], &more].concat()).wish, Wish::Set(rule));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_a_way_out() {
        let set = ["thresholds", "set", "x", "--metric", "m"];
        for (line, words) in [
            (&["ack"][..], "<ALERT_ID>"),
            (&["ack", ""], "`bellwether alerts` shows the ids"),
            (&["ack", "7", "--by", " "], "say who has seen the alert"),
            (&["thresholds", "show"], "unrecognized subcommand"),
            (&["thresholds", "remove"], "<ID>"),
            (&["thresholds", "remove", ""], "ID"),
            (&["thresholds", "set", "x", "--max", "--warning", "1"], "--metric"),
            (&[&set[..], &["--warning", "1"]].concat(), "--max|--min"),
            (
                &[&set[..], &["--max", "--min", "--warning", "1"]].concat(),
                "cannot be used with",
            ),
            (&[&set[..], &["--max"]].concat(), "give `warning`, `critical` or both"),
            (
                &[&set[..], &["--max", "--warning", "2", "--critical", "1"]].concat(),
                "critical (1) must be above warning (2)",
            ),
            (
                &[&set[..], &["--max", "--warning", "inf"]].concat(),
                "a number such as 100",
            ),
            (
                &[&set[..], &["--max", "--warning", "1", "--sustained", "0"]].concat(),
                "from 1 to 3600",
            ),
        ] {
            let err = parsed(line).expect_err(&format!("{line:?}"));
            assert_eq!(err.exit_code(), 2, "{line:?}");
            assert!(err.to_string().contains(words), "{line:?}: {err}");
        }
    }
}
