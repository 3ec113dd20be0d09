//! Who must hold a message before its publisher goes on.

use std::fmt;
use std::str::FromStr;

/// Who must hold a message before its publisher goes on. Written `none`, `local`, `all` or a number, at every door.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Confirm {
    /// Nobody: the publisher need not even wait for the node's answer.
    None,
    /// The node that it is handed to.
    #[default]
    Local,
    /// Every peer that wants the message and whose link is up; with none, the node that it is handed to.
    All,
    /// So many of the peers that want it.
    Peers(usize),
}

impl FromStr for Confirm {
    type Err = ConfirmTextError;

    fn from_str(text: &str) -> Result<Self, ConfirmTextError> {
        match text {
            "none" => Ok(Self::None),
            "local" => Ok(Self::Local),
            "all" => Ok(Self::All),
            number => number.parse().map(Self::Peers).map_err(|_| ConfirmTextError),
        }
    }
}

impl fmt::Display for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Local => f.write_str("local"),
            Self::All => f.write_str("all"),
            Self::Peers(count) => count.fmt(f),
        }
    }
}

/// Text that names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write none, local, all or a number of peers")]
pub struct ConfirmTextError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_must_hold_it_is_read_as_it_is_written() {
        for confirm in [Confirm::None, Confirm::Local, Confirm::All, Confirm::Peers(2)] {
            assert_eq!(confirm.to_string().parse(), Ok(confirm));
        }
        assert_eq!("some".parse::<Confirm>(), Err(ConfirmTextError));
    }
}
