//! What may be typed of `bellwether sub`.

use bellwether_client::Beginning;
use bellwether_message::Pattern;
use clap::Args;
use clap::error::ErrorKind;

use super::{TypedLooks, beginning, in_queue, instance, wrong};
use crate::commands::subscribe::Subscribe;
use crate::commands::subscribe::filter::Filter;
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(super) struct TypedSubscribe {
    /// An instance and a pattern of topics, once or several times: `*` as the last level is one or more levels, `*`
    /// elsewhere and `+` are exactly one
    #[arg(required = true, num_args = 2.., value_names = ["INSTANCE", "PATTERN"])]
    wanted: Vec<String>,
    /// Begin with what the nodes still keep: `live`, `earliest`, `last:N`, `id:ID` (behind a message's id, or a resume
    /// token) or `time:RFC3339` [default: live]
    #[arg(long, value_name = "FROM", value_parser = beginning)]
    from: Option<Beginning>,
    /// Share the messages with all other subscribers of the mesh that name this group and the same pattern: each message
    /// goes to one of them, live only
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    queue: Option<String>,
    /// End after this many messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End with exit code 1 when the node goes, instead of waiting for it
    #[arg(long)]
    no_reconnect: bool,
    #[command(flatten)]
    looks: TypedLooks,
}

impl TypedSubscribe {
    pub(super) fn meaning(self, node: Reach) -> Result<Subscribe, clap::Error> {
        let wrong = |words| wrong("sub", ErrorKind::ValueValidation, words);
        let (format, theme) = self.looks.meaning("sub")?;
        let (pairs, rest) = self.wanted.as_chunks();
        if let [instance] = rest {
            return Err(wrong(format!(
                "patterns go with instances in pairs, but `{}` has no pattern",
                instance.escape_debug()
            )));
        }
        let wanted = pairs
            .iter()
            .map(|[given_instance, given_pattern]| {
                let instance = instance(given_instance)
                    .map_err(|err| wrong(format!("invalid value '{given_instance}' for INSTANCE: {err}")))?;
                let pattern = Pattern::new(given_pattern)
                    .map_err(|err| wrong(format!("invalid value '{given_pattern}' for PATTERN: {err}")))?;
                Ok((instance, pattern))
            })
            .collect::<Result<Vec<_>, clap::Error>>()?;
        let wanted = match (self.queue, &wanted[..]) {
            (None, _) => wanted,
            (Some(name), [(instance, pattern)]) => vec![(*instance, in_queue(pattern, &name).map_err(wrong)?)],
            (Some(_), _) => return Err(wrong("a queue group has one pattern of one instance".to_owned())),
        };
        Ok(Subscribe {
            node,
            wanted,
            from: self.from,
            filter: Filter::default(),
            terse: false,
            count: self.count,
            reconnect: !self.no_reconnect,
            format,
            theme,
        })
    }
}
