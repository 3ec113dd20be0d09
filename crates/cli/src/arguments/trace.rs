//! What may be typed of `bellwether trace`.

use std::time::Duration;

use bellwether_client::Beginning;
use bellwether_message::Instance;
use clap::Args;

use super::{TypedFormat, beginning, id, instance};
use crate::commands::trace::Trace;
use crate::duration;
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(super) struct TypedTrace {
    /// A message's id, or what messages have as their correlation or cause
    #[arg(value_name = "ID|CORRELATION", value_parser = word)]
    word: String,
    /// Look in this instance only; may be given several times [default: all ten]
    #[arg(long = "instance", value_name = "INSTANCE", value_parser = instance)]
    instances: Vec<Instance>,
    /// Look at what the nodes keep since then: `earliest`, `last:N`, `id:ID` or `time:RFC3339`; at nothing with `live`
    #[arg(long, value_name = "FROM", default_value = "earliest", value_parser = beginning)]
    from: Beginning,
    /// Look no longer than this at what the nodes keep
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    within: Duration,
    /// End with this many messages
    #[arg(
        long = "count",
        value_name = "N",
        default_value = "1000",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(Trace::MOST))
    )]
    most: u32,
    /// Go on with what is published
    #[arg(long)]
    follow: bool,
    /// Follow no longer than this; otherwise until Ctrl-C
    #[arg(long = "for", value_name = "DURATION", requires = "follow", value_parser = duration::parse)]
    longest: Option<Duration>,
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedTrace {
    pub(super) fn meaning(self, node: Reach) -> Trace {
        Trace {
            node,
            word: self.word,
            instances: match self.instances.is_empty() {
                true => Instance::ALL.into(),
                false => self.instances,
            },
            from: self.from,
            within: self.within,
            // A usize has at least 32 bits wherever this runs.
            most: self.most as usize,
            follow: self.follow.then_some(self.longest),
            format: self.format.format,
        }
    }
}

fn word(text: &str) -> Result<String, String> {
    match text {
        "" => {
            Err("it is empty; write the id of a message, such as `events/a/1763722345123/7`, or a correlation".into())
        }
        text => id(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::parse;
    use crate::commands::Command;

    fn parsed(line: &[&str]) -> Result<Command, clap::Error> {
        let program = ["bellwether", "trace"].iter();
        parse(program.chain(line).map(std::ffi::OsString::from))
    }

    fn trace(line: &[&str]) -> Trace {
        match parsed(line) {
            Ok(Command::Trace(trace)) => trace,
            other => panic!("{line:?}: {other:?}"),
        }
    }

    #[test]
    fn everything_that_is_kept_is_looked_at_unless_less_is_asked_for() {
        let usual = trace(&["order-7"]);
        assert_eq!((usual.word.as_str(), usual.most, usual.follow), ("order-7", 1000, None));
        assert_eq!((usual.instances.len(), usual.from), (10, Beginning::Earliest));
        let line = [
            "events/a/1/7",
            "--instance",
            "events",
            "--instance",
            "audit",
            "--from",
            "last:5",
            "--within",
            "2s",
            "--count",
            "9",
            "--follow",
            "--for",
            "1m",
        ];
        let all = trace(&line);
        assert_eq!(all.instances, [Instance::Events, Instance::Audit]);
        assert_eq!((all.from, all.within), (Beginning::Last(5), Duration::from_secs(2)));
        assert_eq!((all.most, all.follow), (9, Some(Some(Duration::from_secs(60)))));
        assert_eq!(trace(&["7", "--follow"]).follow, Some(None));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_a_way_out() {
        for (line, words) in [
            (&[][..], "<ID|CORRELATION>"),
            (&[""], "write the id of a message"),
            (&["7", "--instance", "event"], "did you mean `events`"),
            (&["7", "--for", "5s"], "--follow"),
            (&["7", "--count", "0"], "1..=10000"),
            (&["7", "--from", "noon"], "earliest"),
        ] {
            let err = parsed(line).expect_err(&format!("{line:?}"));
            assert_eq!(err.exit_code(), 2, "{line:?}");
            assert!(err.to_string().contains(words), "{line:?}: {err}");
        }
    }
}
