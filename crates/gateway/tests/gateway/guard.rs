use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::served::{Served, soon};

#[tokio::test]
async fn a_name_that_dns_could_answer_is_no_host_of_ours() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for path in ["/", "/v1/members", "/nothing"] {
        let answer = client.send("GET", path, &[("host", "evil.example:7480")], "").await;
        answer.expect_error(421, "bad_host", "must be an IP address or localhost");
    }
    let answer = client
        .send("POST", "/v1/publish/alerts/t", &[("host", "evil.example")], "x")
        .await;
    answer.expect_error(421, "bad_host", "must be an IP address or localhost");
    for (method, path) in [
        ("PUT", "/v1/integration"),
        ("POST", "/v1/broadcast/alert"),
        ("POST", "/v1/messages/alerts/SystemAlert"),
        ("POST", "/v1/alerts/x/acknowledge"),
        ("PUT", "/v1/thresholds/x"),
        ("DELETE", "/v1/thresholds/x"),
    ] {
        let answer = client
            .send(method, path, &[("host", "evil.example")], r#"{"enabled":true}"#)
            .await;
        answer.expect_error(421, "bad_host", "must be an IP address or localhost");
    }
    assert!(!served.node.integration().enabled());
    let twice = client
        .send("GET", "/", &[("host", "127.0.0.1"), ("host", "evil.example")], "")
        .await;
    twice.expect_error(421, "bad_host", "exactly one Host");
    for host in ["localhost:1", "127.0.0.1", "[::1]:7480", "192.168.1.7:7480"] {
        assert_eq!(
            client.send("GET", "/healthz", &[("host", host)], "").await.status,
            200,
            "{host}"
        );
    }
    assert_eq!(served.node.instances()[5].published, 0);
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let answer = client
            .send("POST", "/v1/publish/alerts/t", &[("origin", origin)], "x")
            .await;
        answer.expect_error(403, "bad_origin", "another origin");
        let answer = client
            .send("PUT", "/v1/integration", &[("origin", origin)], r#"{"enabled":true}"#)
            .await;
        answer.expect_error(403, "bad_origin", "another origin");
        for (method, body) in [
            ("PUT", r#"{"metric_name":"m","kind":"max","warning":1}"#),
            ("DELETE", ""),
        ] {
            let answer = client
                .send(method, "/v1/thresholds/kept", &[("origin", origin)], body)
                .await;
            answer.expect_error(403, "bad_origin", "another origin");
        }
    }
    assert!(!served.node.integration().enabled());
    assert_eq!(served.node.instances()[5].published, 0);
    let own = format!("http://{}", served.addr);
    assert_eq!(
        client
            .send("POST", "/v1/publish/alerts/t", &[("origin", &own)], "x")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn the_host_in_the_request_line_counts_too_and_one_must_be_given() {
    let served = Served::start().await;
    for request in [
        "GET http://evil.example/healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(served.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.contains(" 421 ") && answer.contains("bad_host"), "{answer}");
    }
}
