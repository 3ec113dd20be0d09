//! Who may be in the mesh: the cluster secret turned into TLS identities.
//!
//! By HKDF every secret gives an Ed25519 certificate authority, the same on every node that has the secret. Each node
//! mints its own leaf at start, with its node id as name, and both ends of a connection demand a chain to one of the
//! authorities. Without the secret nobody gets past the handshake; with it, nobody needs certificate files.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bellwether_message::{KeyRing, NodeId};
use hmac::{Hmac, KeyInit, Mac};
use quinn::Connection;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, SerialNumber,
};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, version::TLS13};
use sha2::Sha256;
use webpki::{EndEntityCert, KeyUsage};

/// Protocol name and major version, agreed in the TLS handshake.
const ALPN: &[u8] = b"bellwether/1";
/// A name that every node's certificate carries: for dialing a seed whose id is not known yet.
pub(crate) const COMMON_NAME: &str = "any.bellwether";
/// Ends the name that stands for a node id. A last label that is a number would not be a valid DNS name.
const ID_SUFFIX: &str = ".node";
/// A moment at which every certificate of ours is valid, 2026: they do not expire, so the clock has no say.
const VALID_AT: Duration = Duration::from_secs(1_767_225_600);
/// PKCS #8 v1 in front of a raw Ed25519 seed (RFC 8410).
const PKCS8_ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// What a node needs to dial and to accept.
pub(crate) struct Identity {
    pub(crate) server: Arc<QuicServerConfig>,
    pub(crate) client: Arc<QuicClientConfig>,
    roots: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
    /// Lets a restarted node tell peers at once that old connections are gone; per node id, never shared.
    pub(crate) reset_key: ResetKey,
    /// Makes connection ids recognisable over restarts, which the reset needs.
    pub(crate) cid_key: u64,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity [redacted]")
    }
}

impl Identity {
    /// The identity of `node` in the cluster that `ring` belongs to.
    ///
    /// # Errors
    /// [`IdentityError`] if the libraries refuse a derived key or certificate, which no valid secret causes.
    pub(crate) fn new(ring: &KeyRing, node: &NodeId) -> Result<Self, IdentityError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        let mut issuer = None;
        for seed in ring.derive("bellwether link authority v1") {
            let authority = Authority::new(seed.as_slice())?;
            roots.add(authority.certificate.clone()).map_err(IdentityError::Tls)?;
            issuer.get_or_insert(authority);
        }
        let issuer = issuer.ok_or(IdentityError::NoKey)?;
        let (leaf, key) = issuer.mint(node)?;
        let reset = ring
            .derive(&format!("bellwether reset key v1 {node}"))
            .next()
            .ok_or(IdentityError::NoKey)?;
        let (cid_key, _) = reset.split_first_chunk::<8>().ok_or(IdentityError::NoKey)?;
        Ok(Self {
            server: server_config(&provider, roots.clone(), leaf.clone(), &key)?,
            client: client_config(&provider, roots.clone(), leaf, &key)?,
            roots,
            algorithms: provider.signature_verification_algorithms,
            cid_key: u64::from_le_bytes(*cid_key),
            reset_key: ResetKey(Hmac::new_from_slice(reset.as_slice()).map_err(|_| IdentityError::NoKey)?),
        })
    }

    /// The name to dial a node by.
    pub(crate) fn server_name(node: Option<&NodeId>) -> String {
        node.map_or_else(|| COMMON_NAME.to_owned(), |node| format!("{node}{ID_SUFFIX}"))
    }

    /// Whether the certificate that the other end proved to own, perhaps while other keys were in the ring, is of an
    /// authority that counts now.
    pub(crate) fn trusts(&self, connection: &Connection) -> bool {
        let is_trusted = |chain: Vec<CertificateDer<'static>>| {
            let leaf = EndEntityCert::try_from(chain.first()?).ok()?;
            let verified = leaf.verify_for_usage(
                self.algorithms.all,
                &self.roots.roots,
                &[],
                UnixTime::since_unix_epoch(VALID_AT),
                KeyUsage::client_auth(),
                None,
                None,
            );
            verified.ok().map(drop)
        };
        chain_of(connection).and_then(is_trusted).is_some()
    }

    /// The node id in the certificate the other end proved to own.
    pub(crate) fn of_peer(connection: &Connection) -> Option<NodeId> {
        let chain = chain_of(connection)?;
        let leaf = EndEntityCert::try_from(chain.first()?).ok()?;
        let id = leaf.valid_dns_names().find_map(|name| name.strip_suffix(ID_SUFFIX))?;
        NodeId::new(id).ok()
    }
}

fn chain_of(connection: &Connection) -> Option<Vec<CertificateDer<'static>>> {
    let chain = connection.peer_identity()?;
    chain.downcast().ok().map(|chain| *chain)
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    fn new(seed: &[u8]) -> Result<Self, IdentityError> {
        let der = [&PKCS8_ED25519[..], seed].concat();
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(der), &PKCS_ED25519)?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = name("bellwether mesh");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.serial_number = Some(SerialNumber::from(1));
        wide_validity(&mut params);
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    fn mint(&self, node: &NodeId) -> Result<(CertificateDer<'static>, KeyPair), IdentityError> {
        // Ed25519 keeps certificates and signatures of constant length.
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let mut params = CertificateParams::new(vec![format!("{node}{ID_SUFFIX}"), COMMON_NAME.to_owned()])?;
        params.distinguished_name = name("bellwether node");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        // By default it follows from the key, and a leading zero shortens it.
        let [first, rest @ ..] = rand::random::<[u8; 16]>();
        let serial: Vec<u8> = std::iter::once(first & 0x3f | 0x40).chain(rest).collect();
        params.serial_number = Some(SerialNumber::from(serial));
        wide_validity(&mut params);
        Ok((params.signed_by(&key, &self.issuer)?.der().clone(), key))
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// Membership must not depend on clocks agreeing; who may join is decided by the secret, not by dates.
fn wide_validity(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    params.not_after = rcgen::date_time_ymd(4000, 1, 1);
}

fn server_config(
    provider: &Arc<CryptoProvider>,
    roots: RootCertStore,
    leaf: CertificateDer<'static>,
    key: &KeyPair,
) -> Result<Arc<QuicServerConfig>, IdentityError> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|_| IdentityError::NoKey)?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![leaf], private(key))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // No resumption: a removed secret must bite at once.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(
        QuicServerConfig::try_from(config).map_err(|_| IdentityError::NoKey)?,
    ))
}

fn client_config(
    provider: &Arc<CryptoProvider>,
    roots: RootCertStore,
    leaf: CertificateDer<'static>,
    key: &KeyPair,
) -> Result<Arc<QuicClientConfig>, IdentityError> {
    let mut config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![leaf], private(key))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    config.enable_early_data = false;
    Ok(Arc::new(
        QuicClientConfig::try_from(config).map_err(|_| IdentityError::NoKey)?,
    ))
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

/// Signs stateless resets (RFC 9000, section 10.3).
#[derive(Clone)]
pub(crate) struct ResetKey(Hmac<Sha256>);

impl quinn::crypto::HmacKey for ResetKey {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        let mut mac = self.0.clone();
        mac.update(data);
        signature_out
            .iter_mut()
            .zip(mac.finalize().into_bytes())
            .for_each(|(to, from)| *to = from);
    }

    fn signature_len(&self) -> usize {
        32
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), quinn::crypto::CryptoError> {
        let mut mac = self.0.clone();
        mac.update(data);
        mac.verify_slice(signature).map_err(|_| quinn::crypto::CryptoError)
    }
}

/// How often one endpoint may send a stateless reset. quinn's 20 ms for the whole endpoint would let a restarted node
/// reach only some of its peers' old connections at once.
pub(crate) const RESET_INTERVAL: Duration = Duration::from_millis(1);

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A key or verifier could not be made from the secret.
    #[error("no link key can be derived from the cluster secret")]
    NoKey,
    /// A certificate could not be made.
    #[error("the node's certificate cannot be made")]
    Certificate(#[from] rcgen::Error),
    /// TLS refused the certificate.
    #[error("the node's certificate is not usable")]
    Tls(#[from] rustls::Error),
}
