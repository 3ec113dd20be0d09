//! What may be typed of `bellwether doctor`.

use clap::Args;

use super::{TypedFormat, TypedSettings};
use crate::commands::doctor::Doctor;
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(super) struct TypedDoctor {
    /// Look at this host and its configuration only: ask no node
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    format: TypedFormat,
    #[command(flatten)]
    settings: TypedSettings,
}

impl TypedDoctor {
    pub(super) fn meaning(self, node: Reach) -> Doctor {
        Doctor {
            node,
            settings: self.settings.into(),
            offline: self.offline,
            format: self.format.format,
        }
    }
}
