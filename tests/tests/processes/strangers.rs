//! Who does not belong to the mesh: is not let in, hears nothing, and does no harm.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether_tests::deadline::eventually;
use bellwether_tests::{Lab, Process};
use chitchat::transport::UdpTransport;
use chitchat::{ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The cluster's name unless told otherwise, which a stranger may know.
const CLUSTER: &str = "bellwether";
/// Attempts after which a stranger has had its chance.
const ATTEMPTS: u64 = 5;

#[tokio::test]
async fn a_node_with_another_secret_hears_nothing_and_is_named_once() {
    let lab = Lab::default();
    let [a, b, c] = lab.three().await;
    let address = "127.0.0.9";
    let stranger = lab.node("stranger").secret("another secret that is long enough, too");
    let stranger = stranger.listen(format!("{address}:0")).seed(a.mesh()).start().await;
    eventually("it has tried several times", async || {
        (a.client().await.metric("bellwether_strangers_total").await >= ATTEMPTS).then_some(())
    })
    .await;
    let warnings = a.log().lines_with("stranger");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(
        warnings[0].contains("WARN") && warnings[0].contains(&format!("address={address}:")),
        "{warnings:?}"
    );

    // It waits for its first join before it answers.
    let mut hears = stranger.client().await.subscribe(&["events/*"]).await;
    assert_eq!(hears.live(), (1, 1));

    assert_the_mesh_works(&a, &b).await;
    stranger.client().await.publish("events", "of:stranger", "my own").await;
    assert_eq!(hears.message().await.text(), "my own");
    assert_eq!(received(&stranger).await, 0);
    assert_eq!(stranger.members().await.len(), 1);
    for node in [&a, &b, &c] {
        assert_eq!(node.member("stranger").await, None);
        assert_eq!(node.members().await.len(), 3);
    }
}

#[tokio::test]
async fn a_node_without_a_secret_stays_alone() {
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    let refused = lab.node("x").without_secret().seed(a.mesh()).fail().await;
    refused.expect(2, &["--seed", "needs a cluster secret", "bellwether secret new"]);
    let refused = lab.node("x").without_secret().listen("0.0.0.0:0").fail().await;
    refused.expect(2, &["--listen", "needs a cluster secret", "bellwether secret new"]);

    let alone = lab.node("x").without_secret().start().await;
    let warnings = alone.log().lines_with("WARN");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("no secret"), "{warnings:?}");
    let mut hears = alone.client().await.subscribe(&["events/*"]).await;
    a.client().await.publish("events", "t", "of a").await;
    alone.client().await.publish("events", "t", "my own").await;
    let message = hears.message().await;
    assert_eq!((message.text(), message.signed), ("my own", false));
    assert_eq!(alone.members().await.len(), 1);
    assert_eq!(a.members().await.len(), 1);
}

#[tokio::test]
async fn a_bare_chitchat_node_is_not_answered() {
    let lab = Lab::default();
    let [a, b, c] = lab.three().await;
    // The first bits of what chitchat says are those of a QUIC packet, so nodes do not count it as foreign.
    let (between, handed_on) = handing_on(a.mesh());
    let chitchat = gossip(between).await;
    eventually("it has gossiped several times", async || {
        (handed_on.load(Ordering::SeqCst) >= ATTEMPTS).then_some(())
    })
    .await;

    assert_the_mesh_works(&a, &b).await;
    let known = chitchat.with_chitchat(|chitchat| chitchat.node_states().len()).await;
    assert_eq!(known, 1, "it knows itself only");
    for node in [&a, &b, &c] {
        assert_eq!(node.members().await.len(), 3);
        assert_eq!(node.log().lines_with("stranger"), [""; 0]);
    }
    chitchat.abort();
}

/// An address from which every datagram is handed on to a node, and how many have been.
fn handing_on(node: SocketAddr) -> (SocketAddr, Arc<AtomicU64>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UdpSocket::from_std(socket).unwrap();
    let (address, count) = (socket.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        let mut datagram = vec![0; 65_536];
        while let Ok((bytes, from)) = socket.recv_from(&mut datagram).await {
            // Answers of the node are nobody's business.
            if from != node && socket.send_to(&datagram[..bytes], node).await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (address, count)
}

/// A program that gossips in the clear, and knows the cluster's name and an address.
async fn gossip(seed: SocketAddr) -> ChitchatHandle {
    let own = bellwether_tests::port::free_on(&[IpAddr::from([127, 0, 0, 1])]);
    let own = SocketAddr::from(([127, 0, 0, 1], own));
    let config = ChitchatConfig {
        chitchat_id: ChitchatId::new("bare", 1, own),
        cluster_id: CLUSTER.to_owned(),
        gossip_interval: Duration::from_millis(50),
        listen_addr: own,
        seed_nodes: vec![seed.to_string()],
        failure_detector_config: FailureDetectorConfig::default(),
        marked_for_deletion_grace_period: Duration::from_secs(60),
        catchup_callback: None,
        extra_liveness_predicate: None,
    };
    chitchat::spawn_chitchat(config, Vec::new(), &UdpTransport)
        .await
        .unwrap()
}

#[tokio::test]
async fn garbage_does_no_harm() {
    let lab = Lab::default();
    let [a, b, _c] = lab.three().await;

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    for n in 0..2_000_u32 {
        // Every first byte, so also those that look like QUIC, and lengths up to a full datagram.
        let datagram: Vec<u8> = (0..n % 1_400).map(|i| (n + i * 31) as u8).collect();
        // What the system drops is no garbage that could harm.
        let _ = socket.send_to(&datagram, a.mesh());
    }
    eventually("the datagrams are counted", async || {
        (a.client().await.metric("bellwether_foreign_datagrams_total").await > 100).then_some(())
    })
    .await;

    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        &[0xff; 100_000],
    ] {
        let mut connection = TcpStream::connect(a.http()).await.unwrap();
        // The node may have had enough before it has read all.
        let _ = connection.write_all(garbage).await;
        let _ = connection.shutdown().await;
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }

    assert_the_mesh_works(&a, &b).await;
    assert_eq!(a.members().await.len(), 3);
    let loud = |line: &String| line.contains("ERROR") || line.contains("panic");
    assert_eq!(a.log().text().lines().map(str::to_owned).find(loud), None);
}

/// What is published on one arrives on the other.
async fn assert_the_mesh_works(a: &Process, b: &Process) {
    let mut on_b = b.client().await.subscribe(&["events/*"]).await;
    assert_eq!(on_b.live(), (3, 3));
    let mut publisher = a.client().await;
    for number in 0..100 {
        publisher.publish("events", "of:a", number.to_string()).await;
    }
    for number in 0..100 {
        assert_eq!(on_b.message().await.text(), number.to_string());
    }
}

/// Messages that this node has accepted from others.
async fn received(node: &Process) -> u64 {
    let instances: Vec<Value> = node.client().await.list("/v1/instances").await;
    instances
        .iter()
        .map(|instance| instance["received"].as_u64().unwrap())
        .sum()
}
