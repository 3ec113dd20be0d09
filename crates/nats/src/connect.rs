//! `CONNECT`: what a client says of itself.

use serde::Deserialize;

use crate::fault::Fault;
use crate::parser::ParseError;

/// Longest name of a client that is kept, for logs.
const MAX_NAME_BYTES: usize = 128;

/// What a client asks for. A client that says nothing has the defaults. Fields that are not known here are ignored.
#[derive(Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Connect {
    /// Each operation is confirmed.
    pub(crate) verbose: bool,
    /// It receives what it has published itself.
    pub(crate) echo: bool,
    /// It understands headers.
    pub(crate) headers: bool,
    /// It wants to be told at once that nobody hears its request.
    pub(crate) no_responders: bool,
    /// 1: it understands an INFO at any time.
    pub(crate) protocol: i64,
    name: Option<String>,
    auth_token: Option<String>,
    pass: Option<String>,
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            verbose: true,
            echo: true,
            headers: false,
            no_responders: false,
            protocol: 0,
            name: None,
            auth_token: None,
            pass: None,
        }
    }
}

impl Connect {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Fault> {
        // A list of the fields' values would do for serde.
        let is_object = json.starts_with(b"{");
        let this = serde_json::from_slice(json).ok().filter(|_| is_object);
        let mut this: Self = this.ok_or(ParseError::Malformed)?;
        if !(0..=1).contains(&this.protocol) {
            return Err(Fault::ClientProtocol);
        }
        if this.no_responders && !this.headers {
            return Err(Fault::NoRespondersWithoutHeaders);
        }
        if let Some(name) = &mut this.name {
            *name = name.chars().flat_map(char::escape_debug).take(MAX_NAME_BYTES).collect();
        }
        Ok(this)
    }

    /// What the client calls itself: printable and short.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// The token that it shows: as such, or as the password of any user.
    pub(crate) fn token(&self) -> Option<&str> {
        let shown = [&self.auth_token, &self.pass];
        shown
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|token| !token.is_empty())
    }

    /// It has been looked at.
    pub(crate) fn forget_token(&mut self) {
        (self.auth_token, self.pass) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_the_protocol_says() {
        let connect = Connect::parse(b"{}").ok().unwrap();
        assert!(connect.verbose && connect.echo && !connect.headers && !connect.no_responders);
        assert_eq!((connect.protocol, connect.name(), connect.token()), (0, "", None));
    }

    #[test]
    fn a_real_client_is_understood() {
        let json = br#"{"lang":"python3","version":"2.16.0","protocol":1,"verbose":false,"pedantic":false,"echo":true,
            "headers":true,"no_responders":true,"user":"x","pass":"secret","jwt":null,"future":[1]}"#;
        let connect = Connect::parse(json).ok().unwrap();
        assert!(!connect.verbose && connect.headers && connect.no_responders);
        assert_eq!(connect.token(), Some("secret"));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let fault = |json: &str| Connect::parse(json.as_bytes()).err().unwrap();
        assert_eq!(fault(r#"{"no_responders":true}"#), Fault::NoRespondersWithoutHeaders);
        assert_eq!(fault(r#"{"protocol":2}"#), Fault::ClientProtocol);
        for json in ["", "{", "[]", r#"{"verbose":"yes"}"#, "null"] {
            assert_eq!(fault(json), Fault::Parse(ParseError::Malformed), "{json}");
        }
    }

    #[test]
    fn a_name_is_printable_and_short() {
        let connect = Connect::parse(br#"{"name":"a\u001b[31m"}"#).ok().unwrap();
        assert_eq!(connect.name(), "a\\u{1b}[31m");
        let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(4000));
        assert_eq!(
            Connect::parse(long.as_bytes()).ok().unwrap().name().len(),
            MAX_NAME_BYTES
        );
    }
}
