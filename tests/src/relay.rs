//! A relay: stands between the program and a node, and counts what the node acknowledges.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// Hands all bytes on to a node and back. Once the node is dead, connections to it are closed.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    acknowledged: Arc<AtomicU64>,
}

impl Relay {
    /// A relay to a node's HTTP address.
    pub async fn to(node: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let acknowledged = Arc::new(AtomicU64::new(0));
        let relay = Self {
            address: listener.local_addr().expect("a listener has an address"),
            acknowledged: acknowledged.clone(),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(node) = TcpStream::connect(node).await {
                    tokio::spawn(hand_on(client, node, acknowledged.clone()));
                }
            }
        });
        relay
    }

    /// What `--node` takes.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many answers said yes.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }
}

/// Ends when either end does.
async fn hand_on(client: TcpStream, node: TcpStream, acknowledged: Arc<AtomicU64>) -> std::io::Result<()> {
    // Without it, two small pieces of one request wait for each other's acknowledgement.
    client.set_nodelay(true)?;
    node.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_node, mut to_node) = node.into_split();
    tokio::spawn(async move { copy(&mut from_client, &mut to_node).await });
    let mut piece = Vec::new();
    while from_node.read_buf(&mut piece).await? > 0 {
        // The program asks one thing after the other, so a piece that begins like an answer is one.
        let is_yes = piece.starts_with(b"HTTP/1.1 200 OK");
        acknowledged.fetch_add(is_yes.into(), Ordering::SeqCst);
        to_client.write_all(&piece).await?;
        piece.clear();
    }
    Ok(())
}
