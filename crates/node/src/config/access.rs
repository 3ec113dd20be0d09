//! The tables `access` and `limits`: who may do what, and how much; what was typed and what it means.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bellwether_access::{
    AnonymousRight, AnonymousRightError, ClaimsError, Grant, Limits, LimitsOverride, Permission, PermissionError,
    Policy, Principal,
};
use bellwether_message::MAX_PAYLOAD_BYTES;

use super::error::ConfigError;
use super::origin::{Origin, Origins, Setting};
use super::{Bounds, Config};

/// Principals of one node.
const PRINCIPALS_MAX: usize = 1024;

/// The keys of `[access]`, in the order of [`AccessLayer`]'s fields.
pub(super) const ACCESS_KEYS: [&str; 3] = ["anonymous", "revoked_tokens", "principals"];

/// The keys of one `[[access.principals]]`, in the order of [`PrincipalLayer`]'s fields.
pub(super) const PRINCIPAL_KEYS: [&str; 10] = [
    "name",
    "uid",
    "gid",
    "allow_publish",
    "allow_subscribe",
    "deny_publish",
    "deny_subscribe",
    "look",
    "administer",
    "limits",
];

const COUNT: u64 = u32::MAX as u64;

/// The bounds of limits, in the order of [`LimitsLayer::values`].
pub(super) const LIMIT_BOUNDS: [Bounds; 6] = [
    limit("connections", 1, COUNT, "connections"),
    limit("subscriptions", 1, COUNT, "subscriptions"),
    limit("messages_per_second", 1, COUNT, "messages"),
    limit("bytes_per_second", 1, 1 << 40, "bytes"),
    limit("queued_bytes", 64 << 10, 16 << 30, "bytes"),
    limit("payload_bytes", 1, MAX_PAYLOAD_BYTES as u64, "bytes"),
];

const fn limit(key: &'static str, min: u64, max: u64, unit: &'static str) -> Bounds {
    Bounds { key, min, max, unit }
}

/// Who may do what, as one layer gave it; only a file can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLayer {
    /// What clients may do that show nothing: `look`, `publish metrics:*`. Default: nothing.
    pub anonymous: Option<Vec<String>>,
    /// A file with the ids of tokens that no longer count.
    pub revoked_tokens: Option<PathBuf>,
    /// Those known by name.
    pub principals: Vec<PrincipalLayer>,
}

/// One principal as a layer gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipalLayer {
    /// Its name. Required.
    pub name: Option<String>,
    /// Users that it is known by at the Unix socket.
    pub uid: Vec<u64>,
    /// Groups that it is known by there.
    pub gid: Vec<u64>,
    /// Where it may publish.
    pub allow_publish: Vec<String>,
    /// What it may receive.
    pub allow_subscribe: Vec<String>,
    /// Where it may not publish.
    pub deny_publish: Vec<String>,
    /// What it may not receive.
    pub deny_subscribe: Vec<String>,
    /// Whether it may see the state of the node and its mesh.
    pub look: Option<bool>,
    /// Whether it may change what the node does.
    pub administer: Option<bool>,
    /// Its own limits.
    pub limits: LimitsLayer,
}

impl PrincipalLayer {
    /// The list of permissions that is called `key`.
    pub(super) fn permissions_mut(&mut self, key: &str) -> Option<&mut Vec<String>> {
        Some(match key {
            "allow_publish" => &mut self.allow_publish,
            "allow_subscribe" => &mut self.allow_subscribe,
            "deny_publish" => &mut self.deny_publish,
            "deny_subscribe" => &mut self.deny_subscribe,
            _ => return None,
        })
    }
}

/// Limits as one layer gave them, by key; what is absent was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsLayer(BTreeMap<&'static str, u64>);

impl LimitsLayer {
    /// Sets one; false where none is called so.
    pub(super) fn insert(&mut self, key: &str, value: u64) -> bool {
        let known = LIMIT_BOUNDS.iter().find(|bounds| bounds.key == key);
        known.map(|bounds| self.0.insert(bounds.key, value)).is_some()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// This layer laid over a weaker one, key by key.
    pub(super) fn over(mut self, weaker: Self) -> Self {
        for (key, value) in weaker.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    fn resolve(&self, setting: impl Fn(&str) -> Setting) -> Result<LimitsOverride, ConfigError> {
        for bounds in &LIMIT_BOUNDS {
            if let Some(value) = self.0.get(bounds.key) {
                bounds.judge(*value, || setting(bounds.key))?;
            }
        }
        let number = |key: &str| self.0.get(key).copied();
        let count = |key: &str| number(key).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        let size = |key: &str| number(key).map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(LimitsOverride {
            connections: count("connections"),
            subscriptions: count("subscriptions"),
            messages_per_second: count("messages_per_second"),
            bytes_per_second: number("bytes_per_second"),
            queued_bytes: size("queued_bytes"),
            payload_bytes: size("payload_bytes"),
        })
    }
}

/// `limits.connections`
pub(super) fn limit_key(key: &str) -> String {
    format!("limits.{key}")
}

/// The values of limits, in the order of [`LIMIT_BOUNDS`]; `None`: no bound, or none of its own.
pub(super) fn limit_values(limits: &LimitsOverride) -> [Option<u64>; 6] {
    [
        limits.connections.map(u64::from),
        limits.subscriptions.map(u64::from),
        limits.messages_per_second.map(u64::from),
        limits.bytes_per_second,
        limits.queued_bytes.map(|bytes| bytes as u64),
        limits.payload_bytes.map(|bytes| bytes as u64),
    ]
}

/// Who may do what, resolved. Without it everybody may do everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessSettings {
    /// What clients may do that show nothing; `None`: they are not served.
    pub anonymous: Option<Grant>,
    /// A file with the ids of tokens that no longer count, one per line; looked at twice a second.
    pub revoked_tokens: Option<PathBuf>,
    /// Those known by name.
    pub principals: Vec<Principal>,
}

/// What is wrong with who may do what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessProblem {
    /// A principal without a name.
    #[error("this principal has no `name`; give each one")]
    NameMissing,
    /// A name that is none.
    #[error(transparent)]
    Name(ClaimsError),
    /// A name that another principal has.
    #[error("the name `{name}` is taken by another principal; give each its own")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A text that is no permission.
    #[error(transparent)]
    Permission(PermissionError),
    /// A text that is no right of anonymous clients.
    #[error(transparent)]
    Right(AnonymousRightError),
    /// A number that no user or group has.
    #[error("{given} is no id of a user or group; the largest is {}", u32::MAX)]
    Id {
        /// What was given.
        given: u64,
    },
    /// More principals than a node looks through.
    #[error("there are {given} principals, but at most {PRINCIPALS_MAX} may be; use tokens")]
    TooManyPrincipals {
        /// So many there are.
        given: usize,
    },
}

impl AccessLayer {
    pub(super) fn resolve(self, origins: &Origins) -> Result<AccessSettings, ConfigError> {
        if self.principals.len() > PRINCIPALS_MAX {
            let given = self.principals.len();
            let problem = AccessProblem::TooManyPrincipals { given };
            return Err(refuse(origins, "access.principals", problem));
        }
        let anonymous = self.anonymous.unwrap_or_default();
        let mut settings = AccessSettings {
            anonymous: (!anonymous.is_empty()).then(Grant::default),
            revoked_tokens: self.revoked_tokens,
            principals: Vec::new(),
        };
        for (index, text) in anonymous.iter().enumerate() {
            let right: AnonymousRight = text.parse().map_err(|err| {
                refuse(
                    origins,
                    &format!("access.anonymous[{index}]"),
                    AccessProblem::Right(err),
                )
            })?;
            right.add_to(settings.anonymous.get_or_insert_default());
        }
        for (index, layer) in self.principals.into_iter().enumerate() {
            let path = format!("access.principals[{index}]");
            let principal = layer.resolve(&path, origins)?;
            if settings.principals.iter().any(|other| other.name() == principal.name()) {
                let name = principal.name().to_owned();
                let problem = AccessProblem::Duplicate { name };
                return Err(refuse(origins, &format!("{path}.name"), problem));
            }
            settings.principals.push(principal);
        }
        Ok(settings)
    }
}

impl PrincipalLayer {
    fn resolve(self, path: &str, origins: &Origins) -> Result<Principal, ConfigError> {
        let name = self
            .name
            .ok_or_else(|| refuse(origins, path, AccessProblem::NameMissing))?;
        Principal::check_name(&name)
            .map_err(|err| refuse(origins, &format!("{path}.name"), AccessProblem::Name(err)))?;
        let permissions = |key: &str, texts: &[String]| -> Result<Vec<Permission>, ConfigError> {
            let each = texts.iter().enumerate().map(|(index, text)| {
                let place = format!("{path}.{key}[{index}]");
                text.parse()
                    .map_err(|err| refuse(origins, &place, AccessProblem::Permission(err)))
            });
            each.collect()
        };
        let grant = Grant {
            allow_publish: permissions("allow_publish", &self.allow_publish)?,
            allow_subscribe: permissions("allow_subscribe", &self.allow_subscribe)?,
            deny_publish: permissions("deny_publish", &self.deny_publish)?,
            deny_subscribe: permissions("deny_subscribe", &self.deny_subscribe)?,
            look: self.look.unwrap_or_default(),
            administer: self.administer.unwrap_or_default(),
        };
        let id = |key: &str, index: usize, given: u64| {
            let place = format!("{path}.{key}[{index}]");
            u32::try_from(given).map_err(|_| refuse(origins, &place, AccessProblem::Id { given }))
        };
        let limits = self
            .limits
            .resolve(|key| setting(origins, &format!("{path}.{}", limit_key(key))))?;
        let mut principal = Principal::new(name, grant).with_limits(limits);
        for (index, uid) in self.uid.into_iter().enumerate() {
            principal = principal.with_uid(id("uid", index, uid)?);
        }
        for (index, gid) in self.gid.into_iter().enumerate() {
            principal = principal.with_gid(id("gid", index, gid)?);
        }
        Ok(principal)
    }
}

impl Config {
    pub(super) fn take_limits(&mut self, layer: &LimitsLayer, origins: &Origins) -> Result<(), ConfigError> {
        let given = layer.resolve(|key| origins.setting(&limit_key(key)))?;
        self.limits = given.over(&Limits::default());
        Ok(())
    }

    /// Who may do what, and how much, as the doors ask it.
    pub fn policy(&self) -> Policy {
        let policy = match &self.access {
            None => Policy::open(),
            Some(access) => {
                let mut policy = Policy::closed();
                if let Some(grant) = &access.anonymous {
                    policy = policy.with_anonymous(grant.clone());
                }
                access.principals.iter().cloned().fold(policy, Policy::with_principal)
            }
        };
        policy.with_limits(self.limits)
    }
}

fn refuse(origins: &Origins, path: &str, problem: AccessProblem) -> ConfigError {
    ConfigError::Access {
        setting: setting(origins, path),
        problem,
    }
}

/// Without the indices of lists in lists, which users do not count.
fn setting(origins: &Origins, path: &str) -> Setting {
    let key = path
        .split('[')
        .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest))
        .collect();
    Setting {
        key,
        origin: nearest_origin(origins, path),
    }
}

/// Of an element of a list in a principal, that of the list where it has none of its own.
fn nearest_origin(origins: &Origins, path: &str) -> Origin {
    let list = path.rsplit_once('[').map_or(path, |(list, _)| list);
    let exact = origins.exactly(path).or_else(|| origins.exactly(list));
    exact.cloned().unwrap_or_else(|| origins.of(path))
}
