//! Requests to a collector: HTTP/1.1 over TCP, or over TLS by rustls and ring, each on a connection of its own.
//!
//! Runs on the thread of whoever calls, with a runtime of its own: an exporter has a thread, and no runtime.

use std::io::{self, ErrorKind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::totals::Totals;

/// Longest answer that is read.
const ANSWER_BYTES: usize = 256 * 1024;
/// Files with the authorities that may vouch for the collector, in PEM; those of the system without one. The first that is
/// set counts.
const CERTIFICATES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
];

/// Sends requests, one at a time.
#[derive(Debug)]
pub(super) struct Collector {
    runtime: Runtime,
    timeout: Duration,
    tls: OnceLock<Arc<ClientConfig>>,
    totals: Arc<Totals>,
}

impl Collector {
    /// A request may take so long, from the look-up of the name to the end of the answer.
    pub(super) fn new(timeout: Duration, totals: Arc<Totals>) -> io::Result<Self> {
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            timeout,
            tls: OnceLock::new(),
            totals,
        })
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri().clone();
        let host = uri.host().ok_or_else(|| invalid("the endpoint names no host"))?;
        // IPv6 stands in brackets there.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid("the endpoint must begin with http:// or https://").into()),
        };
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let request = relative(request, &uri)?;
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        match is_tls {
            false => exchange(stream, request).await,
            true => {
                let name =
                    ServerName::try_from(host.to_owned()).map_err(|_| invalid("TLS needs a name or an address"))?;
                let connector = TlsConnector::from(self.tls()?);
                exchange(connector.connect(name, stream).await?, request).await
            }
        }
    }

    fn tls(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(authorities()?)
            .with_no_client_auth();
        Ok(self.tls.get_or_init(|| Arc::new(config)).clone())
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = async {
            match tokio::time::timeout(self.timeout, self.send(request)).await {
                Ok(answered) => answered,
                Err(_) => Err(io::Error::new(ErrorKind::TimedOut, "no answer in time").into()),
            }
        };
        let answered = self.runtime.block_on(sending);
        match &answered {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => self.totals.set_trouble(format!("it answers {}", response.status())),
            Err(err) => self.totals.set_trouble(err.to_string()),
        }
        answered
    }
}

/// As HTTP/1.1 has it: the path alone, and the host beside it.
fn relative(request: Request<Bytes>, uri: &Uri) -> Result<Request<Full<Bytes>>, HttpError> {
    let (mut parts, body) = request.into_parts();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    // Who we are is not part of the host's name.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    parts.headers.insert(HOST, HeaderValue::from_str(host)?);
    parts.uri = match uri.path_and_query() {
        Some(path) => Uri::from(path.clone()),
        None => Uri::from_static("/"),
    };
    Ok(Request::from_parts(parts, Full::new(body)))
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answering = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    };
    // The connection's own error reaches whoever waits for the answer.
    tokio::pin!(answering);
    tokio::select! {
        answered = &mut answering => answered,
        _ = connection => answering.await,
    }
}

fn authorities() -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let file = CERTIFICATES.into_iter().find_map(std::env::var_os);
    match file.filter(|file| !file.is_empty()) {
        None => {
            // What of them cannot be read or used is passed over: systems have such certificates.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(file) => {
            let wrong = |err: &dyn std::fmt::Display| {
                let words = format!("the certificates in {} cannot be used: {err}", file.display());
                io::Error::new(ErrorKind::InvalidData, words)
            };
            for certificate in CertificateDer::pem_file_iter(&file).map_err(|err| wrong(&err))? {
                let certificate = certificate.map_err(|err| wrong(&err))?;
                roots.add(certificate).map_err(|err| wrong(&err))?;
            }
        }
    }
    match roots.is_empty() {
        true => Err(invalid("there are no certificates of authorities")),
        false => Ok(roots),
    }
}

fn invalid(words: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, words)
}
