//! The key ring: what a cluster secret becomes.

use std::fmt;
use std::str::FromStr;

use hkdf::Hkdf;
use serde::{Serialize, Serializer};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::mac::{self, Mac};

/// Shortest secret accepted, in bytes.
pub const MIN_SECRET_BYTES: usize = 32;

/// Names a key without telling it: eight bytes derived from the secret. As text 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let is_id = text.len() == 16 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let id = u64::from_str_radix(text, 16).ok().filter(|_| is_id);
        id.map(|id| Self(id.to_be_bytes())).ok_or(KeyIdError)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no id of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a key has 16 hexadecimal digits, 0-9 and a-f, as `bellwether keys list` shows it")]
pub struct KeyIdError;

/// One or several cluster secrets, with what is derived from them: the first signs, all verify.
///
/// Every purpose has a key of its own: HKDF-SHA256 with the cluster's name as salt and a label per purpose
/// (RFC 5869). `Debug` shows key ids only.
pub struct KeyRing {
    keys: Vec<Key>,
}

struct Key {
    id: KeyId,
    hkdf: Hkdf<Sha256>,
    message_mac: Mac,
}

impl KeyRing {
    /// Derives the keys of `cluster` from its secrets, the signing one first.
    ///
    /// # Errors
    /// [`SecretError`] if there is no secret, or one is shorter than [`MIN_SECRET_BYTES`] or a single repeated byte.
    pub fn new<S: AsRef<[u8]>>(cluster: &str, secrets: impl IntoIterator<Item = S>) -> Result<Self, SecretError> {
        let keys = secrets
            .into_iter()
            .map(|secret| Key::derive(cluster, secret.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(SecretError::Missing);
        }
        Ok(Self { keys })
    }

    /// The ids of all keys, the signing one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(|key| key.id)
    }

    /// Whether a key is in it.
    pub fn contains(&self, id: KeyId) -> bool {
        self.ids().any(|known| known == id)
    }

    /// 32 bytes for `purpose` from every secret in turn, the signing one first.
    pub fn derive(&self, purpose: &str) -> impl Iterator<Item = Zeroizing<[u8; 32]>> {
        self.keys.iter().map(move |key| expand(&key.hkdf, purpose))
    }

    /// The id and keyed state that sign.
    pub(crate) fn signing(&self) -> Option<(KeyId, Mac)> {
        self.keys.first().map(|key| (key.id, key.message_mac))
    }

    /// The keyed state of one key.
    pub(crate) fn verifying(&self, id: KeyId) -> Option<Mac> {
        self.keys.iter().find(|key| key.id == id).map(|key| key.message_mac)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Key {
    fn derive(cluster: &str, secret: &[u8]) -> Result<Self, SecretError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SecretError::TooShort { bytes: secret.len() });
        }
        if secret.windows(2).all(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(SecretError::Repeated);
        }
        let hkdf = Hkdf::<Sha256>::new(Some(cluster.as_bytes()), secret);
        let mut id = KeyId([0; 8]);
        let id_bytes = expand(&hkdf, "bellwether key id v1");
        id.0.iter_mut().zip(id_bytes.iter()).for_each(|(to, from)| *to = *from);
        let mac_key = expand(&hkdf, "bellwether message mac v1");
        let message_mac = Mac::new(&mac_key);
        // A node that signed wrongly would be cut off from its mesh, and nobody would know why.
        assert!(mac::is_sound(&mac_key), "HMAC-SHA256 does not work on this CPU");
        Ok(Self { id, hkdf, message_mac })
    }
}

fn expand(hkdf: &Hkdf<Sha256>, label: &str) -> Zeroizing<[u8; 32]> {
    let mut okm = Zeroizing::new([0; 32]);
    // 32 bytes are far below HKDF's bound of 255 × 32, the only way this can fail.
    hkdf.expand(label.as_bytes(), okm.as_mut_slice())
        .expect("32 bytes are a valid HKDF length");
    okm
}

/// Why a secret is not usable. The text never holds the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// No secret was given.
    #[error("no cluster secret is configured; make one with `bellwether secret new`")]
    Missing,
    /// Too short to resist guessing.
    #[error(
        "the cluster secret has {bytes} bytes; at least {MIN_SECRET_BYTES} are needed: make one with `bellwether secret new`"
    )]
    TooShort {
        /// Its length.
        bytes: usize,
    },
    /// One byte repeated: a placeholder, not a secret.
    #[error("the cluster secret is one character repeated; make one with `bellwether secret new`")]
    Repeated,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn short_empty_and_repeated_secrets_are_refused() {
        let none: [&str; 0] = [];
        assert_eq!(KeyRing::new("c", none).err(), Some(SecretError::Missing));
        assert_eq!(KeyRing::new("c", [""]).err(), Some(SecretError::TooShort { bytes: 0 }));
        assert_eq!(
            KeyRing::new("c", ["x".repeat(31)]).err(),
            Some(SecretError::TooShort { bytes: 31 })
        );
        assert_eq!(KeyRing::new("c", ["x".repeat(64)]).err(), Some(SecretError::Repeated));
    }

    #[test]
    fn keys_differ_by_secret_cluster_and_purpose() {
        let ring = KeyRing::new("c", [SECRET]).unwrap();
        let other = KeyRing::new("d", [SECRET]).unwrap();
        assert_ne!(ring.ids().next(), other.ids().next());
        assert_ne!(ring.derive("a").next(), ring.derive("b").next());
        assert_eq!(
            ring.derive("a").next(),
            KeyRing::new("c", [SECRET]).unwrap().derive("a").next()
        );
    }

    #[test]
    fn the_id_of_a_key_is_read_as_it_is_shown() {
        let ring = KeyRing::new("c", [SECRET]).unwrap();
        let id = ring.ids().next().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(ring.contains(id) && !ring.contains(KeyId([0; 8])));
        for text in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "0123456789ABCDEF",
            "+123456789abcdef",
        ] {
            assert_eq!(text.parse::<KeyId>(), Err(KeyIdError), "{text}");
        }
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let ring = KeyRing::new("c", [SECRET]).unwrap();
        assert!(!format!("{ring:?}").contains(SECRET));
    }
}
