//! Where clients come in: HTTP, NATS, a Unix socket; and what a door to other hosts must have.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::address::{self, AddressProblem};
use super::error::ConfigError;
use super::origin::{Origins, Setting};
use super::{Config, Layer};

/// The longest path that a Unix socket may have, in bytes: what `sockaddr_un` holds, with its zero.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// The longest name of a host, RFC 1035 section 2.3.4.
const HOST_BYTES_MAX: usize = 253;

/// The files that doors are locked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that vouch for it, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// What NATS clients of other nodes are told to dial when they lose theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NatsAdvertise {
    /// The address at which this node listens for them, unless it is loopback or unspecified.
    #[default]
    Listen,
    /// Nothing.
    Off,
    /// This, `host:port`.
    Address(String),
}

/// What is wrong with the doors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DoorProblem {
    /// One file of two.
    #[error("give `tls_certificate` and `tls_key` together; `{missing}` is missing")]
    HalfTls {
        /// The key that is missing.
        missing: &'static str,
    },
    /// Others could read along.
    #[error(
        "{address} is open to other hosts, where anybody could read along; give `tls_certificate` and `tls_key`, listen \
         on loopback, or set `insecure_doors` if something else protects it"
    )]
    WithoutTls {
        /// The address.
        address: SocketAddr,
    },
    /// Others could do everything.
    #[error(
        "{address} is open to other hosts, where everybody could do everything; say in a table [access] who may do \
         what, listen on loopback, or set `insecure_doors` if something else protects it"
    )]
    WithoutAccess {
        /// The address.
        address: SocketAddr,
    },
    /// No path of a socket.
    #[error(
        "a path of {bytes} bytes cannot be that of a Unix socket; use 1 to {SOCKET_PATH_BYTES_MAX} bytes, or `off`"
    )]
    SocketPath {
        /// Its length.
        bytes: usize,
    },
    /// No name of a host.
    #[error("`{given}` is no name of a host; write it without scheme and port, such as events.example.com")]
    HostName {
        /// What was given.
        given: String,
    },
}

impl Config {
    /// Takes over what a layer says of the doors but for `http`.
    pub(super) fn take_doors(&mut self, layer: &mut Layer, origins: &Origins) -> Result<(), ConfigError> {
        self.nats = match layer.nats.as_deref() {
            None | Some("off") => None,
            Some(text) => Some(address::socket(|| origins.setting("nats"), text)?),
        };
        self.nats_advertise = match layer.nats_advertise.take() {
            None => NatsAdvertise::Listen,
            Some(text) if text == "off" => NatsAdvertise::Off,
            Some(text) => NatsAdvertise::Address(text),
        };
        self.socket = layer.socket.take().filter(|path| path.as_os_str() != "off");
        self.tls = match (layer.tls_certificate.take(), layer.tls_key.take()) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            (given, _) => {
                let (given, missing) = match given {
                    Some(_) => ("tls_certificate", "tls_key"),
                    None => ("tls_key", "tls_certificate"),
                };
                return Err(door(origins.setting(given), DoorProblem::HalfTls { missing }));
            }
        };
        self.insecure_doors = layer.insecure_doors.unwrap_or_default();
        self.http_hosts = layer.http_hosts.take().unwrap_or_default();
        Ok(())
    }

    pub(super) fn check_doors(&self) -> Result<(), ConfigError> {
        for (key, address) in [("http", self.http), ("nats", self.nats)] {
            let Some(address) = address else { continue };
            if self.insecure_doors || address.ip().to_canonical().is_loopback() {
                continue;
            }
            let problem = match (&self.tls, &self.access) {
                (None, _) => DoorProblem::WithoutTls { address },
                (Some(_), None) => DoorProblem::WithoutAccess { address },
                (Some(_), Some(_)) => continue,
            };
            return Err(door(self.origins.setting(key), problem));
        }
        if let NatsAdvertise::Address(text) = &self.nats_advertise {
            address::check_seed(text).map_err(|problem: AddressProblem| ConfigError::Address {
                setting: self.origins.setting("nats_advertise"),
                address: text.clone(),
                problem,
            })?;
        }
        if let Some(bytes) = self.socket.as_ref().map(|path| path.as_os_str().len())
            && !(1..=SOCKET_PATH_BYTES_MAX).contains(&bytes)
        {
            return Err(door(self.origins.setting("socket"), DoorProblem::SocketPath { bytes }));
        }
        for (index, host) in self.http_hosts.iter().enumerate() {
            if !is_host_name(host) {
                let given = host.escape_debug().take(HOST_BYTES_MAX).collect();
                let setting = self.origins.setting(&format!("http_hosts[{index}]"));
                return Err(door(setting, DoorProblem::HostName { given }));
            }
        }
        Ok(())
    }
}

fn door(setting: Setting, problem: DoorProblem) -> ConfigError {
    ConfigError::Door { setting, problem }
}

fn is_host_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed);
    text.len() <= HOST_BYTES_MAX && text.split('.').all(is_label)
}
