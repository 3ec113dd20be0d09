//! The policy of a node, at work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bellwether_message::{Instance, KeyId, KeyRing, Timestamp};

use crate::account::{Account, Accounts};
use crate::caller::{Caller, Identity, Standing};
use crate::limits::Limits;
use crate::policy::{ANONYMOUS, Policy, Principal};
use crate::refusals::{Refusal, RefusalReport, Refusals};
use crate::revoked::Revoked;
use crate::rules::Rules;
use crate::token::{Claims, TokenKeys, seconds};

/// Tokens whose rules are remembered; beyond, all are forgotten and made again.
const MAX_KNOWN_TOKENS: usize = 1024;

/// The policy of a node. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None`: everybody may do everything.
    closed: Option<Closed>,
    limits: Limits,
    keys: Option<RwLock<Arc<TokenKeys>>>,
    revoked: RwLock<Arc<Revoked>>,
    /// Tokens that this cluster made, by their tags.
    tokens: Mutex<HashMap<[u8; 32], Arc<KnownToken>>>,
    accounts: Accounts,
    refusals: Refusals,
}

#[derive(Debug)]
struct Closed {
    anonymous: Option<Arc<Rules>>,
    principals: Vec<(Principal, Arc<Rules>)>,
}

#[derive(Debug)]
struct KnownToken {
    claims: Claims,
    name: Arc<str>,
    rules: Arc<Rules>,
    limits: Limits,
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
        let closed = policy.closed.map(|closed| Closed {
            anonymous: closed.anonymous.map(|grant| Arc::new(Rules::new(&grant))),
            principals: closed
                .principals
                .into_iter()
                .map(|principal| {
                    let rules = Arc::new(Rules::new(&principal.grant));
                    (principal, rules)
                })
                .collect(),
        });
        let inner = Inner {
            closed,
            limits: policy.limits,
            keys: keys.map(Arc::new).map(RwLock::new),
            revoked: RwLock::default(),
            tokens: Mutex::default(),
            accounts: Accounts::default(),
            refusals: Refusals::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether every client may do everything.
    pub fn is_open(&self) -> bool {
        self.inner.closed.is_none()
    }

    /// Whether clients are served that show nothing: for doors that say beforehand whether they want a token.
    pub fn serves_anonymous(&self) -> bool {
        self.inner
            .closed
            .as_ref()
            .is_none_or(|closed| closed.anonymous.is_some())
    }

    /// From now on these tokens do not count, nor in sessions that are open, as soon as those are checked.
    pub fn set_revoked(&self, revoked: Revoked) {
        let mut current = self.inner.revoked.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(revoked);
    }

    /// From now on the keys of this ring count, and tokens of others do not, nor in sessions that are open, as soon as
    /// those are checked. Where there were none from the start there are none.
    pub fn replace_ring(&self, ring: &KeyRing) {
        if let Some(keys) = &self.inner.keys {
            let mut keys = keys.write().unwrap_or_else(PoisonError::into_inner);
            *keys = Arc::new(keys.with_ring(ring));
        }
    }

    /// What makes and verifies tokens now.
    fn token_keys(&self) -> Option<Arc<TokenKeys>> {
        let keys = self.inner.keys.as_ref()?;
        Some(keys.read().unwrap_or_else(PoisonError::into_inner).clone())
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
        let Some(closed) = &self.inner.closed else {
            return Ok(self.caller(ANONYMOUS.into(), None, self.inner.limits, None));
        };
        let caller = match credentials {
            Credentials::Anonymous => self.anonymous(closed),
            Credentials::Peer { uid, gid } => match closed.peer(uid, gid) {
                Some((principal, rules)) => {
                    let limits = principal.limits.over(&self.inner.limits);
                    Ok(self.caller(principal.name.as_str().into(), Some(Arc::clone(rules)), limits, None))
                }
                None => self.anonymous(closed),
            },
            Credentials::Token(text) => self.bearer(closed, text, now),
        };
        caller.map_err(|err| self.refused(err, &ANONYMOUS.into()))
    }

    fn anonymous(&self, closed: &Closed) -> Result<Caller, AuthenticateError> {
        let rules = closed.anonymous.as_ref().ok_or(AuthenticateError::Missing)?;
        Ok(self.caller(ANONYMOUS.into(), Some(Arc::clone(rules)), self.inner.limits, None))
    }

    fn bearer(&self, closed: &Closed, text: &str, now: Timestamp) -> Result<Caller, AuthenticateError> {
        let (token, key) = self.known_token(closed, text)?;
        let standing = Standing {
            id: token.claims.id,
            key,
            expires_at: token.claims.expires_at,
        };
        self.check_token(standing, now)?;
        let rules = Some(Arc::clone(&token.rules));
        Ok(self.caller(Arc::clone(&token.name), rules, token.limits, Some(standing)))
    }

    /// Its tag is verified each time, and by which key; what it says is read once.
    fn known_token(&self, closed: &Closed, text: &str) -> Result<(Arc<KnownToken>, KeyId), AuthenticateError> {
        let keys = self.token_keys().ok_or(AuthenticateError::NoSecret)?;
        let (parts, key) = keys.verify_tag(text).map_err(|_| AuthenticateError::Invalid)?;
        let mut tokens = self.inner.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tokens.get(&parts.tag) {
            return Ok((Arc::clone(known), key));
        }
        let claims = keys.verify(text).map_err(|_| AuthenticateError::Invalid)?;
        let named = closed.principals.iter().find(|(named, _)| named.name == claims.name);
        let (grant, limits) = match named {
            Some((named, _)) => (
                claims.may.clone().with(&named.grant),
                named.limits.over(&self.inner.limits),
            ),
            None => (claims.may.clone(), self.inner.limits),
        };
        let known = Arc::new(KnownToken {
            name: claims.name.as_str().into(),
            rules: Arc::new(Rules::new(&grant)),
            limits,
            claims,
        });
        if tokens.len() >= MAX_KNOWN_TOKENS {
            tokens.clear();
        }
        tokens.insert(parts.tag, Arc::clone(&known));
        Ok((known, key))
    }

    fn caller(&self, name: Arc<str>, rules: Option<Arc<Rules>>, limits: Limits, token: Option<Standing>) -> Caller {
        Caller::new(Identity {
            access: self.clone(),
            name,
            rules,
            limits,
            token,
        })
    }

    pub(crate) fn check_token(&self, token: Standing, now: Timestamp) -> Result<(), AuthenticateError> {
        let revoked = self.inner.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.contains(&token.id) {
            return Err(AuthenticateError::Revoked);
        }
        if !self.token_keys().is_some_and(|keys| keys.contains(token.key)) {
            return Err(AuthenticateError::Invalid);
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

impl Closed {
    /// The principal that a user is, or else the one that its group is.
    fn peer(&self, uid: u32, gid: u32) -> Option<&(Principal, Arc<Rules>)> {
        let by = |known: fn(&Principal) -> &[u32], id: u32| {
            self.principals
                .iter()
                .find(move |(principal, _)| known(principal).contains(&id))
        };
        by(Principal::uids, uid).or_else(|| by(Principal::gids, gid))
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
}

#[cfg(test)]
mod tests;
