//! Reading addresses: of sockets, which are resolved here, and of seeds, which are resolved when dialed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

use super::error::ConfigError;
use super::origin::Setting;

/// The longest host name and the longest part of one, RFC 1035 section 2.3.4.
const HOST_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// What is wrong with the text of an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressProblem {
    /// Nothing after the host.
    #[error("the port is missing")]
    PortMissing,
    /// The port is not a number from 0 to 65535, or 0 where it is to be dialed.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// Nothing before the port.
    #[error("the host is missing")]
    HostMissing,
    /// An IPv6 address without brackets, or with something else in them.
    #[error("an IPv6 address stands in brackets")]
    Brackets,
    /// The zone of an IPv6 address (`%2`) is not a number.
    #[error("the zone of an IPv6 address is the number of the network interface")]
    Zone,
    /// A host name may not have this character.
    #[error("a host name cannot have the character {0:?}")]
    Character(char),
    /// A host name that is too long or has an empty or too long part.
    #[error("a host name has at most 253 characters, in parts of 1 to 63 between the dots")]
    Length,
    /// Digits and dots that make no IPv4 address.
    #[error("the host is not an IPv4 address")]
    Ipv4,
    /// `0.0.0.0` or `[::]`, which is no one's address.
    #[error("nobody can be dialed at an unspecified address")]
    Unspecified,
}

/// The socket address that `text` stands for: an IP address with a port, or a host name with a port, of which the
/// resolver's first address is taken. Asks the resolver, so it may block for seconds.
pub(super) fn socket(setting: impl Fn() -> Setting, text: &str) -> Result<SocketAddr, ConfigError> {
    // Also the only form that keeps the zone of a link-local address, `[fe80::1%2]:7400`.
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    match host_and_port(text) {
        Err(problem) => Err(ConfigError::Address {
            setting: setting(),
            address: text.to_owned(),
            problem,
        }),
        Ok((Host::Ip(ip), port)) => Ok(SocketAddr::new(ip, port)),
        Ok((Host::Name(name), port)) => {
            let unresolved = |source| ConfigError::Unresolved {
                setting: setting(),
                address: text.to_owned(),
                source,
            };
            let mut addresses = (name, port).to_socket_addrs().map_err(unresolved)?;
            addresses
                .next()
                .ok_or_else(|| unresolved(std::io::ErrorKind::AddrNotAvailable.into()))
        }
    }
}

/// Whether `text` can be a seed. Its name is not resolved: it may come up later than this node.
pub(super) fn check_seed(text: &str) -> Result<(), AddressProblem> {
    match host_and_port(text)? {
        (_, 0) => Err(AddressProblem::Port),
        (Host::Ip(ip), _) if ip.is_unspecified() => Err(AddressProblem::Unspecified),
        _ => Ok(()),
    }
}

enum Host<'a> {
    Ip(IpAddr),
    Name(&'a str),
}

fn host_and_port(text: &str) -> Result<(Host<'_>, u16), AddressProblem> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, rest) = rest.split_once(']').ok_or(AddressProblem::Brackets)?;
            let (ip, zone) = ip.split_once('%').unwrap_or((ip, "0"));
            if zone.parse::<u32>().is_err() {
                return Err(AddressProblem::Zone);
            }
            let ip = ip.parse().map_err(|_| AddressProblem::Brackets)?;
            (
                Host::Ip(IpAddr::V6(ip)),
                rest.strip_prefix(':').ok_or(AddressProblem::PortMissing)?,
            )
        }
        None => {
            let (host, port) = text.rsplit_once(':').ok_or(AddressProblem::PortMissing)?;
            (host_name_or_ipv4(host)?, port)
        }
    };
    if port.is_empty() {
        return Err(AddressProblem::PortMissing);
    }
    // `parse` alone would accept `+1`.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| digits).ok_or(AddressProblem::Port)?;
    Ok((host, port))
}

fn host_name_or_ipv4(host: &str) -> Result<Host<'_>, AddressProblem> {
    if host.is_empty() {
        return Err(AddressProblem::HostMissing);
    }
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(ip.into()));
    }
    if host.contains(':')
        && host
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
    {
        return Err(AddressProblem::Brackets);
    }
    // No DNS name has an underscore, but the names that container engines resolve do.
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(character) = host.chars().find(|c| !allowed(*c)) {
        return Err(AddressProblem::Character(character));
    }
    let labels = host.strip_suffix('.').unwrap_or(host);
    if labels.len() > HOST_BYTES_MAX
        || labels
            .split('.')
            .any(|label| label.is_empty() || label.len() > LABEL_BYTES_MAX)
    {
        return Err(AddressProblem::Length);
    }
    // No top-level domain is a number (RFC 3696 section 2): this was meant as an address.
    if labels
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(AddressProblem::Ipv4);
    }
    Ok(Host::Name(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_host_or_an_address_with_a_port() {
        let longest_label = format!("{}:1", "a".repeat(LABEL_BYTES_MAX));
        let longest_name = format!("{}a:1", "a.".repeat(HOST_BYTES_MAX / 2));
        for seed in [
            "node-1:7400",
            "db_1:1",
            "a.example.org.:65535",
            "10.0.0.1:7400",
            "[::1]:7400",
            "[2001:db8::1]:7400",
            "[fe80::1%2]:7400",
            "3com:80",
            &longest_label,
            &longest_name,
        ] {
            assert_eq!(check_seed(seed), Ok(()), "{seed}");
        }
    }

    #[test]
    fn a_malformed_seed_is_refused_with_its_problem() {
        let long_label = format!("{}:1", "a".repeat(64));
        let long_name = format!("{}a:1", "a.".repeat(127));
        for (seed, problem) in [
            ("", AddressProblem::PortMissing),
            ("node-1", AddressProblem::PortMissing),
            ("node-1:", AddressProblem::PortMissing),
            ("[::1]", AddressProblem::PortMissing),
            ("node-1:0", AddressProblem::Port),
            ("node-1:65536", AddressProblem::Port),
            ("node-1:+1", AddressProblem::Port),
            ("node-1:http", AddressProblem::Port),
            (":7400", AddressProblem::HostMissing),
            ("::1:7400", AddressProblem::Brackets),
            ("[::1:7400", AddressProblem::Brackets),
            ("[node-1]:7400", AddressProblem::Brackets),
            ("[fe80::1%eth0]:7400", AddressProblem::Zone),
            ("http://node-1:7400", AddressProblem::Character(':')),
            ("node 1:7400", AddressProblem::Character(' ')),
            ("nöde:7400", AddressProblem::Character('ö')),
            ("a..b:7400", AddressProblem::Length),
            (&long_label, AddressProblem::Length),
            (&long_name, AddressProblem::Length),
            ("999.0.0.1:7400", AddressProblem::Ipv4),
            ("10.0.0:7400", AddressProblem::Ipv4),
            ("7400:7400", AddressProblem::Ipv4),
            ("0.0.0.0:7400", AddressProblem::Unspecified),
            ("[::]:7400", AddressProblem::Unspecified),
        ] {
            assert_eq!(check_seed(seed), Err(problem), "{seed}");
        }
    }
}
