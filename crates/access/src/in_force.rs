//! The policy that holds now: what everybody is judged by, until another takes its place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_message::KeyId;

use crate::access::{AuthenticateError, Credentials};
use crate::limits::Limits;
use crate::policy::{ANONYMOUS, Policy, Principal};
use crate::rules::Rules;
use crate::token::{Claims, TokenKeys};

/// Tokens whose rules are remembered; beyond, all are forgotten and made again.
const MAX_KNOWN_TOKENS: usize = 1024;

/// A policy with the keys that tokens are verified by. Never changed: another takes its place.
#[derive(Debug)]
pub(crate) struct InForce {
    /// Rises with each that takes the place of another.
    pub(crate) version: u64,
    /// `None`: everybody may do everything.
    closed: Option<Closed>,
    limits: Limits,
    keys: Option<Arc<TokenKeys>>,
    /// Tokens that this cluster made, by their tags.
    tokens: Mutex<HashMap<[u8; 32], Arc<KnownToken>>>,
}

#[derive(Debug)]
struct Closed {
    anonymous: Option<Arc<Rules>>,
    principals: Vec<(Principal, Arc<Rules>)>,
}

/// A token that was verified.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) claims: Claims,
    /// Which of the keys has made it.
    key: KeyId,
    name: Arc<str>,
    rights: Rights,
}

/// What a client has shown, as far as it was looked at: enough to judge it again.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    Nothing,
    Peer {
        uid: u32,
        gid: u32,
    },
    Token(Arc<KnownToken>),
    /// A token that nobody has looked at, since everybody might do everything.
    UnreadToken,
}

/// What somebody may do, and how much.
#[derive(Debug, Clone)]
pub(crate) struct Rights {
    /// `None`: everything.
    pub(crate) rules: Option<Arc<Rules>>,
    pub(crate) limits: Limits,
}

impl InForce {
    pub(crate) fn new(version: u64, policy: Policy, keys: Option<Arc<TokenKeys>>) -> Self {
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
        Self {
            version,
            closed,
            limits: policy.limits,
            keys,
            tokens: Mutex::default(),
        }
    }

    /// The same policy with other keys.
    pub(crate) fn with_keys(&self, version: u64, keys: Option<Arc<TokenKeys>>) -> Self {
        let closed = self.closed.as_ref().map(|closed| Closed {
            anonymous: closed.anonymous.clone(),
            principals: closed.principals.clone(),
        });
        Self {
            version,
            closed,
            limits: self.limits,
            keys,
            tokens: Mutex::default(),
        }
    }

    pub(crate) fn keys(&self) -> Option<Arc<TokenKeys>> {
        self.keys.clone()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    pub(crate) fn serves_anonymous(&self) -> bool {
        self.closed.as_ref().is_none_or(|closed| closed.anonymous.is_some())
    }

    /// Looks at what somebody shows, as far as anybody asks for it.
    pub(crate) fn look(&self, credentials: Credentials<'_>) -> Result<Shown, AuthenticateError> {
        Ok(match (credentials, &self.closed) {
            (Credentials::Anonymous, _) => Shown::Nothing,
            (Credentials::Peer { uid, gid }, _) => Shown::Peer { uid, gid },
            (Credentials::Token(_), None) => Shown::UnreadToken,
            (Credentials::Token(text), Some(closed)) => Shown::Token(self.known_token(closed, text)?),
        })
    }

    /// Who somebody is that has shown this, and what it may do.
    pub(crate) fn judge(&self, shown: &Shown) -> Result<(Arc<str>, Rights), AuthenticateError> {
        let Some(closed) = &self.closed else {
            return Ok((ANONYMOUS.into(), self.rights(None)));
        };
        match shown {
            Shown::Nothing => self.anonymous(closed),
            Shown::Peer { uid, gid } => match closed.peer(*uid, *gid) {
                Some((principal, rules)) => {
                    let rights = Rights {
                        rules: Some(Arc::clone(rules)),
                        limits: principal.limits.over(&self.limits),
                    };
                    Ok((principal.name.as_str().into(), rights))
                }
                None => self.anonymous(closed),
            },
            Shown::Token(token) => {
                let keys = self.keys.as_ref().ok_or(AuthenticateError::NoSecret)?;
                if !keys.contains(token.key) {
                    return Err(AuthenticateError::Invalid);
                }
                Ok((Arc::clone(&token.name), token.rights.clone()))
            }
            Shown::UnreadToken => Err(AuthenticateError::Changed),
        }
    }

    /// What somebody with an open session may do, who was called `name` when it began. Who would be another now has to
    /// show again who it is: what it has taken counts under its name.
    pub(crate) fn judge_again(&self, shown: &Shown, name: &str) -> Result<Rights, AuthenticateError> {
        let (now_called, rights) = match shown {
            // Its rules were made by another policy.
            Shown::Token(token) => self.judge(&Shown::Token(Arc::new(self.known(&token.claims, token.key))))?,
            shown => self.judge(shown)?,
        };
        match self.is_open() || *now_called == *name {
            true => Ok(rights),
            false => Err(AuthenticateError::Changed),
        }
    }

    fn anonymous(&self, closed: &Closed) -> Result<(Arc<str>, Rights), AuthenticateError> {
        let rules = closed.anonymous.as_ref().ok_or(AuthenticateError::Missing)?;
        Ok((ANONYMOUS.into(), self.rights(Some(Arc::clone(rules)))))
    }

    fn rights(&self, rules: Option<Arc<Rules>>) -> Rights {
        Rights {
            rules,
            limits: self.limits,
        }
    }

    /// Its tag is verified each time; what it says is read once.
    fn known_token(&self, closed: &Closed, text: &str) -> Result<Arc<KnownToken>, AuthenticateError> {
        let keys = self.keys.as_ref().ok_or(AuthenticateError::NoSecret)?;
        let (parts, key) = keys.verify_tag(text).map_err(|_| AuthenticateError::Invalid)?;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tokens.get(&parts.tag) {
            return Ok(Arc::clone(known));
        }
        let claims = keys.verify(text).map_err(|_| AuthenticateError::Invalid)?;
        let known = Arc::new(self.known_by(closed, &claims, key));
        if tokens.len() >= MAX_KNOWN_TOKENS {
            tokens.clear();
        }
        tokens.insert(parts.tag, Arc::clone(&known));
        Ok(known)
    }

    fn known(&self, claims: &Claims, key: KeyId) -> KnownToken {
        match &self.closed {
            Some(closed) => self.known_by(closed, claims, key),
            None => KnownToken {
                name: claims.name.as_str().into(),
                rights: self.rights(None),
                claims: claims.clone(),
                key,
            },
        }
    }

    fn known_by(&self, closed: &Closed, claims: &Claims, key: KeyId) -> KnownToken {
        let named = closed.principals.iter().find(|(named, _)| named.name == claims.name);
        let (grant, limits) = match named {
            Some((named, _)) => (claims.may.clone().with(&named.grant), named.limits.over(&self.limits)),
            None => (claims.may.clone(), self.limits),
        };
        KnownToken {
            name: claims.name.as_str().into(),
            rights: Rights {
                rules: Some(Arc::new(Rules::new(&grant))),
                limits,
            },
            claims: claims.clone(),
            key,
        }
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
