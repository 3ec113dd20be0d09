//! The address of a node's HTTP listener, as given with `--node`.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;

/// The port of a node's HTTP listener where the URL names none.
const DEFAULT_PORT: u16 = 7480;

/// `http://HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeUrl {
    /// A name or an IP address, without the brackets of IPv6.
    host: String,
    port: u16,
}

impl NodeUrl {
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `HOST:PORT`, as the `Host` header has it.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for NodeUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{why}; write it as `http://127.0.0.1:{DEFAULT_PORT}`");
        let uri: Uri = text.parse().map_err(|_| wrong("this is no URL"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(scheme) => return Err(wrong(&format!("nodes speak http, not {scheme}"))),
            None => return Err(wrong("the URL does not begin with http://")),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("the URL has a path, but only host and port are wanted"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("the URL has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("the URL has a user, but only host and port are wanted"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong("the URL has no host"));
        }
        // `port_u16` is none for a missing port and for a wrong one alike.
        let port = match (authority.port_u16(), authority.as_str().ends_with(authority.host())) {
            (Some(port), _) if port != 0 => port,
            (None, true) => DEFAULT_PORT,
            _ => return Err(wrong("the port must be a number from 1 to 65535")),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_host_and_port() {
        for (given, meant) in [
            ("http://127.0.0.1:7480", "http://127.0.0.1:7480"),
            ("http://127.0.0.3", "http://127.0.0.3:7480"),
            ("http://localhost:80/", "http://localhost:80"),
            ("http://[::1]:7480", "http://[::1]:7480"),
        ] {
            assert_eq!(given.parse::<NodeUrl>().unwrap().to_string(), meant);
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for given in [
            "",
            "127.0.0.1:7480",
            "https://127.0.0.1:7480",
            "http://",
            "http://a:99999",
            "http://a:0",
            "http://a:b",
            "http://a:7480/v1/members",
            "http://user@a:7480",
            "http://a b",
        ] {
            let err = given.parse::<NodeUrl>().expect_err(given);
            assert!(err.contains("http://127.0.0.1:7480"), "{given}: {err}");
        }
    }
}
