//! The policy of a node as it is configured.

use std::str::FromStr;

use crate::limits::{Limits, LimitsOverride};
use crate::permission::{Permission, PermissionError};
use crate::rules::Grant;
use crate::token::ClaimsError;

/// The name of who has shown nothing.
pub const ANONYMOUS: &str = "anonymous";

const MAX_NAME_BYTES: usize = 64;

/// Who may do what, and how much.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// `None`: everybody may do everything.
    pub(crate) closed: Option<Closed>,
    pub(crate) limits: Limits,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Closed {
    pub(crate) anonymous: Option<Grant>,
    pub(crate) principals: Vec<Principal>,
}

impl Policy {
    /// Everybody may do everything, within limits. What clients show is not looked at.
    pub fn open() -> Self {
        Self::default()
    }

    /// Nobody may do anything that is not granted, by a principal or by a token.
    pub fn closed() -> Self {
        Self {
            closed: Some(Closed::default()),
            ..Self::default()
        }
    }

    /// Closed, and with this principal.
    #[must_use]
    pub fn with_principal(mut self, principal: Principal) -> Self {
        self.closed.get_or_insert_default().principals.push(principal);
        self
    }

    /// Closed, and whoever shows nothing may do this.
    #[must_use]
    pub fn with_anonymous(mut self, grant: Grant) -> Self {
        self.closed.get_or_insert_default().anonymous = Some(grant);
        self
    }

    /// With these limits for everybody of whom nothing else is said.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether everybody may do everything.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }
}

/// Somebody known by name. At a Unix socket it is known by its user or group; elsewhere by a token with its name, which then
/// may do what the token says, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub(crate) name: String,
    pub(crate) uids: Vec<u32>,
    pub(crate) gids: Vec<u32>,
    pub(crate) grant: Grant,
    pub(crate) limits: LimitsOverride,
}

impl Principal {
    /// Of that name, with these permissions.
    pub fn new(name: impl Into<String>, grant: Grant) -> Self {
        Self {
            name: name.into(),
            uids: Vec::new(),
            gids: Vec::new(),
            grant,
            limits: LimitsOverride::default(),
        }
    }

    /// Whoever comes over a Unix socket as this user is it. A user stands above a group, and of several the first.
    #[must_use]
    pub fn with_uid(mut self, uid: u32) -> Self {
        self.uids.push(uid);
        self
    }

    /// Whoever comes over a Unix socket as this group is it.
    #[must_use]
    pub fn with_gid(mut self, gid: u32) -> Self {
        self.gids.push(gid);
        self
    }

    /// With limits of its own.
    #[must_use]
    pub fn with_limits(mut self, limits: LimitsOverride) -> Self {
        self.limits = limits;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Users that it is known by.
    pub fn uids(&self) -> &[u32] {
        &self.uids
    }

    /// Groups that it is known by.
    pub fn gids(&self) -> &[u32] {
        &self.gids
    }

    /// Its permissions.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Its own limits.
    pub fn limits(&self) -> &LimitsOverride {
        &self.limits
    }

    /// Whether a text can be a principal's name.
    ///
    /// # Errors
    /// [`ClaimsError::Name`]
    pub fn check_name(name: &str) -> Result<(), ClaimsError> {
        check_name(name)
    }
}

/// The names of principals and tokens: they stand in logs and messages.
pub(crate) fn check_name(name: &str) -> Result<(), ClaimsError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'@' | b'-');
    let is_name = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(allowed) && name != ANONYMOUS;
    match is_name {
        true => Ok(()),
        false => Err(ClaimsError::Name {
            given: name.escape_debug().take(MAX_NAME_BYTES).collect(),
        }),
    }
}

/// One thing that whoever shows nothing may do: `look`, `administer`, `publish metrics:*`, `subscribe alerts:*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnonymousRight {
    /// `look`
    Look,
    /// `administer`
    Administer,
    /// `publish INSTANCE:PATTERN`
    Publish(Permission),
    /// `subscribe INSTANCE:PATTERN`
    Subscribe(Permission),
}

impl AnonymousRight {
    /// Adds it to what is granted.
    pub fn add_to(self, grant: &mut Grant) {
        match self {
            Self::Look => grant.look = true,
            Self::Administer => grant.administer = true,
            Self::Publish(permission) => grant.allow_publish.push(permission),
            Self::Subscribe(permission) => grant.allow_subscribe.push(permission),
        }
    }
}

impl FromStr for AnonymousRight {
    type Err = AnonymousRightError;

    fn from_str(text: &str) -> Result<Self, AnonymousRightError> {
        match text.split_once(' ') {
            None if text == "look" => Ok(Self::Look),
            None if text == "administer" => Ok(Self::Administer),
            Some(("publish", permission)) => Ok(Self::Publish(permission.parse()?)),
            Some(("subscribe", permission)) => Ok(Self::Subscribe(permission.parse()?)),
            _ => Err(AnonymousRightError::Unknown {
                given: text.escape_debug().take(MAX_NAME_BYTES).collect(),
            }),
        }
    }
}

/// Why a text is no right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnonymousRightError {
    /// It is none that there is.
    #[error(
        "`{given}` is no right; write look, administer, `publish INSTANCE:PATTERN` or `subscribe INSTANCE:PATTERN`"
    )]
    Unknown {
        /// What was given.
        given: String,
    },
    /// Its permission is none.
    #[error(transparent)]
    Permission(#[from] PermissionError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_of_anonymous_clients_read_as_they_are_written() {
        let mut grant = Grant::default();
        for text in ["look", "publish metrics:*", "subscribe alerts/system_alerts:*"] {
            text.parse::<AnonymousRight>().unwrap().add_to(&mut grant);
        }
        assert!(grant.look && !grant.administer);
        assert_eq!(grant.allow_publish[0].to_string(), "metrics:*");
        assert_eq!(grant.allow_subscribe[0].to_string(), "alerts:system_alerts:*");
        for text in ["", "Look", "publish", "publish metrics", "read metrics:*", "look "] {
            assert!(text.parse::<AnonymousRight>().is_err(), "{text}");
        }
    }
}
