//! `/v1/subscription_health` and `/v1/circuit_breakers`: how the subscriptions of stores are, and what guards them.
//!
//! | path | |
//! | --- | --- |
//! | `GET /v1/subscription_health` | every store: how many of its subscriptions are in which state |
//! | `GET /v1/subscription_health/{store}` | each of its subscriptions, and the last changes |
//! | `GET /v1/subscription_health/{store}/{name}` | one, and how its deliveries go |
//! | `POST /v1/subscription_health/{store}/{name}/{event}` | tells the mesh what became of it; body: metadata, or nothing |
//! | `GET /v1/circuit_breakers` | the breakers of this node |
//! | `POST /v1/circuit_breakers/{service}/reset` | closes one |

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use bellwether::subscription_health::{Emission, PastChange, SubscriptionRecord};
use bellwether::{Instance, Node, Sent};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::{self, Api};
use crate::body::read_within;
use crate::client::Client;
use crate::error::{ApiError, Reason};
use crate::session::{MAX_NAME_BYTES, is_name};
use crate::typed_publish::refused_typed;

/// Largest metadata of an event.
const MAX_METADATA_BYTES: usize = 64 << 10;

/// The subscriptions of a store.
#[derive(Serialize)]
struct StoreHealth {
    subscriptions: Vec<Subscription>,
    /// The oldest first.
    changes: Vec<PastChange>,
}

/// A subscription of a store.
#[derive(Serialize)]
struct Subscription {
    #[serde(flatten)]
    record: SubscriptionRecord,
    emission: Emission,
}

pub(crate) async fn stores(State(api): State<Api>, client: Client) -> Result<Response, ApiError> {
    client.may_look()?;
    let health = api.node.subscription_health();
    let stores = health.stores();
    let summaries: Vec<_> = stores.iter().filter_map(|store| health.summary(store)).collect();
    Ok(api::json(&summaries))
}

pub(crate) async fn store(
    State(api): State<Api>,
    client: Client,
    store: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    client.may_look()?;
    let Path(store) = store.map_err(|err| bad_path(&err))?;
    let health = api.node.subscription_health();
    let names = health.names(&store);
    if names.is_empty() {
        return Err(unknown("nothing is known of a subscription of that store"));
    }
    let subscriptions = names.iter().filter_map(|name| subscription(&api.node, &store, name));
    Ok(api::json(&StoreHealth {
        subscriptions: subscriptions.collect(),
        changes: health.history(Some(&store)),
    }))
}

pub(crate) async fn one(
    State(api): State<Api>,
    client: Client,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ApiError> {
    client.may_look()?;
    let Path((store, name)) = path.map_err(|err| bad_path(&err))?;
    let found = subscription(&api.node, &store, &name);
    found
        .map(|subscription| api::json(&subscription))
        .ok_or_else(|| unknown("nothing is known of that subscription"))
}

pub(crate) async fn report(
    State(api): State<Api>,
    client: Client,
    path: Result<Path<(String, String, String)>, PathRejection>,
    body: Body,
) -> Result<Response, ApiError> {
    let Path((store, name, event)) = path.map_err(|err| bad_path(&err))?;
    for (what, text) in [("store", &store), ("subscription", &name), ("event", &event)] {
        if !is_name(text) {
            let words =
                format!("the {what} must be one level of a topic of at most {MAX_NAME_BYTES} bytes, such as `billing`");
            return Err(ApiError::new(Reason::BadField, words));
        }
    }
    client.may_publish(Instance::Health, &format!("subscription_health:{store}:{name}"))?;
    let body = read_within(body, MAX_METADATA_BYTES).await?;
    client.spend(body.len())?;
    let metadata = match body.is_empty() {
        true => json!({}),
        false => serde_json::from_slice(&body)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| ApiError::new(Reason::BadJson, "the body is the metadata: a JSON object, or nothing"))?,
    };
    match api.node.subscription_health().report(&store, &name, event, metadata) {
        Ok(Sent::Published(id)) => Ok(api::json(&json!({"id": id}))),
        Ok(_) => Ok(api::json(&json!({"disabled": true}))),
        Err(err) => Err(refused_typed(&err)),
    }
}

pub(crate) async fn breakers(State(api): State<Api>, client: Client) -> Result<Response, ApiError> {
    client.may_look()?;
    let breakers = api.node.circuit_breakers().into_iter().map(|breaker| {
        json!({
            "service": breaker.service,
            "guards": breaker.guards.map(|(store, subscription)| json!({"store": store, "subscription": subscription})),
            "state": breaker.state,
            "statistics": breaker.statistics,
        })
    });
    Ok(api::json(&breakers.collect::<Vec<_>>()))
}

pub(crate) async fn reset(
    State(api): State<Api>,
    client: Client,
    service: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    client.may_administer()?;
    let Path(service) = service.map_err(|err| bad_path(&err))?;
    let breakers = api.node.circuit_breakers();
    if !breakers.iter().any(|breaker| breaker.service == service) {
        return Err(unknown("this node has no circuit breaker of that service"));
    }
    let breaker = api
        .node
        .circuit_breaker(&service, bellwether::BreakerOptions::default());
    breaker.reset();
    Ok(api::json(&json!({"service": service, "state": breaker.state()})))
}

fn subscription(node: &Node, store: &str, name: &str) -> Option<Subscription> {
    let health = node.subscription_health();
    Some(Subscription {
        record: health.record(store, name)?,
        emission: health.emission(store, name),
    })
}

fn bad_path(err: &PathRejection) -> ApiError {
    ApiError::new(Reason::BadField, err.body_text())
}

fn unknown(words: &str) -> ApiError {
    ApiError::new(Reason::UnknownSubscription, words)
}
