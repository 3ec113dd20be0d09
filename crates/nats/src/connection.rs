//! The connection of one client: bytes in, bytes out, and time.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Hold};
use crate::ready::Ready;

/// How often a client's time, rights and pings are looked at.
const TICK: Duration = Duration::from_millis(500);
/// Room for one reading; a larger message has as much as it needs.
const READ_BYTES: usize = 64 * 1024;
/// A buffer that a large message has left behind is given back.
const MAX_KEPT_BYTES: usize = 4 * READ_BYTES;
/// A client that is told to go has so long to take the last words.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(2);

/// Serves a client until one of both ends it. When `stop` is cancelled it is told so, and is left `leave_after` that.
pub(crate) async fn serve<R, W>(
    mut client: Client,
    mut read: R,
    mut write: W,
    mut urls: UrlsWatch,
    stop: CancellationToken,
    leave_after: Duration,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let ready = client.ready();
    let mut input = BytesMut::with_capacity(READ_BYTES);
    let mut hold: Option<Hold> = None;
    let mut is_flushed = true;
    let mut leaving = None;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A client that does not read fills its own buffer, up to its limit, so that the node's queues stay empty.
    let is_blocked = AtomicBool::new(false);
    loop {
        let has_enough = client.has_enough();
        if !has_enough || is_blocked.load(Ordering::Relaxed) {
            client.pump();
        }
        if client.is_closing() {
            break;
        }
        if input.capacity() - input.len() < READ_BYTES / 4 {
            input.reserve(READ_BYTES);
        }
        tokio::select! {
            got = read.read_buf(&mut input), if hold.is_none() => match got {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    hold = client.on_input(&mut input);
                    if input.is_empty() && input.capacity() > MAX_KEPT_BYTES {
                        input = BytesMut::with_capacity(READ_BYTES);
                    }
                }
            },
            written = push(&mut write, client.pending(), &is_blocked), if !is_flushed || !client.pending().is_empty() => match written {
                Ok(bytes) => {
                    is_flushed = bytes == 0;
                    client.on_written(bytes);
                }
                Err(_) => return,
            },
            () = more(&ready, has_enough, &is_blocked) => {}
            () = released(&mut hold), if hold.is_some() => hold = client.on_input(&mut input),
            _ = ticks.tick() => client.on_tick(),
            Ok(()) = urls.changed() => client.on_news(),
            () = stop.cancelled(), if leaving.is_none() => {
                client.on_leaving();
                leaving = Some(Box::pin(sleep(leave_after)));
            }
            () = until(&mut leaving), if leaving.is_some() => client.close(),
        }
    }
    let _ = timeout(LAST_WORDS_WITHIN, end(&mut client, read, write)).await;
}

/// What tells that the addresses of other nodes have changed.
pub(crate) type UrlsWatch = tokio::sync::watch::Receiver<crate::house::Urls>;

/// Writes some of it, or what was written before as far as it still waits in the stream; notes whether that had to wait.
/// Cancel safe.
async fn push<W: AsyncWrite + Unpin>(write: &mut W, bytes: &[u8], is_blocked: &AtomicBool) -> io::Result<usize> {
    if bytes.is_empty() {
        write.flush().await?;
        return Ok(0);
    }
    let written = poll_fn(|context| {
        let polled = Pin::new(&mut *write).poll_write(context, bytes);
        let was_blocked = is_blocked.swap(polled.is_pending(), Ordering::Relaxed);
        if polled.is_pending() && !was_blocked {
            // Who waits for this looks again.
            context.waker().wake_by_ref();
        }
        polled
    });
    match written.await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        written => Ok(written),
    }
}

/// Waits for deliveries; where enough waits to be written, only once the socket takes no more of it. Cancel safe.
async fn more(ready: &Ready, has_enough: bool, is_blocked: &AtomicBool) {
    let mut some = pin!(ready.some());
    poll_fn(|context| match has_enough && !is_blocked.load(Ordering::Relaxed) {
        true => Poll::Pending,
        false => some.as_mut().poll(context),
    })
    .await;
}

/// Cancel safe.
async fn released(hold: &mut Option<Hold>) {
    if let Some(hold) = hold {
        hold.await;
    }
}

/// Cancel safe.
async fn until(sleep: &mut Option<Pin<Box<tokio::time::Sleep>>>) {
    if let Some(sleep) = sleep {
        sleep.await;
    }
}

/// Writes what waits, and then reads on until the client has gone too: what it had still said would otherwise take our last
/// words from it.
async fn end<R, W>(client: &mut Client, mut read: R, mut write: W)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    while !client.pending().is_empty() {
        match push(&mut write, client.pending(), &AtomicBool::new(false)).await {
            Ok(bytes) => client.on_written(bytes),
            Err(_) => return,
        }
    }
    if write.flush().await.is_err() || write.shutdown().await.is_err() {
        return;
    }
    let mut rest = vec![0; READ_BYTES];
    while matches!(read.read(&mut rest).await, Ok(1..)) {}
}
