//! TLS 1.3 to a node, by rustls and ring.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::options::Settings;

/// Whom we believe: the authorities of the file that was given, and nobody else; without one those of the system. Read
/// once per client.
pub(super) fn config(settings: &Settings) -> io::Result<Arc<ClientConfig>> {
    if let Some(config) = settings.tls.get() {
        return Ok(Arc::clone(config));
    }
    let roots = match &settings.ca_file {
        Some(path) => of_file(path)?,
        None => of_system()?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::clone(settings.tls.get_or_init(|| Arc::new(config))))
}

/// Shakes hands with the node of this name.
pub(super) async fn begin(
    config: Arc<ClientConfig>,
    host: &str,
    stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| io::Error::new(ErrorKind::InvalidInput, "TLS needs a name of DNS or an IP address"))?;
    TlsConnector::from(config).connect(name, stream).await
}

fn of_file(path: &Path) -> io::Result<RootCertStore> {
    let wrong = |what: &dyn std::fmt::Display| {
        let words = format!("the certificates in {} cannot be used: {what}", path.display());
        io::Error::new(ErrorKind::InvalidData, words)
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|err| wrong(&err))? {
        let certificate = certificate.map_err(|err| wrong(&err))?;
        roots.add(certificate).map_err(|err| wrong(&err))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"it holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)"));
    }
    Ok(roots)
}

fn of_system() -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    // What of them cannot be read or used is passed over: systems have such certificates.
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        let words = "this system has no certificates of authorities; name a file with the node's";
        return Err(io::Error::new(ErrorKind::NotFound, words));
    }
    Ok(roots)
}
