//! The token that says who a program is.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use hyper::header::HeaderValue;

/// Longest token that is read from a file; longer ones are no tokens, but some other file.
const MAX_TOKEN_BYTES: usize = 4096;

/// A token, or where it stands. `Debug` shows no token.
#[derive(Clone)]
pub(crate) enum Token {
    Given(String),
    /// Read at every new connection, so that a token may be replaced under a running program.
    File(PathBuf),
}

impl Token {
    /// What the `Authorization` header says.
    pub(crate) fn header(&self) -> io::Result<HeaderValue> {
        let token = match self {
            Self::Given(token) => token.clone(),
            Self::File(path) => read(path).map_err(|err| {
                let words = format!("the token file {} cannot be read: {err}", path.display());
                io::Error::new(err.kind(), words)
            })?,
        };
        let token = token.trim();
        let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let header = HeaderValue::from_str(&format!("Bearer {token}")).ok().filter(|_| plain);
        let Some(mut header) = header else {
            return Err(io::Error::new(ErrorKind::InvalidInput, self.malformed()));
        };
        header.set_sensitive(true);
        Ok(header)
    }

    fn malformed(&self) -> String {
        let words = "one word of printable ASCII, as `bellwether token` prints it";
        match self {
            Self::Given(_) => format!("the token is malformed: it must be {words}"),
            Self::File(path) => format!("the token in {} is malformed: it must be {words}", path.display()),
        }
    }
}

fn read(path: &PathBuf) -> io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    match text.len() {
        ..=MAX_TOKEN_BYTES => Ok(text),
        bytes => Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("it has {bytes} bytes, and a token has at most {MAX_TOKEN_BYTES}"),
        )),
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("Given(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_to_nobody_but_the_node() {
        let token = Token::Given("s3cret".to_owned());
        let header = token.header().unwrap();
        assert_eq!(header, "Bearer s3cret");
        assert!(!format!("{token:?} {header:?}").contains("s3cret"));
    }

    #[test]
    fn a_file_may_end_with_a_line_break_and_holds_one_word() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let header = || Token::File(path.clone()).header();
        assert!(header().unwrap_err().to_string().contains("cannot be read"));
        std::fs::write(&path, "s3cret\n").unwrap();
        assert_eq!(header().unwrap(), "Bearer s3cret");
        for wrong in ["", " \n", "two words", "a\nb", "é"] {
            std::fs::write(&path, wrong).unwrap();
            let err = header().unwrap_err().to_string();
            assert!(err.contains("one word of printable ASCII"), "{wrong:?}: {err}");
        }
        std::fs::write(&path, "x".repeat(MAX_TOKEN_BYTES + 1)).unwrap();
        assert!(header().unwrap_err().to_string().contains("at most 4096"));
    }
}
