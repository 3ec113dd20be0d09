//! A relay: stands between the program and a node, and counts the messages that the node acknowledges.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// What the answer to a message that is published begins with.
const ACKNOWLEDGEMENT: &[u8] = b"{\"id\":";

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

    /// How many messages of batches are published, by the answers that were handed on.
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
    let mut received = Vec::new();
    while from_node.read_buf(&mut received).await? > 0 {
        // Up to the end of a line, so that no answer is handed on in part and none is counted that is not handed on.
        let whole = received
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let lines = received[..whole].split(|byte| *byte == b'\n');
        let published = lines.filter(|line| line.starts_with(ACKNOWLEDGEMENT)).count();
        to_client.write_all(&received[..whole]).await?;
        acknowledged.fetch_add(published as u64, Ordering::SeqCst);
        received.drain(..whole);
    }
    Ok(())
}
