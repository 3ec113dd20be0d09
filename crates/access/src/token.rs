//! Tokens: permissions that carry their own proof.
//!
//! `bwt1_PAYLOAD.TAG`: the payload is JSON in URL-safe base64, the tag the HMAC-SHA256 of all before the dot, by a key that
//! every node of the cluster derives from its secret. So any node verifies a token, and none needs to have seen it before.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellwether_message::{KeyId, KeyRing, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;

use crate::policy::check_name;
use crate::rules::Grant;

/// How every token begins.
pub const TOKEN_PREFIX: &str = "bwt1_";
/// Longest token.
pub const MAX_TOKEN_BYTES: usize = 8192;
/// How long a token counts unless told otherwise.
pub const DEFAULT_TOKEN_AGE: Duration = Duration::from_secs(30 * 86_400);
/// The longest that one may count: a year.
pub const MAX_TOKEN_AGE: Duration = Duration::from_secs(365 * 86_400);
/// Permissions of one token, all kinds together.
pub const MAX_TOKEN_PERMISSIONS: usize = 64;

const KEY_PURPOSE: &str = "bellwether client tokens v1";

/// Names a token, for logs and for the list of those that no longer count: 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId([u8; 8]);

impl TokenId {
    /// The id of these bytes; random ones, for a new token.
    pub fn new(random: [u8; 8]) -> Self {
        Self(random)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

impl FromStr for TokenId {
    type Err = ClaimsError;

    fn from_str(text: &str) -> Result<Self, ClaimsError> {
        let is_id = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u64::from_str_radix(text, 16) {
            Ok(number) if is_id => Ok(Self(number.to_be_bytes())),
            _ => Err(ClaimsError::Id),
        }
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
// What is not understood may be a restriction: such a token is none here.
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Claims {
    /// Its id.
    pub id: TokenId,
    /// Whose it is: the principal's name.
    pub name: String,
    /// Where it counts.
    pub cluster: String,
    /// When it was made, in seconds since 1970.
    pub issued_at: u64,
    /// From when on it no longer counts.
    pub expires_at: u64,
    /// What its holder may do.
    pub may: Grant,
}

impl Claims {
    /// Of a token that counts from `now` on for `age`. The cluster is filled in when it is signed.
    ///
    /// # Errors
    /// [`ClaimsError`]
    pub fn new(id: TokenId, name: &str, may: Grant, now: Timestamp, age: Duration) -> Result<Self, ClaimsError> {
        check_name(name)?;
        if age.is_zero() || age > MAX_TOKEN_AGE {
            return Err(ClaimsError::Age);
        }
        let lists = [
            &may.allow_publish,
            &may.allow_subscribe,
            &may.deny_publish,
            &may.deny_subscribe,
        ];
        let given = lists.iter().map(|list| list.len()).sum();
        if given > MAX_TOKEN_PERMISSIONS {
            return Err(ClaimsError::TooManyPermissions { given });
        }
        let issued_at = seconds(now);
        Ok(Self {
            id,
            name: name.to_owned(),
            cluster: String::new(),
            issued_at,
            expires_at: issued_at.saturating_add(age.as_secs()),
            may,
        })
    }

    /// Whether it no longer counts.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        seconds(now) >= self.expires_at
    }

    /// What a token says of itself, whether or not that is true.
    ///
    /// # Errors
    /// [`TokenError::Malformed`]
    pub fn read_unverified(token: &str) -> Result<Self, TokenError> {
        parse(token).and_then(|parts| parts.claims())
    }
}

/// Since 1970; before it, none.
pub(crate) fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis() / 1_000).unwrap_or(0)
}

/// What makes and verifies the tokens of a cluster.
#[derive(Clone)]
pub struct TokenKeys {
    cluster: String,
    /// The first signs, all verify.
    keys: Vec<(KeyId, Hmac<Sha256>)>,
}

impl fmt::Debug for TokenKeys {
    /// Never shows the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys")
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

impl TokenKeys {
    /// Those of a cluster.
    pub fn new(cluster: &str, ring: &KeyRing) -> Self {
        let keys = ring.ids().zip(ring.derive(KEY_PURPOSE));
        Self {
            cluster: cluster.to_owned(),
            keys: keys
                .filter_map(|(id, key)| Some((id, Hmac::new_from_slice(key.as_slice()).ok()?)))
                .collect(),
        }
    }

    /// Those of the same cluster by another key ring.
    #[must_use]
    pub fn with_ring(&self, ring: &KeyRing) -> Self {
        Self::new(&self.cluster, ring)
    }

    /// Whether tokens of this key are verified.
    pub(crate) fn contains(&self, id: KeyId) -> bool {
        self.keys.iter().any(|(known, _)| *known == id)
    }

    /// Makes a token of what it is to say.
    ///
    /// # Errors
    /// [`TokenError::TooLong`]
    pub fn sign(&self, mut claims: Claims) -> Result<String, TokenError> {
        claims.cluster.clone_from(&self.cluster);
        let payload = serde_json::to_vec(&claims).map_err(|_| TokenError::Malformed)?;
        let mut token = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(payload));
        let (_, mut key) = self.keys.first().cloned().ok_or(TokenError::Forged)?;
        key.update(token.as_bytes());
        let tag = key.finalize().into_bytes();
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(tag));
        match token.len() {
            ..=MAX_TOKEN_BYTES => Ok(token),
            bytes => Err(TokenError::TooLong { bytes }),
        }
    }

    /// What a token says, if this cluster made it. Whether it has expired or was revoked is not asked here.
    ///
    /// # Errors
    /// [`TokenError`]
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let (parts, _) = self.verify_tag(token)?;
        let claims = parts.claims()?;
        match claims.cluster == self.cluster {
            true => Ok(claims),
            false => Err(TokenError::Forged),
        }
    }

    /// The parts of a token that this cluster made, and which key did.
    pub(crate) fn verify_tag<'a>(&self, token: &'a str) -> Result<(Parts<'a>, KeyId), TokenError> {
        let parts = parse(token)?;
        let made_it = self.keys.iter().find(|(_, key)| {
            let mut key = key.clone();
            key.update(parts.signed.as_bytes());
            // In a time that does not tell where they differ.
            key.verify_slice(&parts.tag).is_ok()
        });
        made_it.map(|(id, _)| (parts, *id)).ok_or(TokenError::Forged)
    }
}

/// A token taken apart.
pub(crate) struct Parts<'a> {
    signed: &'a str,
    payload: &'a str,
    pub(crate) tag: [u8; 32],
}

impl Parts<'_> {
    pub(crate) fn claims(&self) -> Result<Claims, TokenError> {
        let payload = URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| TokenError::Malformed)?;
        serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)
    }
}

fn parse(token: &str) -> Result<Parts<'_>, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong { bytes: token.len() });
    }
    let (signed, tag) = token.split_once('.').ok_or(TokenError::Malformed)?;
    let payload = signed.strip_prefix(TOKEN_PREFIX).ok_or(TokenError::Malformed)?;
    let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| TokenError::Malformed)?;
    let tag = tag.try_into().map_err(|_| TokenError::Malformed)?;
    Ok(Parts { signed, payload, tag })
}

/// Why a token is none here. The words never hold the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It does not read as a token.
    #[error("this is no token; one begins with {TOKEN_PREFIX}, as `bellwether token new` prints it")]
    Malformed,
    /// It is longer than any token.
    #[error("the token has {bytes} bytes; {MAX_TOKEN_BYTES} is the most: give fewer or shorter permissions")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It was made by another cluster, with another secret, or changed.
    #[error("the token was not made with a secret of this cluster, or was changed")]
    Forged,
}

/// Why a token cannot say this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// The name is none.
    #[error(
        "`{given}` cannot be a name; use 1 to 64 characters out of a-z, A-Z, 0-9, `.`, `_`, `@` and `-`, but not `anonymous`"
    )]
    Name {
        /// What was given.
        given: String,
    },
    /// Too short or too long.
    #[error("a token counts for a second to a year (365d)")]
    Age,
    /// Too many permissions.
    #[error("{given} permissions are given; a token has at most {MAX_TOKEN_PERMISSIONS}: use wildcards")]
    TooManyPermissions {
        /// How many.
        given: usize,
    },
    /// No id of a token.
    #[error("the id of a token has 16 hexadecimal digits")]
    Id,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";

    fn keys(cluster: &str, secrets: &[&str]) -> TokenKeys {
        TokenKeys::new(cluster, &KeyRing::new(cluster, secrets).unwrap())
    }

    fn claims() -> Claims {
        let may = Grant {
            allow_publish: vec!["metrics:*".parse().unwrap()],
            look: true,
            ..Grant::default()
        };
        let now = Timestamp::from_millis(1_000_000_500);
        Claims::new(TokenId::new([7; 8]), "web", may, now, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn a_token_says_what_it_was_made_of_to_every_node_of_its_cluster() {
        let token = keys("lab", &[SECRET]).sign(claims()).unwrap();
        assert!(token.starts_with(TOKEN_PREFIX), "{token}");
        let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        assert!(token.chars().all(is_safe), "{token}");

        let read = keys("lab", &[SECRET]).verify(&token).unwrap();
        assert_eq!((read.name.as_str(), read.cluster.as_str()), ("web", "lab"));
        assert_eq!((read.issued_at, read.expires_at), (1_000_000, 1_000_060));
        assert_eq!(read.may, claims().may);
        assert_eq!(read, Claims::read_unverified(&token).unwrap());
    }

    #[test]
    fn the_first_secret_signs_and_all_verify() {
        let old = keys("lab", &[SECRET]).sign(claims()).unwrap();
        let rotated = keys("lab", &[OTHER, SECRET]);
        assert!(rotated.verify(&old).is_ok());
        let new = rotated.sign(claims()).unwrap();
        assert!(keys("lab", &[OTHER]).verify(&new).is_ok());
        assert_eq!(keys("lab", &[SECRET]).verify(&new), Err(TokenError::Forged));
    }

    #[test]
    fn a_token_of_another_cluster_is_none_here() {
        let token = keys("lab", &[SECRET]).sign(claims()).unwrap();
        assert_eq!(keys("staging", &[SECRET]).verify(&token), Err(TokenError::Forged));
    }

    #[test]
    fn a_token_expires_at_its_second() {
        let claims = claims();
        assert!(!claims.is_expired(Timestamp::from_millis(1_000_059_999)));
        assert!(claims.is_expired(Timestamp::from_millis(1_000_060_000)));
    }

    #[test]
    fn what_a_token_cannot_say_is_refused() {
        let now = Timestamp::from_millis(0);
        let make = |name: &str, permissions: usize, age: Duration| {
            let may = Grant {
                deny_subscribe: vec!["events:*".parse().unwrap(); permissions],
                ..Grant::default()
            };
            Claims::new(TokenId::new([0; 8]), name, may, now, age).map(drop)
        };
        let day = Duration::from_secs(86_400);
        assert_eq!(make("a.b-c_d@e", 64, MAX_TOKEN_AGE), Ok(()));
        assert_eq!(make("web", 0, Duration::ZERO), Err(ClaimsError::Age));
        assert_eq!(make("web", 0, MAX_TOKEN_AGE + day), Err(ClaimsError::Age));
        assert_eq!(make("web", 65, day), Err(ClaimsError::TooManyPermissions { given: 65 }));
        for name in ["", "a b", "anonymous", "ä", &"x".repeat(65), "a\nb"] {
            assert!(matches!(make(name, 0, day), Err(ClaimsError::Name { .. })), "{name}");
        }
    }

    #[test]
    fn neither_errors_nor_debug_output_hold_a_token_or_a_key() {
        let keys = keys("lab", &[SECRET]);
        assert!(!format!("{keys:?}").contains(SECRET));
        let words = keys.verify("bwt1_c2VjcmV0.c2VjcmV0").unwrap_err().to_string();
        assert!(!words.contains("c2VjcmV0"), "{words}");
    }

    #[test]
    fn a_claim_that_is_not_known_makes_no_token() {
        let keys = keys("lab", &[SECRET]);
        let mut payload = serde_json::to_value(Claims {
            cluster: "lab".into(),
            ..claims()
        })
        .unwrap();
        payload["only_on_sundays"] = true.into();
        let signed = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(payload.to_string()));
        let (_, mut mac) = keys.keys[0].clone();
        mac.update(signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
        assert_eq!(keys.verify(&token), Err(TokenError::Malformed));
    }

    proptest! {
        #[test]
        fn no_change_of_a_token_goes_unnoticed(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.=-]") {
            let keys = keys("lab", &[SECRET]);
            let token = keys.sign(claims()).unwrap();
            let at = at.index(token.len());
            let mut changed = token.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != token);
            prop_assert!(keys.verify(&changed).is_err(), "{changed}");
        }

        #[test]
        fn any_text_is_judged_without_harm(text in "\\PC{0,200}") {
            prop_assert!(keys("lab", &[SECRET]).verify(&text).is_err());
            let begun = format!("{TOKEN_PREFIX}{text}");
            prop_assert!(keys("lab", &[SECRET]).verify(&begun).is_err());
        }
    }
}
