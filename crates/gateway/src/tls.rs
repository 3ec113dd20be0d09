//! What locks the doors: a certificate and its key, read from two PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its key, as it was read.
#[derive(PartialEq, Eq)]
pub struct Certified {
    files: [PathBuf; 2],
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl fmt::Debug for Certified {
    /// Never shows the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certified")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Certified {
    /// Reads both files. Whether the key goes with the certificate shows when [settings](Self::server_config) are made.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let unreadable = |file: &Path| {
            let file = file.to_owned();
            move |err| TlsError::of(file, err)
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
            .map_err(unreadable(certificate))?
            .collect();
        let chain = chain.map_err(unreadable(certificate))?;
        if chain.is_empty() {
            return Err(TlsError::Nothing {
                file: certificate.to_owned(),
                what: "certificate",
            });
        }
        let private = PrivateKeyDer::from_pem_file(key).map_err(|err| match err {
            pem::Error::NoItemsFound => TlsError::Nothing {
                file: key.to_owned(),
                what: "private key",
            },
            err => TlsError::of(key.to_owned(), err),
        })?;
        Ok(Self {
            files: [certificate.to_owned(), key.to_owned()],
            chain,
            key: private,
        })
    }

    /// The settings of a door that speaks TLS 1.2 and 1.3: browsers and NATS clients know both. `protocols` are those that
    /// it agrees to by ALPN; none agrees to whatever a client says. Sessions that were begun by other settings are not
    /// resumed by these.
    ///
    /// # Errors
    /// [`TlsError::Unfit`]
    pub fn server_config(&self, protocols: &[&str]) -> Result<Arc<ServerConfig>, TlsError> {
        let unfit = |source| {
            let [certificate, key] = self.files.clone();
            TlsError::Unfit {
                certificate,
                key,
                source,
            }
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(unfit)?;
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }
}

/// Why a door cannot be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not PEM.
    #[error("{} is no PEM file", file.display())]
    NotPem {
        /// The file.
        file: PathBuf,
    },
    /// A file has nothing of what it is to have.
    #[error("{} has no {what} in it; give a PEM file with one", file.display())]
    Nothing {
        /// The file.
        file: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// They are not for each other, or of a kind that is not known.
    #[error("the certificate in {} does not go with the key in {}", certificate.display(), key.display())]
    Unfit {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

impl TlsError {
    fn of(file: PathBuf, err: pem::Error) -> Self {
        match err {
            pem::Error::Io(source) => Self::Unreadable { file, source },
            pem::Error::NoItemsFound => Self::Nothing {
                file,
                what: "certificate",
            },
            // What it says may hold a piece of the key.
            _ => Self::NotPem { file },
        }
    }
}
