use std::time::Duration;

use bellwether_gateway::Gateway;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::served::{Served, soon, until};

#[tokio::test]
async fn garbage_does_no_harm() {
    let served = Served::start().await;
    let tls_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let long_line = format!("GET /{} HTTP/1.1\r\n", "x".repeat(300_000));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(1000));
    for garbage in [
        &b"\0\x01\x02\xff\xfe\r\n\r\n"[..],
        tls_hello,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: -1\r\n\r\n",
        long_line.as_bytes(),
        many_headers.as_bytes(),
    ] {
        let mut stream = TcpStream::connect(served.addr).await.unwrap();
        // The connection may be closed before everything is written.
        let _ = stream.write_all(garbage).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = soon(stream.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(served.client().await.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for _ in 0..100 {
        assert_eq!(client.post("/v1/publish/events/t", "text/plain", "x").await.status, 200);
    }
    assert_eq!(served.node.instances()[0].published, 100);
}

#[tokio::test]
async fn a_taken_address_is_named_with_a_way_out() {
    let first = Gateway::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = first.local_addr().unwrap();
    let err = Gateway::bind(addr).unwrap_err().to_string();
    assert_eq!(
        err,
        format!("{addr} is already in use: another node or program listens there; choose another with --http")
    );
    let err = Gateway::bind("192.0.2.1:7480".parse().unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        err.starts_with("192.0.2.1:7480 is not an address of this host"),
        "{err}"
    );
}

#[tokio::test]
async fn clients_above_the_limit_are_told_and_served_again_later() {
    let served = Served::start_with(|_| {}, |gateway| gateway.max_connections(2)).await;
    let first = served.client().await.subscribe("pattern=alerts/*").await;
    let _second = served.client().await.subscribe("pattern=alerts/*").await;
    let answer = served.client().await.get("/healthz").await;
    answer.expect_error(503, "too_many_connections", "2 clients are connected");
    drop(first);
    until("a place is free", || served.node.subscribers(None, None).len() == 1).await;
    soon(async {
        while served.client().await.get("/healthz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_header_that_does_not_arrive_is_not_waited_for() {
    let served = Served::start().await;
    let started = tokio::time::Instant::now();
    let mut stream = TcpStream::connect(served.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nho").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_stopped_gateway_takes_no_more_and_does_not_wait_for_idle_clients() {
    let served = Served::start().await;
    let mut idle = served.client().await;
    assert_eq!(idle.get("/healthz").await.status, 200);
    let _never_spoke = TcpStream::connect(served.addr).await.unwrap();
    served.stop.cancel();
    soon(served.serving).await.unwrap().unwrap();
    assert!(TcpStream::connect(served.addr).await.is_err());
}

#[tokio::test]
async fn a_stopped_gateway_cuts_streams_that_do_not_end() {
    let served = Served::start().await;
    let _lines = served.client().await.subscribe("pattern=alerts/*").await;
    served.stop.cancel();
    let started = std::time::Instant::now();
    soon(served.serving).await.unwrap().unwrap();
    assert!(started.elapsed() >= Duration::from_secs(2));
    assert!(served.node.subscribers(None, None).is_empty());
}

#[tokio::test]
async fn a_gateway_stops_at_once_after_its_node() {
    let served = Served::start().await;
    let mut lines = served.client().await.subscribe("pattern=alerts/*").await;
    served.node.shutdown().await;
    served.stop.cancel();
    let started = std::time::Instant::now();
    assert_eq!(lines.next().await, None);
    soon(served.serving).await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
}
