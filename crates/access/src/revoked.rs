//! The list of tokens that no longer count.

use std::collections::HashSet;

use crate::token::TokenId;

/// Ids on one list. A token that has expired need not stand on it.
pub const MAX_REVOKED: usize = 65_536;

/// Token ids that no longer count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revoked(HashSet<TokenId>);

impl Revoked {
    /// Reads a list: one id per line; what follows a `#` is a comment.
    ///
    /// What is right in it counts even where something is wrong: a slip of the pen must not revive a token.
    pub fn parse(text: &str) -> (Self, Option<RevokedError>) {
        let (mut ids, mut wrong) = (HashSet::new(), None);
        for (line, text) in (1..).zip(text.lines()) {
            let id = text.split('#').next().unwrap_or_default().trim();
            if id.is_empty() {
                continue;
            }
            match id.parse() {
                Ok(_) if ids.len() >= MAX_REVOKED => {
                    wrong = wrong.or(Some(RevokedError::TooMany));
                    break;
                }
                Ok(id) => drop(ids.insert(id)),
                Err(_) => wrong = wrong.or(Some(RevokedError::NoId { line })),
            }
        }
        (Self(ids), wrong)
    }

    /// Whether a token no longer counts.
    pub fn contains(&self, id: &TokenId) -> bool {
        self.0.contains(id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is wrong with a list. The words never hold what stands there: it may be a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevokedError {
    /// A line that is no id.
    #[error(
        "line {line} is no id of a token; write one id of 16 hexadecimal digits per line, as `bellwether token revoke` does"
    )]
    NoId {
        /// The line, from 1.
        line: usize,
    },
    /// Too many lines.
    #[error(
        "there are more than {MAX_REVOKED} ids; those behind them do not count: remove ids of tokens that have expired"
    )]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_ids_and_comments() {
        let text = "# gone\n0123456789abcdef\n\n  fedcba9876543210  # lost laptop\r\n";
        let (revoked, wrong) = Revoked::parse(text);
        assert_eq!((revoked.len(), wrong), (2, None));
        assert!(revoked.contains(&"0123456789abcdef".parse().unwrap()));
        assert!(!revoked.contains(&"0000000000000000".parse().unwrap()));
    }

    #[test]
    fn what_is_right_counts_beside_what_is_wrong() {
        let (revoked, wrong) = Revoked::parse("bwt1_secret\n0123456789abcdef\nshort\n");
        assert_eq!((revoked.len(), wrong), (1, Some(RevokedError::NoId { line: 1 })));
        assert!(!wrong.unwrap().to_string().contains("secret"));
    }

    #[test]
    fn a_list_is_bounded() {
        let text: String = (0..=MAX_REVOKED).map(|n| format!("{n:016x}\n")).collect();
        let (revoked, wrong) = Revoked::parse(&text);
        assert_eq!((revoked.len(), wrong), (MAX_REVOKED, Some(RevokedError::TooMany)));
    }
}
