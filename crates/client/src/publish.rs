//! Publishing: one request, one message.

use std::fmt;
use std::num::NonZeroU16;

use bellwether_message::{DEFAULT_EVENT, Draft, DraftError, HeadersView, Instance, MessageId, NodeId, Topic};
use bytes::Bytes;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::assurance::Assurance;
use crate::client::{Client, Repeat, SURELY_READ_BYTES};
use crate::error::CallError;
use crate::query::{Path, Query};

/// What a header of a request begins with that says a header of the message.
const HEADER_PREFIX: &str = "bellwether-header-";

/// A message that is published.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Published {
    /// Its id.
    pub id: MessageId,
    /// How many peers hold it, as far as was waited for.
    #[serde(default)]
    pub confirmed: usize,
    /// How many had to.
    #[serde(default)]
    pub required: usize,
    /// Each peer that wanted it, if any were to confirm it.
    #[serde(default)]
    pub peers: Vec<PeerOutcome>,
}

/// What became of a message at one peer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct PeerOutcome {
    /// The peer.
    pub node: NodeId,
    /// What became of it there: `confirmed`, `timed_out` or `lost`.
    pub outcome: String,
}

impl Published {
    /// Whether as many peers hold it as had to.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed >= self.required
    }
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// A typed message: the node judges it by the catalogue, fills in what is left out, and knows where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedDraft {
    /// The instance of its family.
    pub instance: Instance,
    /// A tag, or the name of a type: `node_health_updated` or `NodeHealth`.
    pub tag: String,
    /// Where it goes, if not on the usual topic of its type.
    pub topic: Option<Topic>,
    /// Ties messages of one story together.
    pub correlation_id: Option<String>,
    /// The id of the message that led to this one.
    pub causation_id: Option<String>,
    /// Its fields: a JSON object.
    pub json: Bytes,
}

/// A typed message that is published.
#[derive(Debug)]
#[non_exhaustive]
pub struct PublishedTyped {
    /// What the node answered: its id, topic and whole payload, as JSON.
    pub answer: Box<RawValue>,
    /// What became of it; the error is [`PublishError::Unconfirmed`].
    pub published: Result<Published, PublishError>,
}

impl Client {
    /// Publishes a message, and returns once the node has it.
    ///
    /// Never sent twice: only what surely did not reach the node is sent on another connection. Dropping the future may
    /// leave the message published or not.
    ///
    /// ```no_run
    /// use bellwether_client::{Client, Draft, Instance, PublishError, Topic};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::connect("http://127.0.0.1:7480").await?;
    /// let draft = Draft::new(Topic::new("system_alerts:critical")?, "critical_alert")
    ///     .json(r#"{"message":"disk full"}"#);
    /// match client.publish(Instance::Alerts, &draft).await {
    ///     Ok(id) => println!("published as {id}"),
    ///     Err(err @ PublishError::Ambiguous { .. }) => println!("published or not: {err}"),
    ///     Err(err) => println!("not published: {err}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PublishError`], never [`Unconfirmed`](PublishError::Unconfirmed).
    pub async fn publish(&self, instance: Instance, draft: &Draft) -> Result<MessageId, PublishError> {
        let published = self.publish_assured(instance, draft, &Assurance::default()).await?;
        Ok(published.id)
    }

    /// The same, once there is room for it, and until peers hold it.
    ///
    /// ```no_run
    /// use bellwether_client::{Assurance, Client, Confirm, Draft, Instance, Topic};
    ///
    /// # async fn run(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let draft = Draft::new(Topic::new("login:ok")?, "login").json(r#"{"user":"eve"}"#);
    /// let all = Assurance::default().confirm(Confirm::All);
    /// let published = client.publish_assured(Instance::Audit, &draft, &all).await?;
    /// for peer in &published.peers {
    ///     println!("{}: {}", peer.node, peer.outcome);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PublishError`]. With [`Unconfirmed`](PublishError::Unconfirmed) it is published all the same.
    pub async fn publish_assured(
        &self,
        instance: Instance,
        draft: &Draft,
        assurance: &Assurance,
    ) -> Result<Published, PublishError> {
        draft
            .check(usize::MAX)
            .map_err(|source| PublishError::Draft { source })?;
        let Some(headers) = request_headers(draft.headers.view()) else {
            return self.publish_in_batch(instance, draft, assurance).await;
        };
        let query = address(instance, draft, assurance);
        let mut request = Request::post(query.as_str()).header(CONTENT_TYPE, draft.content_type.name());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let body = Bytes::copy_from_slice(&draft.payload);
        let answer = self.publish_request(instance, request, body, assurance).await?;
        let published: Published =
            serde_json::from_slice(&answer).map_err(|_| PublishError::of(self.not_a_nodes_json()))?;
        published.judged()
    }

    /// Publishes a typed message, and gives what the node answers: the message as it is published.
    ///
    /// # Errors
    /// [`PublishError`], but [`Unconfirmed`](PublishError::Unconfirmed) only beside the answer.
    pub async fn publish_typed(
        &self,
        draft: &TypedDraft,
        assurance: &Assurance,
    ) -> Result<PublishedTyped, PublishError> {
        let query = draft.address(assurance);
        let request = Request::post(query.as_str()).header(CONTENT_TYPE, "application/json");
        let answer = self
            .publish_request(draft.instance, request, draft.json.clone(), assurance)
            .await?;
        let not_a_node = |_| PublishError::of(self.not_a_nodes_json());
        let published: Published = serde_json::from_slice(&answer).map_err(not_a_node)?;
        Ok(PublishedTyped {
            answer: serde_json::from_slice(&answer).map_err(not_a_node)?,
            published: published.judged(),
        })
    }

    async fn publish_request(
        &self,
        instance: Instance,
        request: hyper::http::request::Builder,
        body: Bytes,
        assurance: &Assurance,
    ) -> Result<Bytes, PublishError> {
        let bytes = body.len();
        match self.ask(request, body, assurance.longest(), Repeat::Never).await {
            Ok(answer) => Ok(answer.body),
            Err(err @ CallError::Lost { .. }) if bytes > SURELY_READ_BYTES => match self.limit_of(instance).await {
                Some(limit) if bytes > limit => Err(PublishError::Draft {
                    source: DraftError::PayloadTooLarge { bytes, limit },
                }),
                _ => Err(PublishError::of(err)),
            },
            Err(err) => Err(PublishError::of(err)),
        }
    }

    /// The largest payload that the node takes, if it says so.
    async fn limit_of(&self, instance: Instance) -> Option<usize> {
        let all = self.instances().await.ok()?;
        let ours = all.into_iter().find(|info| info.instance == instance);
        ours.map(|info| info.max_payload_bytes)
    }
}

impl Published {
    pub(crate) fn judged(self) -> Result<Self, PublishError> {
        if self.is_confirmed() {
            Ok(self)
        } else {
            Err(PublishError::Unconfirmed { published: self })
        }
    }
}

impl TypedDraft {
    /// A typed message without fields.
    pub fn new(instance: Instance, tag: impl Into<String>) -> Self {
        Self {
            instance,
            tag: tag.into(),
            topic: None,
            correlation_id: None,
            causation_id: None,
            json: Bytes::from_static(b"{}"),
        }
    }

    fn address(&self, assurance: &Assurance) -> Query {
        let path = Path::new(format!("/v1/messages/{}", self.instance)).segment(&self.tag);
        let mut query = path.query();
        query.add_given("topic", self.topic.as_ref().map(Topic::as_str));
        query.add_given("correlation_id", self.correlation_id.as_deref());
        query.add_given("causation_id", self.causation_id.as_deref());
        assurance.add_to(&mut query);
        query
    }
}

fn address(instance: Instance, draft: &Draft, assurance: &Assurance) -> Query {
    let path = Path::new(format!("/v1/publish/{instance}")).segment(draft.topic.as_str());
    let mut query = path.query();
    query.add_given("event", Some(&*draft.event).filter(|event| *event != DEFAULT_EVENT));
    query.add_given("originating_node", draft.originating_node.as_ref().map(NodeId::as_str));
    query.add_given("correlation_id", draft.correlation_id.as_deref());
    query.add_given("causation_id", draft.causation_id.as_deref());
    query.add_given("reply_to", draft.reply_to.as_deref());
    let version = NonZeroU16::new(draft.schema_version).filter(|version| version.get() != 1);
    query.add_given("schema_version", version.map(|version| version.to_string()).as_deref());
    assurance.add_to(&mut query);
    query
}

/// The headers of a request that say those of the message; `None` if one of them would not arrive as it is: over HTTP names
/// have no upper case, and values no spaces at their ends.
fn request_headers(headers: HeadersView<'_>) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let each = headers.iter().map(|(name, value)| {
        let is_as_it_is = !name.bytes().any(|byte| byte.is_ascii_uppercase()) && value.trim() == value;
        let name = HeaderName::try_from(format!("{HEADER_PREFIX}{name}")).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?)).filter(|_| is_as_it_is)
    });
    each.collect()
}

/// Why a message was not published, or not as was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The draft breaks a bound; nothing was published.
    #[error(transparent)]
    Draft {
        /// Which.
        source: DraftError,
    },
    /// Surely nothing was published: the node was not reached, or refused.
    #[error(transparent)]
    NotPublished {
        /// Why.
        source: CallError,
    },
    /// The message may or may not be published: the node was lost before it had answered. Publishing it again may publish
    /// it twice; receivers can tell by a correlation id.
    #[error(transparent)]
    Ambiguous {
        /// How the node was lost.
        source: CallError,
    },
    /// The message is published, but fewer peers than had to have said in time that they hold it.
    #[error(
        "{} is published, but {} of the {} peers that were to confirm it have ({})",
        published.id, published.confirmed, published.required, outcomes(&published.peers)
    )]
    Unconfirmed {
        /// Each peer with what became of the message there.
        published: Published,
    },
}

impl PublishError {
    pub(crate) fn of(source: CallError) -> Self {
        match source.is_done() {
            Some(_) => Self::NotPublished { source },
            None => Self::Ambiguous { source },
        }
    }

    /// What failed between the program and its node, if that is why.
    pub fn call(&self) -> Option<&CallError> {
        match self {
            Self::NotPublished { source } | Self::Ambiguous { source } => Some(source),
            _ => None,
        }
    }

    /// Whether the node is gone or stopping: the next message will fare no better until it is back.
    pub fn may_heal(&self) -> bool {
        self.call().is_some_and(CallError::may_heal)
    }
}

fn outcomes(peers: &[PeerOutcome]) -> String {
    let peer = |peer: &PeerOutcome| format!("{}: {}", peer.node, peer.outcome.escape_debug());
    peers.iter().map(peer).collect::<Vec<_>>().join(", ")
}
