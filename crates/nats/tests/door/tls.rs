//! TLS after the first line.

use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use crate::lab::Door;
use crate::wire::Wire;

fn configs() -> (watch::Receiver<Arc<ServerConfig>>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let server = server
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (watch::channel(Arc::new(server)).1, Arc::new(client))
}

#[tokio::test]
async fn a_client_goes_over_to_tls_after_the_first_line() {
    let (server, client) = configs();
    let door = Door::start("a", &[], |settings| settings.tls = Some(server)).await;
    let wire = Wire::connect(door.addr).await;
    assert_eq!(
        (&wire.info["tls_required"], &wire.info["tls_available"]),
        (&true.into(), &true.into())
    );
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(client)
        .connect(name, wire.into_inner())
        .await
        .unwrap();
    let mut wire = Wire::silent(stream);
    let payload = "x".repeat(300_000);
    wire.say(&format!(
        "CONNECT {{\"verbose\":false}}\r\nSUB a 1\r\nPUB a {}\r\n{payload}\r\n",
        payload.len()
    ))
    .await;
    wire.expect_message("MSG a 1", &payload).await;
    wire.sync().await;
    wire.say("NONSENSE\r\n").await;
    wire.expect_end("-ERR 'Unknown Protocol Operation'").await;
}

#[tokio::test]
async fn who_must_speak_tls_and_does_not_is_told_so() {
    let (server, _) = configs();
    let door = Door::start("a", &[], |settings| settings.tls = Some(server)).await;
    let mut wire = Wire::connect(door.addr).await;
    wire.say("CONNECT {}\r\nPING\r\n").await;
    wire.expect_end("-ERR 'Secure Connection - TLS Required'").await;
}

#[tokio::test]
async fn who_need_not_may_speak_as_it_likes() {
    let (server, client) = configs();
    let door = Door::start("a", &[], |settings| {
        settings.tls = Some(server);
        settings.tls_required = false;
    })
    .await;
    let mut plain = Wire::connect(door.addr).await;
    assert!(plain.info.get("tls_required").is_none());
    plain.sync().await;
    let stream = Wire::<TcpStream>::connect(door.addr).await.into_inner();
    let name = ServerName::try_from("localhost").unwrap();
    let mut secure = Wire::silent(TlsConnector::from(client).connect(name, stream).await.unwrap());
    secure.sync().await;
}
