//! Keeps web pages away from the gateway: a browser on this host must not be the tool of a page from elsewhere.
//!
//! A page can point a name of its own at 127.0.0.1 (DNS rebinding); its requests then carry that name in `Host`. Or it
//! can post to the address outright; its requests then carry its own `Origin`. Programs are not affected: they say what
//! they dialed in `Host`, and no `Origin`. No page reaches a Unix socket, so what comes from there is not asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bellwether_delivery::Peer;
use tokio::sync::watch;

use crate::error::{ApiError, Reason};

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// Names of hosts under which this node is dialed, as its configuration says, beside addresses and `localhost`. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub(crate) struct OwnHosts(watch::Receiver<Arc<[String]>>);

impl Default for OwnHosts {
    fn default() -> Self {
        Self::new([])
    }
}

impl OwnHosts {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self::as_told(watch::channel(names.into_iter().collect()).1)
    }

    /// Those that are there when a request is.
    pub(crate) fn as_told(names: watch::Receiver<Arc<[String]>>) -> Self {
        Self(names)
    }

    fn has(&self, name: &str) -> bool {
        self.0.borrow().iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Lets a request through, or answers it.
pub(crate) async fn guard(hosts: OwnHosts, request: Request, next: Next) -> Response {
    // The target of a request may name a host too, and then stands above the header.
    let target = request.uri().authority().map(|authority| authority.as_str());
    let checked = match request.extensions().get::<Peer>() {
        Some(Peer::Unix { .. }) => Ok(()),
        Some(Peer::Tls) => check(request.headers(), target, &hosts, HTTPS_PORT),
        Some(Peer::Tcp) | None => check(request.headers(), target, &hosts, HTTP_PORT),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(err) => err.into_response(),
    }
}

/// `own_port` is what a client dials that names none.
fn check(headers: &HeaderMap, target: Option<&str>, hosts: &OwnHosts, own_port: u16) -> Result<(), ApiError> {
    let mut given = headers.get_all(HOST).iter();
    let (Some(host), None) = (given.next(), given.next()) else {
        return Err(ApiError::new(
            Reason::BadHost,
            "a request must have exactly one Host header",
        ));
    };
    let host = host.to_str().unwrap_or_default();
    let is_own = |host: &str| is_own_host(host, hosts);
    if !is_own(host) || !target.is_none_or(is_own) {
        return Err(ApiError::new(
            Reason::BadHost,
            "the Host header must be an IP address or localhost, so that web pages cannot reach this node by a name; \
             dial it by its address, or have its configuration name it in `http_hosts`",
        ));
    }
    let same_origin = |origin: &str| is_same_origin(origin, host, own_port);
    if !headers
        .get_all(ORIGIN)
        .iter()
        .all(|origin| origin.to_str().is_ok_and(same_origin))
    {
        return Err(ApiError::new(
            Reason::BadOrigin,
            "the request comes from a web page of another origin; this node serves its own pages and programs only",
        ));
    }
    Ok(())
}

/// Whether a `Host` is a literal IP address, `localhost` or a configured name, with any port: no name that a stranger's DNS
/// could answer.
fn is_own_host(host: &str, hosts: &OwnHosts) -> bool {
    match split_port(host) {
        Some((Host::Address(_) | Host::Localhost, _)) => true,
        Some((Host::Name(name), _)) => hosts.has(&name),
        None => false,
    }
}

/// Whether an `Origin` (`http://127.0.0.1:7480`) is the same host and port as a `Host`, which is an own one. `null` never is.
fn is_same_origin(origin: &str, host: &str, own_port: u16) -> bool {
    let (authority, default_port) = match origin.split_once("://") {
        // What is served by TLS makes no pages without it.
        Some(("http", authority)) if own_port == HTTP_PORT => (authority, HTTP_PORT),
        Some(("https", authority)) => (authority, HTTPS_PORT),
        _ => return false,
    };
    match (split_port(authority), split_port(host)) {
        (Some((origin, origin_port)), Some((host, host_port))) => {
            origin == host && origin_port.unwrap_or(default_port) == host_port.unwrap_or(own_port)
        }
        _ => false,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Localhost,
    /// In lower case.
    Name(String),
}

/// The host and the port of `host[:port]`; `None` if it is neither.
fn split_port(authority: &str) -> Option<(Host, Option<u16>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        let port = match port {
            "" => None,
            port => Some(parse_port(port.strip_prefix(':')?)?),
        };
        return Some((Host::Address(address.into()), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(parse_port(port)?)),
        None => (authority, None),
    };
    let host = match host.parse::<Ipv4Addr>() {
        Ok(address) => Host::Address(address.into()),
        Err(_) if host.eq_ignore_ascii_case("localhost") => Host::Localhost,
        Err(_) => Host::Name(host.to_ascii_lowercase()),
    };
    Some((host, port))
}

/// Digits only; `u16`'s own parser also takes a sign.
fn parse_port(text: &str) -> Option<u16> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_localhost_are_own_hosts_and_names_are_not() {
        for (host, own) in [
            ("127.0.0.1", true),
            ("127.0.0.1:7480", true),
            ("10.1.2.3:80", true),
            ("[::1]", true),
            ("[::1]:7480", true),
            ("[fe80::1]:7480", true),
            ("localhost", true),
            ("LocalHost:7480", true),
            ("", false),
            (":7480", false),
            ("localhost.", false),
            ("localhost.evil.example", false),
            ("evil.example", false),
            ("evil.example:7480", false),
            ("127.0.0.1.evil.example", false),
            ("127.0.0.1:", false),
            ("127.0.0.1:+80", false),
            ("127.0.0.1:99999", false),
            ("127.0.0.1:80:80", false),
            ("127.0.0.1@evil.example", false),
            ("evil.example@127.0.0.1", false),
            ("127.1", false),
            ("2130706433", false),
            ("0x7f.0.0.1", false),
            ("::1", false),
            ("[::1", false),
            ("[::1]7480", false),
            ("[127.0.0.1]", false),
            ("[evil.example]", false),
        ] {
            assert_eq!(is_own_host(host, &OwnHosts::default()), own, "{host}");
        }
    }

    #[test]
    fn only_pages_of_this_gateway_are_of_the_same_origin() {
        for (origin, host, same) in [
            ("http://127.0.0.1:7480", "127.0.0.1:7480", true),
            ("http://localhost:7480", "LOCALHOST:7480", true),
            ("http://[::1]:7480", "[0:0:0:0:0:0:0:1]:7480", true),
            ("http://127.0.0.1", "127.0.0.1:80", true),
            ("https://127.0.0.1:7480", "127.0.0.1:7480", true),
            ("https://127.0.0.1", "127.0.0.1", false),
            ("http://127.0.0.1:3000", "127.0.0.1:7480", false),
            ("http://127.0.0.2:7480", "127.0.0.1:7480", false),
            ("http://localhost:7480", "127.0.0.1:7480", false),
            ("http://evil.example", "127.0.0.1:7480", false),
            ("file://127.0.0.1:7480", "127.0.0.1:7480", false),
            ("127.0.0.1:7480", "127.0.0.1:7480", false),
            ("null", "127.0.0.1:7480", false),
            ("", "127.0.0.1:7480", false),
        ] {
            assert_eq!(is_same_origin(origin, host, HTTP_PORT), same, "{origin} to {host}");
        }
    }

    #[test]
    fn configured_names_are_own_hosts_and_their_pages_of_the_same_origin() {
        let hosts = OwnHosts::new(["Events.example".to_owned()]);
        let mut headers = HeaderMap::new();
        for (host, origin, fine) in [
            ("events.example", None, true),
            ("EVENTS.EXAMPLE:7480", None, true),
            ("other.example", None, false),
            ("events.example.evil.example", None, false),
            ("events.example", Some("https://events.example"), true),
            ("events.example", Some("https://Events.Example:443"), true),
            ("events.example:7480", Some("https://events.example:7480"), true),
            ("events.example", Some("http://events.example"), false),
            ("events.example", Some("https://events.example:7480"), false),
            ("events.example", Some("https://other.example"), false),
        ] {
            headers.insert(HOST, host.parse().unwrap());
            headers.remove(ORIGIN);
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            let checked = check(&headers, None, &hosts, HTTPS_PORT);
            assert_eq!(checked.is_ok(), fine, "{origin:?} to {host}");
        }
    }
}
