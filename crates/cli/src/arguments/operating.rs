//! What may be typed to tell a running node what to do, and the examples of that.

use clap::Args;

use super::TypedFormat;
use crate::commands::Command;
use crate::commands::reload::Reload;
use crate::commands::stop::{How, Stop};
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(super) struct TypedOperating {
    #[command(flatten)]
    format: TypedFormat,
}

impl TypedOperating {
    pub(super) fn reload(self, node: Reach) -> Command {
        Command::Reload(Reload {
            node,
            format: self.format.format,
        })
    }

    pub(super) fn stop(self, how: How, node: Reach) -> Command {
        Command::Stop(Stop {
            node,
            how,
            format: self.format.format,
        })
    }
}

pub(super) const RELOAD: &str = "\
Examples:
  bellwether reload
  bellwether reload --format json
  kill -HUP $(pidof bellwether)              the same; its log has the answer

The node reads its file, flags and environment as when it started, the
certificates and lists that they name too. If anything is wrong nothing
changes: exit code 1. What cannot change while it runs needs a restart.";

pub(super) const DRAIN: &str = "\
Examples:
  bellwether drain
  bellwether --node http://192.0.2.11:7480 drain && reboot

As SIGTERM: NATS clients go to other nodes, publishes are refused, the other
nodes confirm what is left within drain_timeout_ms, streams end, the node
exits. Exit code 1 if a node has not confirmed everything. To be quick: leave.";

pub(super) const LEAVE: &str = "\
Examples:
  bellwether leave
  bellwether --node http://192.0.2.11:7480 leave

The others know at once that it left, and alarm nobody. They have a second to
confirm what is left; clients are not waited for. Exit code 1 if a node has
not confirmed everything. To lose nothing: drain.";
