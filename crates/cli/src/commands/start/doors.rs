//! The doors of a node, as they are configured: HTTP over TCP and a Unix socket, and NATS.

use std::future::Future;
use std::net::SocketAddr;

use anyhow::Context;
use bellwether::config::{NatsAdvertise, TlsFiles};
use bellwether::{Config, Node};
use bellwether_access::{Access, TokenKeys};
use bellwether_gateway::{Gateway, tls};
use bellwether_message::KeyRing;
use bellwether_nats::{Nats, NatsSettings};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::key_watch;
use super::refusals;
use super::revoked_file::RevokedFile;

/// What browsers and other clients of HTTP agree to.
const HTTP_PROTOCOLS: [&str; 1] = ["http/1.1"];

/// Bound and not yet served.
pub(super) struct Doors {
    gateway: Option<Gateway>,
    nats: Option<Nats>,
    access: Access,
    revoked: Option<RevokedFile>,
    are_insecure: bool,
}

impl Doors {
    pub(super) fn bind(config: &Config) -> anyhow::Result<Self> {
        let access = Access::new(config.policy(), token_keys(config)?);
        let list = config.access.as_ref().and_then(|access| access.revoked_tokens.clone());
        let revoked = list.map(RevokedFile::new);
        let revoked = revoked.map(|file| file.begin(&access)).transpose()?;
        Ok(Self {
            gateway: gateway(config)?,
            nats: config.nats.map(|listen| nats(config, listen)).transpose()?,
            access,
            revoked,
            are_insecure: are_insecure(config),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gateway.is_none() && self.nats.is_none()
    }

    /// Whether others reach a door that is not locked.
    pub(super) fn are_insecure(&self) -> bool {
        self.are_insecure
    }

    /// Where HTTP clients dial.
    pub(super) fn http(&self) -> Option<String> {
        let gateway = self.gateway.as_ref()?;
        let scheme = if gateway.is_tls() { "https" } else { "http" };
        Some(format!("{scheme}://{}", gateway.local_addr()?))
    }

    /// Where NATS clients dial.
    pub(super) fn nats(&self) -> Option<String> {
        Some(format!("nats://{}", self.nats.as_ref()?.local_addr()))
    }

    /// Where clients find the Unix socket.
    pub(super) fn socket(&self) -> Option<String> {
        Some(self.gateway.as_ref()?.socket_path()?.display().to_string())
    }

    /// Serves clients until `stop` is cancelled. One door that ends before ends all.
    /// When `leaving` is cancelled, clients of NATS are told to go to other nodes; `left` is told once they have had their
    /// time to, and the others are still served.
    pub(super) async fn serve(
        self,
        node: Node,
        stop: CancellationToken,
        (leaving, left): (CancellationToken, oneshot::Sender<()>),
    ) -> anyhow::Result<()> {
        let Self {
            gateway,
            nats,
            access,
            revoked,
            are_insecure: _,
        } = self;
        let http = gateway.map(|gateway| gateway.serve(node.clone(), access.clone(), stop.clone()));
        let nats = nats.map(|nats| nats.serve(node.clone(), access.clone(), leaving));
        let nats = async {
            let ended = served(nats).await;
            // Nobody listens where the node did not stop in good order.
            let _ = left.send(());
            ended
        };
        let http = async {
            match http {
                Some(http) => Ok(http.await?),
                // The others are served until then.
                None => {
                    stop.cancelled().await;
                    anyhow::Ok(())
                }
            }
        };
        let serve = async { tokio::try_join!(http, nats).map(drop) };
        let revoke = async {
            match revoked {
                Some(file) => file.watch(&access).await,
                None => std::future::pending().await,
            }
        };
        let served = tokio::select! {
            served = serve => served,
            () = revoke => Ok(()),
            () = key_watch::follow(&node, &access) => Ok(()),
            () = refusals::watch(&access, &node) => Ok(()),
        };
        refusals::tell(&access, &node);
        served
    }
}

/// Waits for a door, if there is one.
async fn served<E>(door: Option<impl Future<Output = Result<(), E>>>) -> anyhow::Result<()>
where
    anyhow::Error: From<E>,
{
    match door {
        Some(door) => Ok(door.await?),
        None => Ok(()),
    }
}

fn gateway(config: &Config) -> anyhow::Result<Option<Gateway>> {
    let over_tcp = match (config.http, &config.tls) {
        (None, _) => None,
        (Some(addr), None) => Some(Gateway::bind(addr)?),
        (Some(addr), Some(files)) => Some(Gateway::bind_tls(addr, server_config(files, &HTTP_PROTOCOLS)?)?),
    };
    let over_socket = config.socket.as_deref().map(Gateway::bind_socket).transpose()?;
    let gateway = match (over_tcp, over_socket) {
        (Some(tcp), Some(socket)) => Some(tcp.and(socket)),
        (one, other) => one.or(other),
    };
    Ok(gateway.map(|gateway| gateway.hosts(config.http_hosts.iter().cloned())))
}

fn nats(config: &Config, listen: SocketAddr) -> anyhow::Result<Nats> {
    let mut settings = NatsSettings::new(listen);
    let ip = listen.ip().to_canonical();
    settings.advertise = match &config.nats_advertise {
        NatsAdvertise::Off => None,
        NatsAdvertise::Address(address) => Some(address.clone()),
        NatsAdvertise::Listen if ip.is_loopback() || ip.is_unspecified() => None,
        NatsAdvertise::Listen => Some(listen.to_string()),
    };
    if let Some(files) = &config.tls {
        settings.tls = Some(server_config(files, &[])?);
    }
    Ok(Nats::bind(settings)?)
}

fn server_config(files: &TlsFiles, protocols: &[&str]) -> Result<std::sync::Arc<rustls::ServerConfig>, tls::TlsError> {
    tls::server_config(&files.certificate, &files.key, protocols)
}

/// What verifies tokens; nothing does without a cluster secret.
pub(crate) fn token_keys(config: &Config) -> anyhow::Result<Option<TokenKeys>> {
    if config.secrets.is_empty() {
        return Ok(None);
    }
    let ring = KeyRing::new(&config.cluster, config.secrets.iter()).context("the cluster secret cannot be used")?;
    Ok(Some(TokenKeys::new(&config.cluster, &ring)))
}

fn are_insecure(config: &Config) -> bool {
    let is_open = |addr: &SocketAddr| !addr.ip().to_canonical().is_loopback();
    let is_locked = config.tls.is_some() && config.access.is_some();
    !is_locked && [config.http, config.nats].iter().flatten().any(is_open)
}
