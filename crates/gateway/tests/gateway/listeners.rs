//! Unix sockets and TLS.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use bellwether::Instance;
use bellwether_access::{Access, Grant, Policy, Principal};
use bellwether_gateway::{Gateway, tls};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use crate::client::Client;
use crate::served::Served;

#[tokio::test]
async fn a_unix_socket_says_who_its_clients_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    // Whoever runs this test owns what it makes.
    let own = std::fs::metadata(folder.path()).unwrap();
    let grant = Grant {
        allow_publish: vec!["events:*".parse().unwrap()],
        ..Grant::default()
    };
    let policy = Policy::closed().with_principal(Principal::new("me", grant).with_uid(own.uid()));
    let socket = Gateway::bind_socket(&path).unwrap();
    assert_eq!(socket.socket_path(), Some(&*path));
    assert_eq!(socket.local_addr(), None);
    let served = Served::start_as(Access::new(policy, None), |_| {}, |tcp| tcp.and(socket)).await;

    let stream = UnixStream::connect(&path).await.unwrap();
    let mut client = Client::over(stream, "any name").await;
    // No page reaches it, so that no name or origin is asked for.
    let published = client
        .send(
            "POST",
            "/v1/publish/events/a",
            &[("origin", "http://evil.example")],
            "x",
        )
        .await;
    assert_eq!(published.status, 200, "{published:?}");
    client
        .post("/v1/publish/alerts/a", "", "x")
        .await
        .expect_error(403, "denied", "`me`");
    // Over TCP the system says nothing.
    served
        .client()
        .await
        .post("/v1/publish/events/a", "", "x")
        .await
        .expect_error(401, "unauthenticated", "token");
    assert_eq!(served.node.instances()[Instance::Events.index()].published, 1);

    drop(client);
    served.stop.cancel();
    served.serving.await.unwrap().unwrap();
    assert!(!path.exists(), "a socket goes with its node");
}

struct Certified {
    _folder: tempfile::TempDir,
    config: watch::Receiver<Arc<rustls::ServerConfig>>,
    tell: watch::Sender<Arc<rustls::ServerConfig>>,
    root: CertificateDer<'static>,
}

fn certified(name: &str) -> Certified {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let (chain, private) = (folder.path().join("a.pem"), folder.path().join("a.key"));
    std::fs::write(&chain, certificate.pem()).unwrap();
    std::fs::write(&private, key.serialize_pem()).unwrap();
    let config = tls::Certified::read(&chain, &private).unwrap();
    let (tell, config) = watch::channel(config.server_config(&["http/1.1"]).unwrap());
    Certified {
        config,
        tell,
        root: certificate.der().clone(),
        _folder: folder,
    }
}

#[tokio::test]
async fn browsers_and_others_speak_tls_of_both_versions() {
    let certified = certified("events.example");
    let bound = Gateway::bind_tls("127.0.0.1:0".parse().unwrap(), certified.config).unwrap();
    let addr = bound.local_addr().unwrap();
    assert!(bound.is_tls());
    let served = Served::start_as(
        Access::open(),
        |_| {},
        |tcp| tcp.and(bound).hosts(["events.example".to_owned()]),
    )
    .await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut roots = RootCertStore::empty();
        roots.add(certified.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let connect = || async {
            let stream = TcpStream::connect(addr).await.unwrap();
            let name = ServerName::try_from("events.example").unwrap();
            TlsConnector::from(Arc::new(config.clone()))
                .connect(name, stream)
                .await
                .unwrap()
        };
        let stream = connect().await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let mut client = Client::over(stream, "events.example").await;
        let published = client.post("/v1/publish/events/a", "", "x").await;
        assert_eq!(published.status, 200, "{published:?}");
        let own_page = [("origin", "https://events.example")];
        assert_eq!(client.send("GET", "/healthz", &own_page, "").await.status, 200);
        let mut stranger = Client::over(connect().await, "other.example").await;
        stranger
            .get("/healthz")
            .await
            .expect_error(421, "bad_host", "http_hosts");
    }
    assert_eq!(served.node.instances()[Instance::Events.index()].published, 2);
}

#[tokio::test]
async fn new_connections_see_a_new_certificate_and_old_ones_go_on() {
    let (old, new) = (certified("events.example"), certified("events.example"));
    let bound = Gateway::bind_tls("127.0.0.1:0".parse().unwrap(), old.config).unwrap();
    let addr = bound.local_addr().unwrap();
    let _served = Served::start_as(
        Access::open(),
        |_| {},
        |tcp| tcp.and(bound).hosts(["events.example".to_owned()]),
    )
    .await;
    let mut roots = RootCertStore::empty();
    roots.add(old.root.clone()).unwrap();
    roots.add(new.root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // One for all connections, which would resume a session.
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let connect = || async {
        let stream = TcpStream::connect(addr).await.unwrap();
        let name = ServerName::try_from("events.example").unwrap();
        TlsConnector::from(config.clone()).connect(name, stream).await.unwrap()
    };
    let shown = |stream: &tokio_rustls::client::TlsStream<TcpStream>| {
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    };
    let stream = connect().await;
    assert_eq!(shown(&stream), old.root);
    let mut client = Client::over(stream, "events.example").await;
    assert_eq!(client.get("/healthz").await.status, 200);

    old.tell.send_replace(new.config.borrow().clone());
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(shown(&connect().await), new.root);
}

#[tokio::test]
async fn who_speaks_no_tls_or_nothing_does_not_stop_others() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let bound = Gateway::bind_tls("127.0.0.1:0".parse().unwrap(), certified("a.example").config).unwrap();
    let addr = bound.local_addr().unwrap();
    let served = Served::start_as(Access::open(), |_| {}, |tcp| tcp.and(bound)).await;
    let _silent = TcpStream::connect(addr).await.unwrap();
    let mut plain = TcpStream::connect(addr).await.unwrap();
    plain
        .write_all(b"GET /v1/members HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "nothing is said in the clear");
    assert_eq!(served.client().await.get("/healthz").await.status, 200);
}

#[test]
fn files_that_lock_nothing_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["a".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let chain = write("a.pem", &certificate.pem());
    let private = write("a.key", &key.serialize_pem());
    let other = write("b.key", &KeyPair::generate().unwrap().serialize_pem());
    let empty = write("empty", "nothing\n");
    let broken = write(
        "broken",
        "-----BEGIN PRIVATE KEY-----\nsecret!\n-----END PRIVATE KEY-----\n",
    );
    for (certificate, key, words) in [
        (&folder.path().join("none"), &private, "cannot read"),
        (&chain, &folder.path().join("none"), "cannot read"),
        (&empty, &private, "has no certificate in it"),
        (&private, &private, "has no certificate in it"),
        (&chain, &empty, "has no private key in it"),
        (&chain, &broken, "is no PEM file"),
        (&chain, &other, "does not go with the key"),
    ] {
        let config = tls::Certified::read(certificate, key).and_then(|read| read.server_config(&[]));
        let err = config.unwrap_err();
        assert!(err.to_string().contains(words), "{err}");
        assert!(!err.to_string().contains("secret!"));
    }
    let read = || tls::Certified::read(&chain, &private).unwrap();
    assert!(read().server_config(&[]).is_ok());
    assert_eq!(read(), read());
    assert_ne!(read(), tls::Certified::read(&chain, &other).unwrap());
    let key = key.serialize_pem();
    let shown = format!("{:?}", read());
    assert!(shown.contains("a.key") && !key.lines().any(|line| shown.contains(line)));
}
