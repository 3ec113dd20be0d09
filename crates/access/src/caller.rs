//! A client that has shown who it is.

use std::sync::Arc;

use bellwether_message::{Instance, KeyId, Pattern, Timestamp};

use crate::access::{Access, AuthenticateError};
use crate::denied::{Action, Denied};
use crate::limits::{LimitExceeded, Limits};
use crate::rules::{Question, Rules};
use crate::session::Session;
use crate::token::TokenId;

/// Who is at the other end of a connection. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Identity>);

/// What a caller is, found out once.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) access: Access,
    pub(crate) name: Arc<str>,
    /// `None`: everything is allowed.
    pub(crate) rules: Option<Arc<Rules>>,
    pub(crate) limits: Limits,
    pub(crate) token: Option<Standing>,
}

/// What of a token may end while a session is open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) id: TokenId,
    /// The key that made it.
    pub(crate) key: KeyId,
    /// In seconds since 1970.
    pub(crate) expires_at: u64,
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
    pub(crate) fn new(identity: Identity) -> Self {
        Self(Arc::new(identity))
    }

    /// The principal's name, for logs and lists.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The id of its token, if it has shown one, for logs.
    pub fn token_id(&self) -> Option<TokenId> {
        self.0.token.map(|token| token.id)
    }

    /// Whether it still is who it was: its token has not expired, is not revoked, and its key was not removed. A door asks at least twice a second
    /// while a session is open, and ends it with its protocol's own error.
    ///
    /// # Errors
    /// What ends the session.
    pub fn check(&self, now: Timestamp) -> Result<(), AuthenticateError> {
        let Some(token) = self.0.token else {
            return Ok(());
        };
        let ended = self.0.access.check_token(token, now);
        ended.map_err(|err| self.0.access.refused(err, &self.0.name))
    }

    /// Whether it may publish to a topic, by whatever name.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may_publish(&self, instance: Instance, topic: &str) -> Result<(), Denied> {
        let asked = self.ask(Question::Publish(instance, topic));
        asked
            .map(drop)
            .ok_or_else(|| self.denied(Action::Publish, Some((instance, topic))))
    }

    /// Whether it may subscribe to a pattern, live, by a queue group, by resume or by replay: refused where nothing that
    /// the pattern matches may be received.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may_subscribe(&self, instance: Instance, pattern: &Pattern) -> Result<Reach, Denied> {
        let asked = self.ask(Question::Subscribe(instance, pattern));
        asked.ok_or_else(|| self.denied(Action::Subscribe, Some((instance, pattern.as_str()))))
    }

    /// Whether it may receive what was published to a topic. Asked for each delivery, with any reach; cheap.
    pub fn may_receive(&self, instance: Instance, topic: &str) -> bool {
        self.ask(Question::Receive(instance, topic)).is_some()
    }

    /// The same as [`may_look`](Self::may_look), where the answer only shows less: who may not is not counted.
    pub fn looks(&self) -> bool {
        self.ask(Question::Look).is_some()
    }

    /// Whether it may see members, instances, subscribers, alerts, metrics.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may_look(&self) -> Result<(), Denied> {
        let asked = self.ask(Question::Look);
        asked.map(drop).ok_or_else(|| self.denied(Action::Look, None))
    }

    /// Whether it may change what the node does: thresholds, the integration's switch, breakers.
    ///
    /// # Errors
    /// [`Denied`]
    pub fn may_administer(&self) -> Result<(), Denied> {
        let asked = self.ask(Question::Administer);
        asked.map(drop).ok_or_else(|| self.denied(Action::Administer, None))
    }

    /// Begins a session: one connection.
    ///
    /// # Errors
    /// [`LimitExceeded`]
    pub fn open_session(&self) -> Result<Session, LimitExceeded> {
        let limit = self.0.limits.connections;
        let account = self.0.access.account(&self.0.name, &self.0.limits);
        let opened = account
            .ok_or(LimitExceeded::Connections { limit })
            .and_then(|account| Ok((account.connect(limit)?, account)));
        match opened {
            Ok((connection, account)) => Ok(Session::new(self.clone(), account, connection)),
            Err(err) => Err(self.limited(err)),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Counts a limit that was hit.
    pub(crate) fn limited(&self, err: LimitExceeded) -> LimitExceeded {
        self.0.access.count(err.into(), &self.0.name, None);
        err
    }

    /// All that is asked is decided in one place.
    fn ask(&self, question: Question<'_>) -> Option<Reach> {
        match &self.0.rules {
            None => Some(Reach::All),
            Some(rules) => rules.judge(question),
        }
    }

    fn denied(&self, action: Action, place: Option<(Instance, &str)>) -> Denied {
        let instance = place.map(|(instance, _)| instance);
        self.0.access.count(action.into(), &self.0.name, instance);
        Denied {
            action,
            instance,
            topic: place.map(|(_, topic)| topic.to_owned()),
            principal: self.name().to_owned(),
        }
    }
}
