//! `POST /v1/publish` with lines of JSON: many messages in one request, each answered by a line.
//!
//! The body is NDJSON, `Content-Type: application/x-ndjson`, one [message](crate::message_line) per line; `wait`, `confirm`
//! and `confirm_within` in the query are for each line that does not say otherwise. The answer is NDJSON, in the order of
//! the lines:
//!
//! | line | |
//! | --- | --- |
//! | `{"id"}`, with a confirmation as in [`publish`](crate::publish) | the message is published |
//! | `{"line","error","reason"}` | it is not, which stops nothing; `line` counts from 1, empty lines too |
//! | `{"error","reason"}` | the batch is over here: the body broke off, or its client may not go on |
//! | `{"done":{"published","failed"}}` | the last line of a batch that came to its end |
//!
//! An answer repeats the `ref` of its message. The status is 200 as soon as the batch begins.
//!
//! Nothing is kept of a batch but the line that is being read and the messages that wait for confirmations, so a body has
//! no bound. A client must read while it writes: one that does not take its answers is read no further. One that is idle may
//! stay as long as its connection.

mod lines;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_core::Stream;
use serde::Serialize;

use self::lines::{Line, Lines};
use crate::api::Api;
use crate::assurance::Wanted;
use crate::client::Client;
use crate::error::{ApiError, ErrorJson, Reason};
use crate::message_line::{MAX_REF_BYTES, MessageLine};
use crate::publishing::{Outcome, Publishing};
use crate::trace_context::TraceContext;
use crate::watch::ClientWatch;
use bellwether_delivery::Published;

/// A chunk of answers is sent once it has this many bytes, or nothing more is ready.
const CHUNK_BYTES: usize = 16 * 1024;

/// Answers with a stream that publishes as it is read.
pub(crate) fn publish(
    api: Api,
    client: Client,
    wanted: Wanted,
    trace_context: TraceContext,
    body: Body,
) -> Result<Response, ApiError> {
    wanted.assurance()?;
    let batch = Batch {
        lines: Lines::new(api.max_line_bytes()),
        body: Some(body),
        wanted,
        trace_context,
        publishing: Publishing::default(),
        tally: Tally::default(),
        watch: ClientWatch::new(client),
        has_ended: false,
        chunk: Vec::new(),
        api,
    };
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(batch)).into_response())
}

struct Batch {
    api: Api,
    watch: ClientWatch,
    wanted: Wanted,
    trace_context: TraceContext,
    /// Until it has ended.
    body: Option<Body>,
    lines: Lines,
    publishing: Publishing<Label>,
    tally: Tally,
    has_ended: bool,
    chunk: Vec<u8>,
}

/// What the client knows a message by.
#[derive(Debug)]
struct Label {
    line: u64,
    reference: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Tally {
    published: u64,
    failed: u64,
}

/// The line of a message.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(flatten)]
    published: Option<Published<'a>>,
    #[serde(flatten)]
    error: Option<ErrorJson<'a>>,
}

#[derive(Serialize)]
struct Done {
    done: Tally,
}

impl Batch {
    /// Publishes what is there, and writes what is known, until the chunk is full or nothing more is.
    fn fill(&mut self, context: &mut Context<'_>) {
        while self.chunk.len() < CHUNK_BYTES && !self.has_ended {
            if let Poll::Ready((label, outcome)) = self.publishing.poll_first(context) {
                self.answer(label, &outcome);
                continue;
            }
            if !self.publishing.has_room() {
                self.publishing.poll_last(context);
                if !self.publishing.has_room() {
                    return;
                }
            }
            if let Some((number, line)) = self.lines.next() {
                self.begin(context, number, line);
                continue;
            }
            let Some(body) = &mut self.body else {
                // What is under way wakes us.
                if self.publishing.is_empty() {
                    self.write(&Done { done: self.tally });
                    self.has_ended = true;
                }
                return;
            };
            match Pin::new(body).poll_frame(context) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.lines.push(&data);
                    }
                }
                Poll::Ready(Some(Err(err))) => {
                    self.end(&ApiError::new(Reason::BadBody, format!("the body broke off: {err}")));
                }
                Poll::Ready(None) => {
                    self.body = None;
                    self.lines.end();
                }
            }
        }
    }

    fn begin(&mut self, context: &mut Context<'_>, number: u64, line: Line) {
        let mut reference = None;
        let outgoing = match line {
            Line::TooLong { limit } => {
                let words = format!("the line has more than {limit} bytes, the most this node reads");
                Err(ApiError::new(Reason::TooLarge, words))
            }
            Line::Whole(text) => MessageLine::parse(&text).and_then(|mut line| {
                reference = line.reference.take();
                check_ref(reference.as_deref())?;
                let mut outgoing = line.outgoing(&self.wanted)?;
                self.trace_context.give_to(&mut outgoing.draft.headers);
                Ok(outgoing)
            }),
        };
        // One that is too long is not repeated either.
        let reference = reference.filter(|reference| reference.len() <= MAX_REF_BYTES);
        let label = Label {
            line: number,
            reference,
        };
        self.publishing
            .begin(context, label, outgoing, (&self.api, self.watch.client()));
    }

    fn answer(&mut self, label: Label, outcome: &Outcome) {
        let is_published = outcome.is_ok();
        match is_published {
            true => self.tally.published += 1,
            false => self.tally.failed += 1,
        }
        self.write(&Answer {
            line: (!is_published).then_some(label.line),
            reference: label.reference,
            published: outcome.as_ref().ok().map(|assured| assured.published()),
            error: outcome.as_ref().err().map(ApiError::json),
        });
    }

    /// Ends early, after what was already answered.
    fn end(&mut self, err: &ApiError) {
        self.write(&err.json());
        self.has_ended = true;
    }

    fn write(&mut self, value: &impl Serialize) {
        // These forms are always JSON.
        if serde_json::to_writer(&mut self.chunk, value).is_ok() {
            self.chunk.push(b'\n');
        }
    }
}

/// What a message is known by.
pub(crate) fn check_ref(reference: Option<&str>) -> Result<(), ApiError> {
    match reference {
        Some(text) if text.len() > MAX_REF_BYTES => {
            let words = format!("`ref` has {} bytes; at most {MAX_REF_BYTES} are allowed", text.len());
            Err(ApiError::new(Reason::BadId, words))
        }
        _ => Ok(()),
    }
}

impl Stream for Batch {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.has_ended
            && let Poll::Ready(err) = self.watch.poll_ended(context)
        {
            self.end(&err);
        }
        self.fill(context);
        match (self.chunk.is_empty(), self.has_ended) {
            (false, _) => Poll::Ready(Some(Ok(std::mem::take(&mut self.chunk).into()))),
            (true, true) => Poll::Ready(None),
            (true, false) => Poll::Pending,
        }
    }
}
