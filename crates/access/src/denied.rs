//! What somebody may not do.

use std::fmt;

use bellwether_message::Instance;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// To publish.
    Publish,
    /// To subscribe.
    Subscribe,
    /// To see the state of the node and its mesh.
    Look,
    /// To change what the node does.
    Administer,
}

/// Somebody may not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Denied {
    /// What was asked for.
    pub action: Action,
    /// Where, if it was about messages.
    pub instance: Option<Instance>,
    /// The topic or pattern, if it was about messages; as it was given.
    pub topic: Option<String>,
    /// Who asked.
    pub principal: String,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.principal.escape_debug();
        let what = match self.action {
            Action::Publish => "publish to",
            Action::Subscribe => "receive anything of",
            Action::Look => return write!(f, "`{who}` may not look; a permission `look` would allow it"),
            Action::Administer => {
                return write!(
                    f,
                    "`{who}` may not administer; a permission `administer` would allow it"
                );
            }
        };
        write!(f, "`{who}` may not {what} ")?;
        match (self.instance, &self.topic) {
            (Some(instance), Some(topic)) => write!(f, "{instance}/{}", topic.escape_debug()),
            (Some(instance), None) => write!(f, "{instance}"),
            (None, _) => f.write_str("this"),
        }
    }
}
