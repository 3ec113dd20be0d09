//! What may be typed of `bellwether top`.

use clap::Args;
use clap::error::ErrorKind;

use super::{TypedFormat, wrong};
use crate::commands::top::{Sort, Top, View};
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(super) struct TypedTop {
    /// What is looked at first
    #[arg(long, value_enum, default_value_t = View::Members)]
    view: View,
    /// The column of that view by which it is sorted at first, in small letters or capitals: figures with the largest on
    /// top, texts from a to z [default: node, published/s of instances, full of subscribers]
    #[arg(long, value_name = "COLUMN")]
    sort: Option<String>,
    /// Turn that round
    #[arg(long)]
    reverse: bool,
    /// Print one table and end, on a terminal too
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedTop {
    pub(super) fn meaning(self, node: Reach) -> Result<Top, clap::Error> {
        let mut sort = match &self.sort {
            None => self.view.first_sort(),
            Some(column) => sort_by(self.view, column)?,
        };
        sort.descending ^= self.reverse;
        Ok(Top {
            node,
            view: self.view,
            sort,
            once: self.once,
            format: self.format.format,
        })
    }
}

fn sort_by(view: View, column: &str) -> Result<Sort, clap::Error> {
    view.sort_by(column).ok_or_else(|| {
        let (name, columns) = (view.name(), view.titles().join(", "));
        let words = format!("the view `{name}` has no column `{column}`; its columns are {columns}");
        wrong("top", ErrorKind::InvalidValue, words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::parse;
    use crate::commands::Command;

    fn sort(line: &[&str]) -> Result<Sort, String> {
        let program = ["bellwether", "top"].into_iter();
        match parse(program.chain(line.iter().copied()).map(Into::into)) {
            Ok(Command::Top(top)) => Ok(top.sort),
            Ok(other) => panic!("{other:?}"),
            Err(err) => Err(err.to_string()),
        }
    }

    #[test]
    fn figures_begin_with_the_largest_and_texts_with_the_first() {
        for (line, column, descending) in [
            (&[][..], 0, false),
            (&["--reverse"], 0, true),
            (&["--sort", "RTT"], 8, true),
            (&["--sort", "published/s", "--reverse"], 3, false),
            (&["--sort", "version"], 14, false),
            (&["--view", "instances"], 2, true),
            (&["--view", "subscribers", "--sort", "all queued"], 6, true),
        ] {
            assert_eq!(sort(line).unwrap(), Sort { column, descending }, "{line:?}");
        }
    }

    #[test]
    fn columns_that_are_not_there_are_told_with_those_that_are() {
        let err = sort(&["--view", "instances", "--sort", "rtt"]).unwrap_err();
        let right = "the view `instances` has no column `rtt`; its columns are INSTANCE, NODE, PUBLISHED/s,";
        assert!(err.contains(right), "{err}");
    }
}
