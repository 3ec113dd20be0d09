//! What may be typed of manual pages.

use std::path::PathBuf;

use clap::Args;

use crate::commands::man::Man;

#[derive(Debug, Args)]
pub(super) struct TypedMan {
    /// The command whose page is printed, such as `pub` or `context add` [default: the program]
    #[arg(num_args = 0..=2)]
    command: Vec<String>,
    /// Write the pages of all commands to this folder, as `bellwether-pub.1`
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    out: Option<PathBuf>,
}

impl TypedMan {
    pub(super) fn meaning(self, program: clap::Command) -> Man {
        Man {
            program,
            command: self.command,
            out: self.out,
        }
    }
}
