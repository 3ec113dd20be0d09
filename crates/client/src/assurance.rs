//! What a publisher wants to be sure of.

use std::time::Duration;

use bellwether_message::Confirm;

use crate::query::Query;

/// The bound of a node for peers that are to confirm, where it is not told another.
const CONFIRM_WITHIN: Duration = Duration::from_secs(10);

/// What a node is to wait for when it publishes a message; by default for nothing but itself.
///
/// ```
/// use bellwether_client::{Assurance, Confirm};
/// use std::time::Duration;
///
/// // Room for the message, so that no slower peer loses anything; then two peers that hold it.
/// let assurance = Assurance::default()
///     .wait(Duration::from_secs(30))
///     .confirm(Confirm::Peers(2));
/// # let _ = assurance;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assurance {
    wait: Option<Duration>,
    confirm: Option<Confirm>,
    within: Option<Duration>,
}

impl Assurance {
    /// First waits for room, at most so long (whole seconds, rounded up; the node takes up to 30), so that no peer or
    /// subscriber loses anything to this publisher's speed. A message for which there is none is not published.
    #[must_use]
    pub fn wait(mut self, longest: Duration) -> Self {
        self.wait = Some(longest);
        self
    }

    /// Then waits until these hold the message.
    #[must_use]
    pub fn confirm(mut self, confirm: Confirm) -> Self {
        self.confirm = Some(confirm);
        self
    }

    /// At most so long (whole seconds, rounded up, 1 to 60). Default: 10 s.
    #[must_use]
    pub fn within(mut self, longest: Duration) -> Self {
        self.within = Some(longest);
        self
    }

    pub(crate) fn add_to(&self, query: &mut Query) {
        let seconds = |time: Duration| whole_seconds(time).to_string();
        query.add_given("wait", self.wait.map(seconds).as_deref());
        query.add_given("confirm", self.confirm.map(|confirm| confirm.to_string()).as_deref());
        query.add_given("confirm_within", self.within.map(seconds).as_deref());
    }

    /// The time that the node may take beyond an ordinary answer.
    pub(crate) fn longest(&self) -> Duration {
        let confirming = match self.confirm {
            Some(Confirm::All | Confirm::Peers(_)) => self.within.unwrap_or(CONFIRM_WITHIN),
            _ => Duration::ZERO,
        };
        self.wait.unwrap_or_default() + confirming
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Path;

    #[test]
    fn what_is_waited_for_is_asked_of_the_node_in_whole_seconds() {
        let asked = |assurance: Assurance| {
            let mut query = Path::new("").query();
            assurance.add_to(&mut query);
            query.as_str().to_owned()
        };
        assert_eq!(asked(Assurance::default()), "");
        let all = Assurance::default()
            .wait(Duration::from_millis(4001))
            .confirm(Confirm::Peers(2))
            .within(Duration::from_secs(3));
        assert_eq!(asked(all), "?wait=5&confirm=2&confirm_within=3");
        assert_eq!(all.longest(), Duration::from_millis(7001));
        assert_eq!(Assurance::default().confirm(Confirm::All).longest(), CONFIRM_WITHIN);
        assert_eq!(Assurance::default().confirm(Confirm::Local).longest(), Duration::ZERO);
    }
}
