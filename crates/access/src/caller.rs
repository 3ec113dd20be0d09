//! A client that has shown who it is.

use std::sync::Arc;

use bellwether_message::{Instance, Pattern, Timestamp};

use crate::access::AuthenticateError;
use crate::denied::Denied;
use crate::limits::LimitExceeded;
use crate::session::Session;

/// Who is at the other end of a connection. Cheap to clone.
///
/// Every question is answered by the policy as it is now, so that a change bites in sessions that are open.
#[derive(Debug, Clone)]
pub struct Caller {
    name: Arc<str>,
}

/// How much of what a pattern matches somebody may receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything, as the policy is now.
    All,
    /// Something: each delivery is asked for by [`Caller::may_receive`].
    Some,
}

impl Caller {
    pub(crate) fn everybody() -> Self {
        Self {
            name: "anonymous".into(),
        }
    }

    /// The principal's name, for logs and lists.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it still is who it was: its token has not expired, is not revoked, its principal is still there. A door
    /// asks at least twice a second while a session is open, and ends it with its protocol's own error.
    ///
    /// # Errors
    /// What ends the session.
    pub fn check(&self, _now: Timestamp) -> Result<(), AuthenticateError> {
        Ok(())
    }

    /// Whether it may publish to a topic.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may_publish(&self, _instance: Instance, _topic: &str) -> Result<(), Denied> {
        Ok(())
    }

    /// Whether it may subscribe to a pattern, live, by a queue group, by resume or by replay: refused where nothing that
    /// the pattern matches may be received.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may_subscribe(&self, _instance: Instance, _pattern: &Pattern) -> Result<Reach, Denied> {
        Ok(Reach::All)
    }

    /// Whether it may receive what was published to a topic. Asked for each delivery, with any reach, because the policy
    /// may have changed since; cheap.
    pub fn may_receive(&self, _instance: Instance, _topic: &str) -> bool {
        true
    }

    /// Whether it may see members, instances, subscribers, alerts, metrics.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may_look(&self) -> Result<(), Denied> {
        Ok(())
    }

    /// Whether it may change what the node does: thresholds, the integration's switch, breakers.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may_administer(&self) -> Result<(), Denied> {
        Ok(())
    }

    /// Begins a session: one connection.
    ///
    /// # Errors
    /// [`LimitExceeded`]
    pub fn open_session(&self) -> Result<Session, LimitExceeded> {
        Ok(Session::new(self.clone()))
    }
}
