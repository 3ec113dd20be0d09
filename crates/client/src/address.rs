//! Where a node is reached.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use hyper::Uri;

/// The port of a node's HTTP listener where an address names none.
const DEFAULT_PORT: u16 = 7480;
/// Longest path of a Unix socket that every system takes: macOS has 104 bytes with the end, Linux 108.
const MAX_SOCKET_PATH_BYTES: usize = 103;

/// The address of a node's listener for programs: `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:PATH`.
///
/// The port is 7480 where none is given. The default is `http://127.0.0.1:7480`, the node of this host.
///
/// ```
/// use bellwether_client::NodeAddress;
///
/// let address: NodeAddress = "unix:/run/bellwether/node.sock".parse()?;
/// assert_eq!(address.to_string(), "unix:/run/bellwether/node.sock");
/// assert_eq!("http://[::1]".parse::<NodeAddress>()?.to_string(), "http://[::1]:7480");
/// # Ok::<(), bellwether_client::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeAddress(pub(crate) Place);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Tcp {
        /// A name or an IP address, without the brackets of IPv6.
        host: String,
        port: u16,
        /// `https`.
        tls: bool,
    },
    Unix(PathBuf),
}

impl NodeAddress {
    /// The socket at this path.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self(Place::Unix(path.into()))
    }

    /// Whether what is sent there can be read on the way: it is neither on this host nor under TLS. A name other than
    /// `localhost` counts as elsewhere.
    pub fn is_readable_on_the_way(&self) -> bool {
        match &self.0 {
            Place::Unix(_) | Place::Tcp { tls: true, .. } => false,
            Place::Tcp { host, .. } => {
                let is_loopback = host
                    .parse()
                    .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
                !is_loopback && !host.eq_ignore_ascii_case("localhost")
            }
        }
    }

    /// What the `Host` header says.
    pub(crate) fn authority(&self) -> String {
        match &self.0 {
            Place::Tcp { host, port, .. } if host.contains(':') => format!("[{host}]:{port}"),
            Place::Tcp { host, port, .. } => format!("{host}:{port}"),
            Place::Unix(_) => "localhost".to_owned(),
        }
    }
}

impl Default for NodeAddress {
    fn default() -> Self {
        Self(Place::Tcp {
            host: "127.0.0.1".to_owned(),
            port: DEFAULT_PORT,
            tls: false,
        })
    }
}

impl FromStr for NodeAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return socket(path);
        }
        let wrong = AddressError::new;
        let uri: Uri = text.parse().map_err(|_| wrong("this is no URL"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) => {
                return Err(wrong(
                    "nodes speak http and https, over TCP or a Unix socket, nothing else",
                ));
            }
            None => return Err(wrong("it does not begin with http://, https:// or unix:")),
        };
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
        Ok(Self(Place::Tcp {
            host: host.to_owned(),
            port,
            tls,
        }))
    }
}

fn socket(path: &str) -> Result<NodeAddress, AddressError> {
    // Some tools write a path as a URL does.
    let path = match path.strip_prefix("//") {
        Some(rest) if rest.starts_with('/') => rest,
        Some(_) => return Err(AddressError::new("after unix:// the path must be a whole one")),
        None => path,
    };
    match path {
        "" => Err(AddressError::new("unix: is followed by no path")),
        _ if path.len() > MAX_SOCKET_PATH_BYTES => Err(AddressError::new(
            "the path of a socket must have at most 103 bytes, a limit of the system",
        )),
        _ if path.contains('\0') => Err(AddressError::new("the path of the socket holds a NUL")),
        _ => Ok(NodeAddress::unix(path)),
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Tcp { tls: false, .. } => write!(f, "http://{}", self.authority()),
            Place::Tcp { tls: true, .. } => write!(f, "https://{}", self.authority()),
            Place::Unix(path) => write!(f, "unix:{}", path.display().to_string().escape_debug()),
        }
    }
}

/// Why text is no address of a node, with an example of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}; write it as `http://127.0.0.1:7480`, `https://HOST:7480` or `unix:/run/bellwether/node.sock`")]
pub struct AddressError {
    why: &'static str,
}

impl AddressError {
    fn new(why: &'static str) -> Self {
        Self { why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_or_a_path() {
        for (given, meant) in [
            ("http://127.0.0.1:7480", "http://127.0.0.1:7480"),
            ("http://127.0.0.3", "http://127.0.0.3:7480"),
            ("http://localhost:80/", "http://localhost:80"),
            ("http://[::1]:7480", "http://[::1]:7480"),
            ("https://node.example", "https://node.example:7480"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:///run/a.sock", "unix:/run/a.sock"),
            ("unix:a.sock", "unix:a.sock"),
        ] {
            assert_eq!(given.parse::<NodeAddress>().unwrap().to_string(), meant);
        }
    }

    #[test]
    fn anything_else_is_refused_with_examples() {
        for given in [
            "",
            "127.0.0.1:7480",
            "ftp://127.0.0.1:7480",
            "http://",
            "http://a:99999",
            "http://a:0",
            "http://a:b",
            "http://a:7480/v1/members",
            "http://user@a:7480",
            "http://a b",
            "unix:",
            "unix://",
            "unix://run/a.sock",
            "unix:\0",
            &format!("unix:/{}", "x".repeat(103)),
        ] {
            let err = given.parse::<NodeAddress>().expect_err(given).to_string();
            assert!(err.contains("http://127.0.0.1:7480"), "{given}: {err}");
        }
    }

    #[test]
    fn only_plain_http_to_elsewhere_can_be_read_on_the_way() {
        for (given, readable) in [
            ("http://127.0.0.9", false),
            ("http://[::1]", false),
            ("http://LocalHost", false),
            ("https://node.example", false),
            ("unix:/run/a.sock", false),
            ("http://192.0.2.7", true),
            ("http://node.example", true),
        ] {
            let address: NodeAddress = given.parse().unwrap();
            assert_eq!(address.is_readable_on_the_way(), readable, "{given}");
        }
    }
}
