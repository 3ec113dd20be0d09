//! `GET /v1/subscribe`: what a client asks to receive, until its stream begins.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bellwether::catalogue::spelling::canonical_patterns;
use bellwether::{Instance, LiveReport, Node, Pattern, ReplayFrom, SubscribeError};
use bellwether_delivery::{Beginning, BeginningError};
use tokio::task::JoinSet;

use crate::api::{Api, Query, parse_instance};
use crate::client::{Client, limited};
use crate::cloud_event::EventIds;
use crate::error::{ApiError, Reason, with_causes};
use crate::merged::{Merged, merge_reports};
use crate::rendering::Rendering;
use crate::session::{MAX_NAME_BYTES, STORE, Session, is_name};
use crate::stream::DeliveryStream;
use crate::watch::ClientWatch;

/// What a browser sends when it connects again: the `id:` of the last event it has received.
const LAST_EVENT_ID: &str = "last-event-id";
/// Patterns of one stream. More is better said with wildcards; and they must fit into the line of a request.
const MAX_PATTERNS: usize = 256;

const EXAMPLE: &str = "for example /v1/subscribe?pattern=alerts/system_alerts:*";

/// Answers with a stream of deliveries once every known node has confirmed, or has had its time to.
pub(crate) async fn subscribe(
    State(api): State<Api>,
    client: Client,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let request = SubscribeRequest::parse(&pairs, &headers, &api.node)?;
    if let Some((store, name)) = &request.session {
        // Its health is told under that name by whoever has the session.
        client.may_publish(Instance::Health, &format!("subscription_health:{store}:{name}"))?;
    }
    let (mut deliveries, report) = subscribe_all(&api.node, &client, request.patterns, &request.from).await?;
    if request.rendering.has_places() {
        deliveries = deliveries.with_place(&api.node, &request.from);
    }
    let content_type = request.rendering.content_type();
    let session = request
        .session
        .map(|(store, name)| Session::begin(&api.node, store, name));
    let watch = ClientWatch::new(client);
    let stream = DeliveryStream::new(deliveries, &report, request.rendering, session, watch);
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

struct SubscribeRequest {
    patterns: Patterns,
    from: Beginning,
    rendering: Rendering,
    /// The store and the name under which the session's health is told.
    session: Option<(String, String)>,
}

impl SubscribeRequest {
    fn parse(pairs: &[(String, String)], headers: &HeaderMap, node: &Node) -> Result<Self, ApiError> {
        let mut patterns = Patterns::default();
        let mut format = None;
        let mut from = None;
        let (mut store, mut session) = (None, None);
        for (name, value) in pairs {
            match name.as_str() {
                "pattern" => patterns.add(value)?,
                "format" => format = Some(value.as_str()),
                "from" => from = Some(parse_from(value)?),
                "session" => session = Some(parse_name("session", value)?),
                "store" => store = Some(parse_name("store", value)?),
                other => {
                    let words = format!(
                        "unknown parameter `{}`; this path takes pattern, from, format, session and store",
                        other.escape_debug()
                    );
                    return Err(ApiError::new(Reason::BadQuery, words));
                }
            }
        }
        patterns.check()?;
        let rendering = match format {
            Some("sse") => Rendering::Sse,
            Some("ndjson") => Rendering::Ndjson,
            Some("cloudevents") => Rendering::CloudEvents(EventIds::new(node)),
            None if accepts_sse(headers) => Rendering::Sse,
            None => Rendering::Ndjson,
            Some(_) => {
                let words = "`format` must be sse, ndjson or cloudevents";
                return Err(ApiError::new(Reason::BadQuery, words));
            }
        };
        // A client that connects again with the same query says in the header how far it came.
        let from = last_event(headers)?.or(from).unwrap_or_default();
        if store.is_some() && session.is_none() {
            let words = "`store` is the store of a named session: give `session`, too";
            return Err(ApiError::new(Reason::BadQuery, words));
        }
        let store = store.unwrap_or_else(|| STORE.to_owned());
        Ok(Self {
            patterns,
            from,
            rendering,
            session: session.map(|session| (store, session)),
        })
    }
}

/// The patterns of one stream, by instance.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Patterns(BTreeMap<Instance, Vec<Pattern>>);

impl Patterns {
    /// One more, as its client writes it.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), ApiError> {
        let (instance, pattern) = parse_pattern(text)?;
        self.0.entry(instance).or_default().push(pattern);
        Ok(())
    }

    /// Whether there are some, and not too many.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        match self.0.values().map(Vec::len).sum::<usize>() {
            0 => Err(ApiError::new(
                Reason::MissingPattern,
                format!("no pattern is given; {EXAMPLE}"),
            )),
            1..=MAX_PATTERNS => Ok(()),
            given => {
                let words = format!("{given} patterns are given; one stream takes {MAX_PATTERNS}: use wildcards");
                Err(ApiError::new(Reason::TooManyPatterns, words))
            }
        }
    }
}

/// A name that can be a level of a topic.
fn parse_name(parameter: &str, text: &str) -> Result<String, ApiError> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    let words =
        format!("`{parameter}` must be one level of a topic of at most {MAX_NAME_BYTES} bytes, such as `billing`");
    Err(ApiError::new(Reason::BadQuery, words))
}

pub(crate) fn parse_from(text: &str) -> Result<Beginning, ApiError> {
    text.parse().map_err(|err| {
        let mut words = format!("`from` is wrong: {}", with_causes(&err));
        if text.contains(' ') {
            words.push_str("; for `+` write %2B in a query");
        }
        bad_beginning(&err, words)
    })
}

fn last_event(headers: &HeaderMap) -> Result<Option<Beginning>, ApiError> {
    let Some(id) = headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    // What is not ASCII is no id of ours either.
    let behind = Beginning::behind(id.to_str().unwrap_or("?"));
    behind.map(Some).map_err(|err| {
        bad_beginning(
            &err,
            format!("the header Last-Event-ID is wrong: {}", with_causes(&err)),
        )
    })
}

fn bad_beginning(err: &BeginningError, words: String) -> ApiError {
    let reason = match err {
        BeginningError::Token { .. } => Reason::BadToken,
        _ => Reason::BadQuery,
    };
    ApiError::new(reason, words)
}

fn parse_pattern(text: &str) -> Result<(Instance, Pattern), ApiError> {
    let Some((instance, pattern)) = text.split_once('/') else {
        let words = format!("a pattern is written INSTANCE/PATTERN, {EXAMPLE}");
        return Err(ApiError::new(Reason::BadPattern, words));
    };
    let instance = parse_instance(instance)?;
    if pattern.split(':').any(|level| level == " ") {
        // In a query `+` means a space, and that pattern would match nothing, in silence.
        let words = format!("the pattern for {instance} has a level that is one space; for `+` write %2B in a query");
        return Err(ApiError::new(Reason::BadPattern, words));
    }
    let pattern = Pattern::new(pattern).map_err(|err| {
        ApiError::new(
            Reason::BadPattern,
            format!("the pattern for {instance} is wrong: {err}"),
        )
    })?;
    Ok((instance, pattern))
}

pub(crate) fn accepts_sse(headers: &HeaderMap) -> bool {
    accepts(headers, "text/event-stream")
}

/// Whether a client names this media type among those that it takes.
pub(crate) fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let media_types = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    media_types
        .flat_map(|value| value.split(','))
        .filter_map(|media_range| media_range.split(';').next())
        .any(|media_type| media_type.trim().eq_ignore_ascii_case(wanted))
}

/// One subscription per instance, all at once: each may wait seconds for its peers. Cancel safe: a client that goes
/// meanwhile leaves no subscription.
///
/// Asked is for the patterns as they are meant: another spelling of a topic is no way around what is denied.
pub(crate) async fn subscribe_all(
    node: &Node,
    client: &Client,
    Patterns(patterns): Patterns,
    from: &Beginning,
) -> Result<(Merged, LiveReport), ApiError> {
    let mut permits = Vec::new();
    for (instance, patterns) in &patterns {
        for pattern in patterns
            .iter()
            .flat_map(|pattern| canonical_patterns(*instance, pattern))
        {
            client.may_subscribe(*instance, &pattern)?;
        }
        permits.push(client.session().subscribe().map_err(|err| limited(&err))?);
    }
    let mut waiting = JoinSet::new();
    for (instance, patterns) in patterns {
        let from = match from.of(instance) {
            // What a member missed others of its group have got.
            ReplayFrom::Resume(_) | ReplayFrom::After(_)
                if patterns.iter().any(|pattern| pattern.queue().is_some()) =>
            {
                ReplayFrom::Live
            }
            from => from,
        };
        let node = node.clone();
        waiting.spawn(async move { node.subscribe_from(instance, patterns, from).await });
    }
    let mut subscriptions = Vec::new();
    let mut reports = Vec::new();
    while let Some(subscribed) = waiting.join_next().await {
        let subscribed = subscribed.map_err(|err| ApiError::new(Reason::Internal, err.to_string()))?;
        let (subscription, report) = subscribed.map_err(|err| refused(&err))?;
        subscriptions.push(subscription);
        reports.push(report);
    }
    let report = merge_reports(reports);
    Ok((Merged::new(node, subscriptions, &report, permits), report))
}

fn refused(err: &SubscribeError) -> ApiError {
    let reason = match err {
        SubscribeError::NoPattern => Reason::MissingPattern,
        SubscribeError::QueueNotAlone => Reason::BadPattern,
        SubscribeError::QueueReplay => Reason::BadQuery,
        SubscribeError::TooManyPatterns => Reason::TooManyPatterns,
        SubscribeError::Closed => Reason::Stopping,
        _ => Reason::Internal,
    };
    ApiError::new(reason, err.to_string())
}
