//! The body of a request: read whole, within bounds of size and time.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use serde::Deserialize;

use crate::error::{ApiError, Reason};

/// A client has this long to send a payload.
const BODY_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// So much of a body that is too large is still read: what any node may be configured to take.
const DISCARD_BYTES: u64 = bellwether::MAX_PAYLOAD_BYTES as u64;
/// Characters at either end of what the parser says; in the middle it repeats what was given, whole.
const WORDS_CHARS: usize = 100;
/// A client that sends nothing for so long has stopped sending.
const DISCARD_IDLE: Duration = Duration::from_millis(300);
/// The whole body, if it is no larger than `limit`. One that says its size is judged before a byte is read.
pub(crate) async fn read_within(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let said = body.size_hint().lower();
    let reading = async {
        let read = match said > limit as u64 {
            true => Err(too_large(format_args!("{said}"), limit)),
            false => collect_within(&mut body, limit).await,
        };
        if matches!(&read, Err(err) if err.reason() == Reason::TooLarge) && said <= DISCARD_BYTES {
            discard(&mut body).await;
        }
        read
    };
    match tokio::time::timeout(BODY_READ_TIMEOUT, reading).await {
        Ok(payload) => payload,
        Err(_) => {
            let words = format!("the body did not arrive within {} s", BODY_READ_TIMEOUT.as_secs());
            Err(ApiError::new(Reason::SlowBody, words))
        }
    }
}

/// Reads on and forgets, so that the answer is heard: a client that is still sending when the connection closes sees a
/// reset instead. One that is not sending waits for the answer: it gets it.
async fn discard(body: &mut Body) {
    let mut bytes = 0;
    let mut next = async || {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
        tokio::time::timeout(DISCARD_IDLE, frame).await
    };
    while let Ok(Some(Ok(frame))) = next().await {
        bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
        if bytes > DISCARD_BYTES {
            return;
        }
    }
}

async fn collect_within(body: &mut Body, limit: usize) -> Result<Bytes, ApiError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        let frame = frame.map_err(|err| ApiError::new(Reason::BadBody, format!("the body broke off: {err}")))?;
        let Ok(piece) = frame.into_data() else {
            continue; // Trailers say nothing that we use.
        };
        let bytes = first.len() + rest.len() + piece.len();
        if bytes > limit {
            return Err(too_large(format_args!("at least {bytes}"), limit));
        }
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    // Most payloads are one piece and are not copied.
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

pub(crate) fn too_large(bytes: std::fmt::Arguments<'_>, limit: usize) -> ApiError {
    let words = format!("the payload has {bytes} bytes; this instance takes at most {limit} (`max_payload_bytes`)");
    ApiError::new(Reason::TooLarge, words)
}

/// The body as JSON, whatever its Content-Type says: a path that takes nothing else need not be told.
pub(crate) fn parse_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|err| {
        let reason = match err.classify() {
            serde_json::error::Category::Data => Reason::BadField,
            _ => Reason::BadJson,
        };
        let words = cut(&err.to_string());
        ApiError::new(reason, format!("the body is not the JSON that belongs here: {words}"))
    })
}

/// What the parser says, cut in the middle: what was given stands there, what would be right at the end.
pub(crate) fn cut(words: &str) -> String {
    let count = words.chars().count();
    if count <= 2 * WORDS_CHARS {
        return words.to_owned();
    }
    let head = words.chars().take(WORDS_CHARS);
    let tail = words.chars().skip(count - WORDS_CHARS);
    head.chain(['…']).chain(tail).collect()
}
