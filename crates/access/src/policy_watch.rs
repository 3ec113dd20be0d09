//! Whether what was asked when a subscription began is to be asked again.

use crate::caller::Caller;

/// Notices that another policy has taken the place of the one that was last asked. One for all subscriptions of a session.
#[derive(Debug, Default)]
pub struct PolicyWatch(Option<u64>);

impl PolicyWatch {
    /// Whether the policy is another than at the last call; true at the first. Cheap.
    pub fn has_changed(&mut self, caller: &Caller) -> bool {
        let version = caller.policy_version();
        self.0.replace(version) != Some(version)
    }

    /// True at the next call, whatever the policy is then: of something that was asked for a while ago and begins now.
    pub fn begin_anew(&mut self) {
        self.0 = None;
    }
}
