//! The doors of a node, as they are configured: HTTP over TCP and a Unix socket, and NATS.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bellwether::config::NatsAdvertise;
use bellwether::{Config, Node};
use bellwether_access::Access;
use bellwether_gateway::tls::Certified;
use bellwether_gateway::{Control, Gateway};
use bellwether_nats::{Nats, NatsSettings};
use rustls::ServerConfig;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::files::{Files, token_keys};
use super::key_watch;
use super::refusals;
use super::revoked_file::RevokedFile;

/// What is said of a certificate or key that is another, in the same files or others.
pub(super) const CERTIFICATE: &str = "tls_certificate";
/// What is said of a list of revoked tokens that is another.
const REVOKED: &str = "access.revoked_tokens";

/// Bound and not yet served.
pub(super) struct Doors {
    gateway: Option<Gateway>,
    nats: Option<Nats>,
    access: Access,
    revoked: watch::Receiver<Option<RevokedFile>>,
    are_insecure: bool,
}

/// What of open doors can be changed: whom they let in, by which names, and with which certificate.
pub(super) struct Locks {
    access: Access,
    certified: Option<Certified>,
    tls: Option<[watch::Sender<Arc<ServerConfig>>; 2]>,
    hosts: watch::Sender<Arc<[String]>>,
    revoked: watch::Sender<Option<RevokedFile>>,
}

impl Locks {
    /// Has the doors go by a newer configuration, as far as it needs no restart, and by what stands in its files. Says what
    /// of these files is another than before.
    pub(super) fn take_over(&mut self, older: &Config, newer: &Config, files: Files) -> Vec<&'static str> {
        let mut changed = Vec::new();
        if older.access != newer.access || older.limits != newer.limits {
            self.access.set_policy(newer.policy());
        }
        if older.http_hosts != newer.http_hosts {
            self.hosts.send_replace(newer.http_hosts.as_slice().into());
        }
        if let (Some([http, nats]), Some(tls)) = (&self.tls, files.tls)
            && self.certified.as_ref() != Some(&tls.certified)
        {
            http.send_replace(tls.http);
            nats.send_replace(tls.nats);
            self.certified = Some(tls.certified);
            changed.push(CERTIFICATE);
        }
        let (file, revoked) = files.revoked.unzip();
        // A list that is gone for a moment, as while it is replaced, must not make its tokens count again.
        let is_gone = matches!(revoked, Some(None)) && list_of(older) == list_of(newer);
        if !is_gone && self.access.set_revoked(revoked.flatten().unwrap_or_default()) {
            changed.push(REVOKED);
        }
        self.revoked.send_replace(file);
        changed
    }
}

impl Doors {
    /// With what of them can be changed later.
    pub(super) fn bind(config: &Config, control: Control) -> anyhow::Result<(Self, Locks)> {
        let access = Access::new(config.policy(), token_keys(config)?);
        let files = Files::read(config)?;
        let (file, revoked) = files.revoked.unzip();
        access.set_revoked(revoked.flatten().unwrap_or_default());
        let (tell_revoked, revoked) = watch::channel(file);
        let (tell_hosts, hosts) = watch::channel(config.http_hosts.as_slice().into());
        let (certified, tls) = files
            .tls
            .map(|tls| (tls.certified, [tls.http, tls.nats].map(watch::Sender::new)))
            .unzip();
        let [http, nats_tls] = match &tls {
            Some(tls) => tls.each_ref().map(|tls| Some(tls.subscribe())),
            None => [None, None],
        };
        let gateway = gateway(config, http)?.map(|gateway| gateway.hosts_as_told(hosts).controlled_by(control));
        let doors = Self {
            gateway,
            nats: config.nats.map(|listen| nats(config, listen, nats_tls)).transpose()?,
            access: access.clone(),
            revoked,
            are_insecure: are_insecure(config),
        };
        let locks = Locks {
            access,
            certified,
            tls,
            hosts: tell_hosts,
            revoked: tell_revoked,
        };
        Ok((doors, locks))
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
            mut revoked,
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
        let revoke = watch_revoked(&mut revoked, &access);
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

/// Watches the list of revoked tokens, whichever is configured. Never done.
async fn watch_revoked(files: &mut watch::Receiver<Option<RevokedFile>>, access: &Access) {
    loop {
        let file = files.borrow_and_update().clone();
        let watching = async {
            match file {
                Some(file) => file.watch(access).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = watching => {}
            changed = files.changed() => if changed.is_err() {
                // Whoever runs the node is about to end.
                return std::future::pending().await;
            },
        }
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

fn gateway(config: &Config, tls: Option<watch::Receiver<Arc<ServerConfig>>>) -> anyhow::Result<Option<Gateway>> {
    let over_tcp = match (config.http, tls) {
        (None, _) => None,
        (Some(addr), None) => Some(Gateway::bind(addr)?),
        (Some(addr), Some(tls)) => Some(Gateway::bind_tls(addr, tls)?),
    };
    let over_socket = config.socket.as_deref().map(Gateway::bind_socket).transpose()?;
    Ok(match (over_tcp, over_socket) {
        (Some(tcp), Some(socket)) => Some(tcp.and(socket)),
        (one, other) => one.or(other),
    })
}

fn nats(config: &Config, listen: SocketAddr, tls: Option<watch::Receiver<Arc<ServerConfig>>>) -> anyhow::Result<Nats> {
    let mut settings = NatsSettings::new(listen);
    let ip = listen.ip().to_canonical();
    settings.advertise = match &config.nats_advertise {
        NatsAdvertise::Off => None,
        NatsAdvertise::Address(address) => Some(address.clone()),
        NatsAdvertise::Listen if ip.is_loopback() || ip.is_unspecified() => None,
        NatsAdvertise::Listen => Some(listen.to_string()),
    };
    settings.tls = tls;
    Ok(Nats::bind(settings)?)
}

/// Where the tokens are named that no longer count.
fn list_of(config: &Config) -> Option<&Path> {
    config.access.as_ref()?.revoked_tokens.as_deref()
}

fn are_insecure(config: &Config) -> bool {
    let is_open = |addr: &SocketAddr| !addr.ip().to_canonical().is_loopback();
    let is_locked = config.tls.is_some() && config.access.is_some();
    !is_locked && [config.http, config.nats].iter().flatten().any(is_open)
}
