//! `GET /v1/topics`: which topics have the most messages. Metrics have no label for topics, of which there may be any number.

use std::cmp::Reverse;

use axum::extract::State;
use axum::response::Response;
use bellwether::Instance;
use serde::{Deserialize, Serialize};

use crate::api::{Api, Query, json, parse_instance};
use crate::client::Client;
use crate::error::{ApiError, Reason};

/// Shown unless asked otherwise.
const DEFAULT_LIMIT: usize = 20;
/// At most so many.
pub(crate) const MAX_LIMIT: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicsQuery {
    instance: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Row {
    instance: Instance,
    topic: String,
    messages: u64,
}

/// The busiest topics of this node, of one instance or of all, the busiest first.
pub(crate) async fn topics(
    State(api): State<Api>,
    client: Client,
    Query(query): Query<TopicsQuery>,
) -> Result<Response, ApiError> {
    client.may_look()?;
    let only = query.instance.as_deref().map(parse_instance).transpose()?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if limit > MAX_LIMIT {
        let words = format!("`limit` is {limit}; at most {MAX_LIMIT} topics are shown");
        return Err(ApiError::new(Reason::BadQuery, words));
    }
    let instances = Instance::ALL.into_iter();
    let mut rows: Vec<Row> = instances
        .filter(|instance| only.is_none_or(|only| only == *instance))
        .flat_map(|instance| {
            let topics = api.node.busiest_topics(instance, limit).into_iter();
            topics.map(move |count| Row {
                instance,
                topic: count.topic,
                messages: count.messages,
            })
        })
        .collect();
    rows.sort_by_key(|row| Reverse(row.messages));
    rows.truncate(limit);
    Ok(json(&rows))
}
