//! Publishing many messages with one request.

use std::num::NonZeroU16;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bellwether_message::{ContentType, DEFAULT_EVENT, Draft, HeadersView, Instance, MessageId, NodeId};
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::assurance::Assurance;
use crate::client::{Client, Repeat};
use crate::connection::Connection;
use crate::error::CallError;
use crate::publish::{PeerOutcome, PublishError, Published};
use crate::query::Path;

/// Longest answer to one message. One that names 256 peers has about 25 KiB.
const ANSWER_LINE_BYTES: usize = 1024 * 1024;

/// A text of so many bytes has, as JSON, less than the 64 KiB that a node takes in a line beside the largest payload.
const SHORT_BYTES: usize = 8 * 1024;

/// What became of a batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct Batch {
    /// What became of each message, in their order, as far as that is known.
    pub outcomes: Vec<Result<Published, PublishError>>,
    /// Why no more is known: of the messages that `outcomes` says nothing of, each was published or not as far as this
    /// error says. None if all were answered.
    pub failure: Option<PublishError>,
}

impl Client {
    /// Publishes messages in their order, with one request, and returns once the node has answered for all of them. One
    /// that is refused does not stop the others.
    ///
    /// A message costs a small part of what it costs by [`publish`](Self::publish); how many there may be has no bound but
    /// the memory of this program, which holds all of them as JSON. The node takes them one after the other. Never sent
    /// twice, and dropping the future may leave any of them published or not.
    ///
    /// ```no_run
    /// use bellwether_client::{Assurance, Client, Draft, Instance, Topic};
    ///
    /// # async fn run(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let topic = Topic::new("orders:new")?;
    /// let drafts = (1..=100).map(|n| Draft::new(topic.clone(), "order").json(format!(r#"{{"n":{n}}}"#)));
    /// let orders: Vec<(Instance, Draft)> = drafts.map(|draft| (Instance::Events, draft)).collect();
    /// let batch = client.publish_batch(&orders, &Assurance::default()).await;
    /// let published = batch.outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    /// println!("{published} of {}", orders.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish_batch(&self, messages: &[(Instance, Draft)], assurance: &Assurance) -> Batch {
        let mut lines = Vec::new();
        let mut unsent = Vec::with_capacity(messages.len());
        for (instance, draft) in messages {
            let checked = draft.check(usize::MAX);
            if checked.is_ok() {
                write_line(&mut lines, *instance, draft);
            }
            unsent.push(checked.err().map(|source| PublishError::Draft { source }));
        }
        let mut outcomes = Outcomes::new(unsent);
        let answered = self.publish_lines(lines.into(), assurance, &mut outcomes).await;
        let failure = match answered {
            Ok(()) if !outcomes.are_complete() => Some(PublishError::of(self.not_a_nodes_json())),
            answered => answered.err(),
        };
        Batch {
            outcomes: outcomes.known,
            failure,
        }
    }

    /// One message, as JSON: what headers of HTTP cannot carry.
    pub(crate) async fn publish_in_batch(
        &self,
        instance: Instance,
        draft: &Draft,
        assurance: &Assurance,
    ) -> Result<Published, PublishError> {
        let mut batch = self.publish_batch(&[(instance, draft.clone())], assurance).await;
        match (batch.outcomes.pop(), batch.failure) {
            (Some(outcome), _) => outcome,
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(PublishError::of(self.not_a_nodes_json())),
        }
    }

    async fn publish_lines(
        &self,
        lines: Bytes,
        assurance: &Assurance,
        outcomes: &mut Outcomes,
    ) -> Result<(), PublishError> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut query = Path::new("/v1/publish").query();
        assurance.add_to(&mut query);
        let request = Request::post(query.as_str()).header(CONTENT_TYPE, "application/x-ndjson");
        let usual = self.settings().answer_timeout;
        let (mut lease, response) = self
            .send(request, lines, usual, Repeat::Never)
            .await
            .map_err(PublishError::of)?;
        let connection = lease.begin();
        if response.status() != StatusCode::OK {
            return Err(PublishError::of(connection.refusal(response, usual).await));
        }
        read_answers(connection, response.into_body(), usual + assurance.longest(), outcomes).await?;
        lease.end();
        Ok(())
    }
}

/// Until the batch is over, with at most so long between two answers.
async fn read_answers(
    connection: &Connection,
    mut body: Incoming,
    longest: Duration,
    outcomes: &mut Outcomes,
) -> Result<(), PublishError> {
    let mut received = BytesMut::new();
    loop {
        let frame = match timeout(longest, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(err))) => return Err(PublishError::of(connection.lost(&err))),
            Ok(None) => return Ok(()),
            Err(_) => return Err(PublishError::of(connection.silent(longest))),
        };
        let Ok(data) = frame.into_data() else { continue };
        let mut searched = received.len();
        received.extend_from_slice(&data);
        while let Some(end) = end_of_line(&received, searched) {
            let line = received.split_to(end);
            received.advance(1);
            searched = 0;
            match serde_json::from_slice::<Answer>(&line) {
                Ok(answer) => outcomes.take(answer)?,
                Err(_) => return Err(PublishError::of(connection.not_a_node("a line that is no answer"))),
            }
        }
        if received.len() > ANSWER_LINE_BYTES {
            return Err(PublishError::of(connection.not_a_node("an answer without end")));
        }
    }
}

/// Where the first line ends, of which this many bytes are known to have no end.
fn end_of_line(received: &[u8], searched: usize) -> Option<usize> {
    let unsearched = received.get(searched..)?;
    unsearched
        .iter()
        .position(|byte| *byte == b'\n')
        .map(|end| searched + end)
}

/// What is known so far.
struct Outcomes {
    known: Vec<Result<Published, PublishError>>,
    /// For each message that is not known yet: why it is not sent, if it is not.
    unsent: std::vec::IntoIter<Option<PublishError>>,
}

impl Outcomes {
    fn new(unsent: Vec<Option<PublishError>>) -> Self {
        let mut outcomes = Self {
            known: Vec::with_capacity(unsent.len()),
            unsent: unsent.into_iter(),
        };
        outcomes.pass_unsent();
        outcomes
    }

    /// Those of which nothing is sent have no answer.
    fn pass_unsent(&mut self) {
        while let Some(Some(_)) = self.unsent.as_slice().first() {
            self.known.extend(self.unsent.next().flatten().map(Err));
        }
    }

    fn are_complete(&self) -> bool {
        self.unsent.as_slice().is_empty()
    }

    fn take(&mut self, answer: Answer) -> Result<(), PublishError> {
        if answer.done.is_some() {
            return Ok(());
        }
        let refusal = || {
            let (reason, words) = (answer.reason.as_deref(), answer.error.as_deref());
            CallError::refused_line(reason.unwrap_or_default(), words.unwrap_or_default())
        };
        let outcome = match (answer.id, answer.line) {
            (Some(id), _) => Published {
                id,
                confirmed: answer.confirmed,
                required: answer.required,
                peers: answer.peers,
            }
            .judged(),
            (None, Some(_)) => Err(PublishError::of(refusal())),
            // Over before its end: those before it may wait for confirmations still.
            (None, None) => return Err(PublishError::Ambiguous { source: refusal() }),
        };
        // An answer too many is no business of a message.
        if self.unsent.next().is_some() {
            self.known.push(outcome);
            self.pass_unsent();
        }
        Ok(())
    }
}

/// A line of what the node answers.
#[derive(Deserialize)]
struct Answer {
    id: Option<MessageId>,
    #[serde(default)]
    confirmed: usize,
    #[serde(default)]
    required: usize,
    #[serde(default)]
    peers: Vec<PeerOutcome>,
    line: Option<u64>,
    error: Option<String>,
    reason: Option<String>,
    done: Option<IgnoredAny>,
}

/// A message as a node reads it.
#[derive(Serialize)]
struct Line<'a> {
    instance: &'static str,
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    originating_node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_version: Option<NonZeroU16>,
    #[serde(skip_serializing_if = "HeadersView::is_empty")]
    headers: HeadersView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
}

fn write_line(lines: &mut Vec<u8>, instance: Instance, draft: &Draft) {
    let text = std::str::from_utf8(&draft.payload).ok();
    let json = text.filter(|_| draft.content_type.is_json()).and_then(as_it_stands);
    let text = text.filter(|text| json.is_none() && draft.content_type.is_text() && is_plain(text));
    let is_shown = json.is_some() || text.is_some();
    let usual = match (json, text) {
        (Some(_), _) => ContentType::Json,
        (_, Some(_)) => ContentType::Text,
        (None, None) => ContentType::Bytes,
    };
    let line = Line {
        instance: instance.name(),
        topic: draft.topic.as_str(),
        event: Some(&*draft.event).filter(|event| *event != DEFAULT_EVENT),
        payload: json,
        text,
        payload_base64: (!is_shown).then(|| STANDARD.encode(&draft.payload)),
        content_type: Some(draft.content_type.name()).filter(|_| draft.content_type != usual),
        originating_node: draft.originating_node.as_ref().map(NodeId::as_str),
        correlation_id: draft.correlation_id.as_deref(),
        causation_id: draft.causation_id.as_deref(),
        schema_version: NonZeroU16::new(draft.schema_version).filter(|version| version.get() != 1),
        headers: draft.headers.view(),
        reply_to: draft.reply_to.as_deref(),
    };
    serde_json::to_writer(&mut *lines, &line).expect("texts can be written into memory as JSON");
    lines.push(b'\n');
}

/// Text of which a node has room in a line for each character's escape, or that is no longer as a string than in base64.
fn is_plain(text: &str) -> bool {
    let further = |byte: u8| match byte {
        b'"' | b'\\' => 1,
        ..0x20 => 5,
        _ => 0,
    };
    text.len() <= SHORT_BYTES || text.bytes().map(further).sum::<usize>() <= text.len() / 3
}

/// JSON that arrives byte for byte when it is put into a line as it is.
fn as_it_stands(text: &str) -> Option<&RawValue> {
    let json: &RawValue = serde_json::from_str(text).ok()?;
    (json.get().len() == text.len() && !text.contains('\n')).then_some(json)
}
