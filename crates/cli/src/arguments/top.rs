//! What may be typed of `bellwether top`.

use clap::Args;

use super::TypedFormat;
use crate::commands::top::{Top, View};
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(super) struct TypedTop {
    /// What is looked at first
    #[arg(long, value_enum, default_value_t = View::Members)]
    view: View,
    /// Print one table and end, on a terminal too
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedTop {
    pub(super) fn meaning(self, node: Reach) -> Top {
        Top {
            node,
            view: self.view,
            once: self.once,
            format: self.format.format,
        }
    }
}
