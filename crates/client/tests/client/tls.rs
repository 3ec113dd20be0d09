//! TLS: to a node whose certificate an authority has signed that is believed, and to no other.

use std::sync::Arc;

use bellwether_client::{Client, ConnectError, Instance};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::served::{Lab, draft, next_message, pattern};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

#[tokio::test]
async fn a_node_is_believed_by_its_authority_and_name() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let (ours, other) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (good, bad) = (file("good.pem", ours.0.pem()), file("bad.pem", other.0.pem()));
    let empty = file("empty.pem", "nothing".to_owned());

    let mut urls = Vec::new();
    for name in ["127.0.0.1", "elsewhere.example"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        urls.push(format!("https://{}", listener.local_addr().unwrap()));
        let (acceptor, upstream) = (ours.acceptor(name), a.addr);
        tokio::spawn(async move {
            while let Ok((down, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut down) = acceptor.accept(down).await else {
                        return;
                    };
                    let mut up = TcpStream::connect(upstream).await.unwrap();
                    let _ = copy_bidirectional(&mut down, &mut up).await;
                });
            }
        });
    }
    let connect = async |ca: &std::path::Path, url: &str| Client::options().token("t").ca_file(ca).connect(url).await;
    let client = connect(&good, &urls[0]).await.unwrap();
    let wanted = [(Instance::Events, pattern("t"))];
    let mut subscription = client.subscribe(wanted).open().await.unwrap();
    let id = client.publish(Instance::Events, &draft("t", "x")).await.unwrap();
    assert_eq!(next_message(&mut subscription).await.id, id);

    let refused = async |ca: &std::path::Path, url: &str| match connect(ca, url).await {
        Err(ConnectError::Call { source }) => source.to_string(),
        other => panic!("{other:?}"),
    };
    let words = refused(&bad, &urls[0]).await;
    assert!(words.contains("certificate"), "{words}");
    let words = refused(&good, &urls[1]).await;
    assert!(words.contains("certificate"), "{words}");
    let words = refused(&empty, &urls[0]).await;
    assert!(words.contains("holds no certificate"), "{words}");
}
