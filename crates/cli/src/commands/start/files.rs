//! What stands in the files that a configuration names, and is made of what it says: read and judged before it is used.

use std::sync::Arc;

use anyhow::Context;
use bellwether::Config;
use bellwether_access::{Revoked, TokenKeys};
use bellwether_gateway::tls::Certified;
use bellwether_message::KeyRing;
use rustls::ServerConfig;

use super::revoked_file::RevokedFile;

/// What browsers and other clients of HTTP agree to.
const HTTP_PROTOCOLS: [&str; 1] = ["http/1.1"];

/// The files of the doors, as they are now. The secrets are read with the configuration itself.
pub(super) struct Files {
    pub(super) tls: Option<DoorTls>,
    /// The file, and what stands in it, if it is there.
    pub(super) revoked: Option<(RevokedFile, Option<Revoked>)>,
}

/// What the doors are locked with.
pub(super) struct DoorTls {
    pub(super) certified: Certified,
    pub(super) http: Arc<ServerConfig>,
    pub(super) nats: Arc<ServerConfig>,
}

impl Files {
    pub(super) fn read(config: &Config) -> anyhow::Result<Self> {
        let list = config.access.as_ref().and_then(|access| access.revoked_tokens.clone());
        Ok(Self {
            tls: DoorTls::read(config)?,
            revoked: list.map(RevokedFile::read).transpose()?,
        })
    }
}

impl DoorTls {
    fn read(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(files) = &config.tls else { return Ok(None) };
        let certified = Certified::read(&files.certificate, &files.key)?;
        Ok(Some(Self {
            http: certified.server_config(&HTTP_PROTOCOLS)?,
            nats: certified.server_config(&[])?,
            certified,
        }))
    }
}

/// What verifies tokens; nothing does without a cluster secret.
pub(crate) fn token_keys(config: &Config) -> anyhow::Result<Option<TokenKeys>> {
    if config.secrets.is_empty() {
        return Ok(None);
    }
    let ring = KeyRing::new(&config.cluster, config.secrets.iter()).context("the cluster secret cannot be used")?;
    Ok(Some(TokenKeys::new(&config.cluster, &ring)))
}
