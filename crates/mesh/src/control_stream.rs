//! Control frames over a QUIC stream.

use std::time::Duration;

use bellwether_message::codec::{BorrowDecode, Encode};
use bellwether_protocol::control::{self, MAX_FRAME};
use quinn::{RecvStream, SendStream};
use tokio::sync::mpsc;

/// Control frames read and not yet handled; when full, the stream is read no further.
const INBOX: usize = 64;
/// A control frame that the peer does not take within this time means that the link is dead.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// Writes one frame. Not cancel safe: await it to its end.
pub(crate) async fn write<T: Encode>(stream: &mut SendStream, frame: &T) -> Result<(), ControlError> {
    let bytes = control::encode(frame).ok_or(ControlError::Malformed)?;
    let written = tokio::time::timeout(WRITE_WITHIN, stream.write_all(&bytes)).await;
    written.map_err(|_| ControlError::Stuck)?.map_err(ControlError::Write)
}

/// Reads one frame of at most `limit` bytes. Not cancel safe: if dropped, the stream must not be read on.
pub(crate) async fn read<T: for<'a> BorrowDecode<'a, ()>>(
    stream: &mut RecvStream,
    limit: usize,
) -> Result<T, ControlError> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).await?;
    let len = u32::from_le_bytes(len) as usize;
    if len > limit {
        return Err(ControlError::Malformed);
    }
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).await?;
    control::decode(&bytes).ok_or(ControlError::Malformed)
}

/// Reads frames into a channel, whose receiver can be awaited in a `select!`, until the stream or the receiver ends.
pub(crate) async fn pump<T: for<'a> BorrowDecode<'a, ()> + Send>(
    mut stream: RecvStream,
    inbox: mpsc::Sender<T>,
) -> Result<(), ControlError> {
    loop {
        let frame = read(&mut stream, MAX_FRAME).await?;
        if inbox.send(frame).await.is_err() {
            return Ok(());
        }
    }
}

/// The channel for [`pump`].
pub(crate) fn inbox<T>() -> (mpsc::Sender<T>, mpsc::Receiver<T>) {
    mpsc::channel(INBOX)
}

/// Why a control stream has ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error("a control frame is malformed or too long")]
    Malformed,
    #[error("the peer does not take control frames")]
    Stuck,
    #[error("the control stream cannot be written")]
    Write(#[source] quinn::WriteError),
    #[error("the control stream has ended")]
    Read(#[from] quinn::ReadExactError),
}
