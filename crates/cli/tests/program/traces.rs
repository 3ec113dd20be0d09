//! Export of traces: what a collector receives, and what is said where nothing is exported.

use crate::program::node::RunningNode;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[test]
fn a_start_without_such_variables_says_nothing_of_traces() {
    let (node, logged) = RunningNode::start_in(&[]);
    node.signal("-TERM");
    let (code, rest) = node.wait();
    assert_eq!(code, Some(0));
    let log = [logged.concat(), rest].concat();
    assert!(!log.contains("trace") && !log.contains("OpenTelemetry"), "{log}");
}

#[cfg(not(feature = "otel"))]
#[test]
fn a_program_without_the_feature_says_once_that_it_exports_nothing() {
    for (variables, level) in [
        (&[(ENDPOINT, "http://127.0.0.1:4318")][..], " WARN "),
        (
            &[(ENDPOINT, "http://c:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
            " WARN ",
        ),
        (&[("OTEL_SERVICE_NAME", "x")], " INFO "),
    ] {
        let (_node, logged) = RunningNode::start_in(variables);
        let told: Vec<_> = logged
            .iter()
            .filter(|line| line.contains("no traces are exported"))
            .collect();
        assert!(told.len() == 1 && told[0].contains(level), "{logged:?}");
    }
}

#[cfg(feature = "otel")]
mod exported {
    use std::io::{BufReader, Read, Write};
    use std::net::TcpStream;
    use std::path::Path;
    use std::sync::Arc;

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::crypto::ring;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::*;
    use crate::program::fake_node::{FakeNode, Request, answer, request};
    use crate::program::run::{Run, bellwether};

    const TRACE: [u8; 16] = *b"\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36";
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn contains(body: &[u8], part: &[u8]) -> bool {
        body.windows(part.len()).any(|window| window == part)
    }

    fn connect(node: &RunningNode) -> TcpStream {
        TcpStream::connect(node.url.strip_prefix("http://").unwrap()).unwrap()
    }

    /// Publishes a message that is part of a trace, and waits until a subscriber has it.
    fn publish(node: &RunningNode) {
        let mut subscriber = connect(node);
        subscriber
            .write_all(b"GET /v1/subscribe?pattern=events/* HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        read_until(&mut subscriber, "\"subscribed\"");
        let mut publisher = connect(node);
        write!(
            publisher,
            "POST /v1/publish/events/orders:new HTTP/1.1\r\nHost: localhost\r\nTraceparent: {PARENT}\r\nContent-Length: 1\r\n\r\nx"
        )
        .unwrap();
        read_until(&mut publisher, "200 OK");
        read_until(&mut subscriber, "orders:new");
    }

    fn read_until(stream: &mut TcpStream, text: &str) {
        let mut read = Vec::new();
        while !contains(&read, text.as_bytes()) {
            let mut piece = [0; 4096];
            let bytes = stream.read(&mut piece).unwrap();
            assert_ne!(bytes, 0, "it ended before `{text}`: {}", String::from_utf8_lossy(&read));
            read.extend_from_slice(&piece[..bytes]);
        }
    }

    /// Takes one request as a collector does.
    fn take(stream: impl Read + Write) -> Request {
        let mut connection = BufReader::new(stream);
        let request = request(&mut connection).unwrap();
        answer(&mut connection, "200 OK", "");
        request
    }

    #[test]
    fn a_collector_receives_the_spans_of_a_message_when_the_node_stops() {
        let collector = FakeNode::bind();
        let url = collector.url.clone();
        let taking = collector.play(|listener| take(listener.accept().unwrap().0));
        let (node, logged) = RunningNode::start_in(&[
            (ENDPOINT, &url),
            ("OTEL_SERVICE_NAME", "shop-mesh"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
            // Only the stop sends.
            ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ]);
        assert!(logged.concat().contains("traces are exported"), "{logged:?}");
        publish(&node);
        node.signal("-TERM");
        let (code, log) = node.wait();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("exported=2 lost=0"), "{log}");
        let request = taking.join().unwrap();
        assert_eq!(request.first_line, "POST /v1/traces HTTP/1.1");
        assert_eq!(request.content_type.as_deref(), Some("application/x-protobuf"));
        for part in [
            &TRACE[..],
            b"publish events",
            b"deliver events",
            b"events/orders:new",
            b"service.instance.id",
            b"shop-mesh",
            b"deployment.environment.name",
        ] {
            assert!(contains(&request.body, part), "{}", part.escape_ascii());
        }
        // Of the trace that was given there is one span; the other links to it.
        let named = request
            .body
            .windows(TRACE.len())
            .filter(|window| *window == TRACE)
            .count();
        assert_eq!(named, 2);
    }

    /// A server's configuration, and the authority that vouches for it in a file.
    fn certified(authority: &Path) -> ServerConfig {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(authority, issuer.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap()
    }

    #[test]
    fn a_collector_is_reached_over_tls_if_its_authority_is_believed() {
        let directory = tempfile::tempdir().unwrap();
        let [ours, other] = ["ours.pem", "other.pem"].map(|name| directory.path().join(name));
        let config = Arc::new(certified(&ours));
        certified(&other);
        for (believed, timeout, totals) in [
            (&ours, "10000", "exported=2 lost=0"),
            (&other, "500", "exported=0 lost=2"),
        ] {
            let collector = FakeNode::bind();
            let url = collector.url.replace("http:", "https:");
            let (config, is_ours) = (config.clone(), *believed == ours);
            let taking = collector.play(move |listener| {
                let connection = ServerConnection::new(config).unwrap();
                let mut stream = StreamOwned::new(connection, listener.accept().unwrap().0);
                match is_ours {
                    true => assert_eq!(take(stream).first_line, "POST /v1/traces HTTP/1.1"),
                    false => assert!(stream.read(&mut [0]).is_err(), "the certificate is refused"),
                }
            });
            let (node, _) = RunningNode::start_in(&[
                (ENDPOINT, &url),
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", believed.to_str().unwrap()),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", timeout),
                ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
            ]);
            publish(&node);
            node.signal("-TERM");
            let (code, log) = node.wait();
            assert_eq!(code, Some(0), "{log}");
            assert!(log.contains(totals), "{log}");
            taking.join().unwrap();
        }
    }

    #[test]
    fn a_collector_that_is_not_there_costs_the_spans_and_nothing_else() {
        let nobody = FakeNode::bind();
        let url = nobody.url.clone();
        drop(nobody);
        let (node, _) = RunningNode::start_in(&[(ENDPOINT, &url), ("OTEL_EXPORTER_OTLP_TIMEOUT", "100")]);
        publish(&node);
        node.signal("-TERM");
        let (code, log) = node.wait();
        assert_eq!(code, Some(0), "{log}");
        let said = log.matches("the collector does not take spans").count();
        assert_eq!(said, 1, "{log}");
        assert!(log.contains("exported=0 lost=2"), "{log}");
    }
    #[test]
    fn what_cannot_be_followed_is_refused_at_the_start() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().to_str().unwrap();
        let arguments = ["start", "--name", "a", "--http", "127.0.0.1:0", "--data-dir", data_dir];
        let endpoint = (ENDPOINT, "http://127.0.0.1:4317");
        for (variables, words) in [
            (
                &[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")][..],
                "OTEL_EXPORTER_OTLP_PROTOCOL is `grpc`",
            ),
            (&[(ENDPOINT, "localhost:4318")], "such as http://127.0.0.1:4318"),
            (&[(ENDPOINT, "http://[")], "cannot export traces"),
        ] {
            let run = Run::of(bellwether(&arguments).envs(variables.iter().copied()));
            assert_eq!(run.code, Some(2), "{run:?}");
            assert!(run.stderr.contains(words), "{}", run.stderr);
        }
    }
}
