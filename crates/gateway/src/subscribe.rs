//! `GET /v1/subscribe`: what a client asks to receive, until its stream begins.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bellwether::{Instance, LiveReport, Node, Pattern, SubscribeError, Subscription};
use bellwether_delivery::{Beginning, BeginningError};
use tokio::task::JoinSet;

use crate::api::{Api, Query, parse_instance};
use crate::error::{ApiError, Reason, with_causes};
use crate::rendering::Rendering;
use crate::session::{MAX_NAME_BYTES, STORE, Session, is_name};
use crate::stream::{DeliveryStream, merge_reports};

/// What a browser sends when it connects again: the `id:` of the last event it has received.
const LAST_EVENT_ID: &str = "last-event-id";
/// Patterns of one stream. More is better said with wildcards; and they must fit into the line of a request.
const MAX_PATTERNS: usize = 256;

const EXAMPLE: &str = "for example /v1/subscribe?pattern=alerts/system_alerts:*";

/// Answers with a stream of deliveries once every known node has confirmed, or has had its time to.
pub(crate) async fn subscribe(
    State(api): State<Api>,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut request = SubscribeRequest::parse(&pairs, &headers)?;
    let (subscriptions, report) = subscribe_all(&api.node, request.patterns, &request.from).await?;
    if let Some(place) = request.rendering.place() {
        for subscription in &subscriptions {
            place.begin(subscription, &request.from.of(subscription.instance()), &api.node);
        }
    }
    let content_type = request.rendering.content_type();
    let session = request
        .session
        .map(|(store, name)| Session::begin(&api.node, store, name));
    let stream = DeliveryStream::new(&api.node, subscriptions, &report, request.rendering, session);
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

struct SubscribeRequest {
    patterns: BTreeMap<Instance, Vec<Pattern>>,
    from: Beginning,
    rendering: Rendering,
    /// The store and the name under which the session's health is told.
    session: Option<(String, String)>,
}

impl SubscribeRequest {
    fn parse(pairs: &[(String, String)], headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut patterns: BTreeMap<Instance, Vec<Pattern>> = BTreeMap::new();
        let mut format = None;
        let mut from = None;
        let (mut store, mut session) = (None, None);
        for (name, value) in pairs {
            match name.as_str() {
                "pattern" => {
                    let (instance, pattern) = parse_pattern(value)?;
                    patterns.entry(instance).or_default().push(pattern);
                }
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
        match patterns.values().map(Vec::len).sum::<usize>() {
            0 => {
                return Err(ApiError::new(
                    Reason::MissingPattern,
                    format!("no pattern is given; {EXAMPLE}"),
                ));
            }
            1..=MAX_PATTERNS => {}
            given => {
                let words = format!("{given} patterns are given; one stream takes {MAX_PATTERNS}: use wildcards");
                return Err(ApiError::new(Reason::TooManyPatterns, words));
            }
        }
        let rendering = match format {
            Some("sse") => Rendering::sse(),
            Some("ndjson") => Rendering::Ndjson,
            None if accepts_sse(headers) => Rendering::sse(),
            None => Rendering::Ndjson,
            Some(_) => return Err(ApiError::new(Reason::BadQuery, "`format` must be sse or ndjson")),
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

/// A name that can be a level of a topic.
fn parse_name(parameter: &str, text: &str) -> Result<String, ApiError> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    let words =
        format!("`{parameter}` must be one level of a topic of at most {MAX_NAME_BYTES} bytes, such as `billing`");
    Err(ApiError::new(Reason::BadQuery, words))
}

fn parse_from(text: &str) -> Result<Beginning, ApiError> {
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

fn accepts_sse(headers: &HeaderMap) -> bool {
    let media_types = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    media_types
        .flat_map(|value| value.split(','))
        .filter_map(|media_range| media_range.split(';').next())
        .any(|media_type| media_type.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// One subscription per instance, all at once: each may wait seconds for its peers. Cancel safe: a client that goes
/// meanwhile leaves no subscription.
async fn subscribe_all(
    node: &Node,
    patterns: BTreeMap<Instance, Vec<Pattern>>,
    from: &Beginning,
) -> Result<(Vec<Subscription>, LiveReport), ApiError> {
    let mut waiting = JoinSet::new();
    for (instance, patterns) in patterns {
        let (node, from) = (node.clone(), from.of(instance));
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
    Ok((subscriptions, merge_reports(reports)))
}

fn refused(err: &SubscribeError) -> ApiError {
    let reason = match err {
        SubscribeError::NoPattern => Reason::MissingPattern,
        SubscribeError::TooManyPatterns => Reason::TooManyPatterns,
        SubscribeError::Closed => Reason::Stopping,
        _ => Reason::Internal,
    };
    ApiError::new(reason, err.to_string())
}
