//! A proxy that cuts each connection after so many bytes of the answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) struct Cutter {
    pub(crate) url: String,
    cuts: Arc<AtomicU64>,
    _accepting: JoinSet<()>,
}

impl Cutter {
    /// Cuts the first connections, this many bytes into what comes back; further ones are left alone.
    pub(crate) async fn start(upstream: SocketAddr, limits: Vec<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cuts = Arc::new(AtomicU64::new(0));
        let mut accepting = JoinSet::new();
        let counted = Arc::clone(&cuts);
        accepting.spawn(async move {
            let mut limits = limits.into_iter();
            let mut connections = JoinSet::new();
            loop {
                let (down, _) = listener.accept().await.unwrap();
                let limit = limits.next();
                let counted = Arc::clone(&counted);
                connections.spawn(async move {
                    forward(down, upstream, limit.unwrap_or(usize::MAX)).await;
                    counted.fetch_add(u64::from(limit.is_some()), Ordering::Relaxed);
                });
            }
        });
        Self {
            url,
            cuts,
            _accepting: accepting,
        }
    }

    /// How many connections are cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

async fn forward(down: TcpStream, upstream: SocketAddr, limit: usize) {
    let up = TcpStream::connect(upstream).await.unwrap();
    let (mut down_read, mut down_write) = down.into_split();
    let (mut up_read, mut up_write) = up.into_split();
    let mut buffer = [0; 512];
    let answers = async {
        let mut left = limit;
        while left > 0 {
            let most = left.min(buffer.len());
            match up_read.read(&mut buffer[..most]).await {
                Ok(bytes @ 1..) if down_write.write_all(&buffer[..bytes]).await.is_ok() => left -= bytes,
                _ => return,
            }
        }
    };
    let requests = copy(&mut down_read, &mut up_write);
    tokio::select! {
        () = answers => {}
        _ = requests => {}
    }
}
