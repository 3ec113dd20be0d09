//! The policy of a node, at work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bellwether_message::{Instance, KeyRing, Timestamp};

use crate::account::{Account, Accounts};
use crate::caller::{Caller, Identity, Judged, Standing};
use crate::in_force::{InForce, Shown};
use crate::limits::Limits;
use crate::policy::{ANONYMOUS, Policy};
use crate::refusals::{Refusal, RefusalReport, Refusals};
use crate::revoked::Revoked;
use crate::token::{TokenKeys, seconds};

/// The policy of a node. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    in_force: RwLock<Arc<InForce>>,
    /// That of what is in force: asked for at every question, so without its lock.
    version: AtomicU64,
    revoked: RwLock<Arc<Revoked>>,
    accounts: Accounts,
    refusals: Refusals,
}

/// What a client has shown of itself.
#[derive(Debug, Clone, Copy)]
pub enum Credentials<'a> {
    /// Nothing.
    Anonymous,
    /// The user and group at the other end of a Unix socket, as the system says.
    Peer {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
    /// A token, as `bellwether token new` prints it.
    Token(&'a str),
}

impl Default for Access {
    fn default() -> Self {
        Self::open()
    }
}

impl Access {
    /// No `[access]` section: every client may do everything.
    pub fn open() -> Self {
        Self::new(Policy::open(), None)
    }

    /// By a policy. Without keys, which come from the cluster secret, no token counts.
    pub fn new(policy: Policy, keys: Option<TokenKeys>) -> Self {
        let in_force = InForce::new(0, policy, keys.map(Arc::new));
        let inner = Inner {
            version: AtomicU64::new(in_force.version),
            in_force: RwLock::new(Arc::new(in_force)),
            revoked: RwLock::default(),
            accounts: Accounts::default(),
            refusals: Refusals::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether every client may do everything.
    pub fn is_open(&self) -> bool {
        self.in_force().is_open()
    }

    /// Whether clients are served that show nothing: for doors that say beforehand whether they want a token.
    pub fn serves_anonymous(&self) -> bool {
        self.in_force().serves_anonymous()
    }

    /// From now on this policy holds, for open sessions too: what they may do is asked of it from the next question on. A
    /// session whose client would not be served any more, or would be somebody else, ends as soon as it is
    /// [checked](Caller::check).
    pub fn set_policy(&self, policy: Policy) {
        self.replace(|old, version| InForce::new(version, policy, old.keys()));
    }

    /// From now on tokens are verified by these keys; without any, none counts. Sessions whose tokens another key has made
    /// end as soon as they are [checked](Caller::check).
    pub fn set_keys(&self, keys: Option<TokenKeys>) {
        self.replace(|old, version| old.with_keys(version, keys.map(Arc::new)));
    }

    /// From now on the keys of this ring count, as with [`set_keys`](Self::set_keys). Where there were none there are none.
    pub fn replace_ring(&self, ring: &KeyRing) {
        self.replace(|old, version| {
            let keys = old.keys().map(|keys| Arc::new(keys.with_ring(ring)));
            old.with_keys(version, keys)
        });
    }

    fn replace(&self, make: impl FnOnce(&InForce, u64) -> InForce) {
        let mut current = self.inner.in_force.write().unwrap_or_else(PoisonError::into_inner);
        let version = current.version + 1;
        *current = Arc::new(make(&current, version));
        self.inner.version.store(version, Ordering::Release);
    }

    /// Which version of the policy is in force. May be one behind for whoever is not told of the change otherwise.
    pub(crate) fn version(&self) -> u64 {
        self.inner.version.load(Ordering::Acquire)
    }

    pub(crate) fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.inner.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these tokens do not count, nor in sessions that are open, as soon as those are checked. Whether they are
    /// others than before.
    pub fn set_revoked(&self, revoked: Revoked) -> bool {
        let mut current = self.inner.revoked.write().unwrap_or_else(PoisonError::into_inner);
        let differs = **current != revoked;
        *current = Arc::new(revoked);
        differs
    }

    /// What was refused and is to be told now: logged where the report says so, and published where it says so. `now` is
    /// any clock that only rises. Asked for by one task, about twice a second.
    pub fn take_refusals(&self, now: Duration) -> Vec<RefusalReport> {
        self.inner.refusals.take(now)
    }

    /// Who somebody is.
    ///
    /// # Errors
    /// [`AuthenticateError`]
    pub fn authenticate(&self, credentials: Credentials<'_>, now: Timestamp) -> Result<Caller, AuthenticateError> {
        let in_force = self.in_force();
        let known = in_force.look(credentials).and_then(|shown| {
            let token = match &shown {
                Shown::Token(token) => Some(Standing {
                    id: token.claims.id,
                    expires_at: token.claims.expires_at,
                }),
                _ => None,
            };
            if let Some(token) = token {
                self.check_token(token, now)?;
            }
            let (name, rights) = in_force.judge(&shown)?;
            Ok(Caller::new(Identity {
                access: self.clone(),
                name,
                shown,
                token,
                judged: RwLock::new(Judged {
                    version: in_force.version,
                    rights: Ok(rights),
                }),
            }))
        });
        known.map_err(|err| self.refused(err, &ANONYMOUS.into()))
    }

    pub(crate) fn check_token(&self, token: Standing, now: Timestamp) -> Result<(), AuthenticateError> {
        let revoked = self.inner.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.contains(&token.id) {
            return Err(AuthenticateError::Revoked);
        }
        match seconds(now) < token.expires_at {
            true => Ok(()),
            false => Err(AuthenticateError::Expired),
        }
    }

    pub(crate) fn account(&self, name: &Arc<str>, limits: &Limits) -> Option<Arc<Account>> {
        self.inner.accounts.of(name, limits)
    }

    pub(crate) fn refused(&self, err: AuthenticateError, principal: &Arc<str>) -> AuthenticateError {
        self.count(err.into(), principal, None);
        err
    }

    pub(crate) fn count(&self, refusal: Refusal, principal: &Arc<str>, instance: Option<Instance>) {
        self.inner.refusals.count(refusal, principal, instance);
    }
}

/// Why somebody is nobody here. The words never hold the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticateError {
    /// Nothing was shown, and that is not enough.
    #[error("this node serves nobody without a token; make one with `bellwether token new`")]
    Missing,
    /// The token is none, or not this cluster's, or was changed.
    #[error("the token is not valid here")]
    Invalid,
    /// It was valid.
    #[error("the token has expired")]
    Expired,
    /// It is on the list of those that no longer count.
    #[error("the token was revoked")]
    Revoked,
    /// There is nothing to verify tokens with.
    #[error(
        "this node has no cluster secret, so no token counts here; give it one as SECRET_KEY_BASE or `secret_file`"
    )]
    NoSecret,
    /// The policy is another than when the session began, and it is nobody or somebody else by it.
    #[error("who may do what has changed on this node; connect again and show who you are")]
    Changed,
}

#[cfg(test)]
mod tests;
