//! `POST /v1/reload`, `/v1/drain` and `/v1/leave`: what whoever runs the node lets it be told; `GET /v1/stopping` looks on.
//!
//! Nothing is done here. An order goes to whoever runs the node, who says what has become of it.

use axum::extract::State;
use axum::response::Response;
use bellwether::NodeId;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

use crate::api::{Api, Query, json};
use crate::client::Client;
use crate::error::{ApiError, Reason};
use crate::typed_publish::NoQuery;

/// Orders that wait until those before are carried out; further ones are refused.
const MAX_ORDERS: usize = 16;

/// What somebody with the right to has told the node.
#[derive(Debug)]
#[non_exhaustive]
pub enum Order {
    /// To read its configuration again. The answer: what became of it, or in words what is wrong with it.
    Reload(oneshot::Sender<Result<Reloaded, String>>),
    /// To stop.
    Stop(Stop),
}

/// How a node stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Clients are told to go elsewhere, and everything is handed over.
    Drain,
    /// At once: what peers confirm within a second is handed over.
    Leave,
}

/// What became of a configuration that was read again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    /// Settings, by their keys, that hold now.
    pub changed: Vec<String>,
    /// Those that will once the node is started again.
    pub needs_restart: Vec<String>,
    /// How many settings are as they were.
    pub unchanged: usize,
}

/// How far a node is that was told to stop.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// It does not stop.
    #[default]
    Running,
    /// Clients that know of other nodes are told to go there.
    TellingClients,
    /// Publishes are refused, and what is left is handed over.
    HandingOver {
        /// Nodes that have not confirmed everything yet.
        to: Vec<NodeId>,
    },
    /// It is over but for the answers to those who asked.
    Stopped {
        /// Nodes that had not confirmed everything when the time was over.
        unconfirmed: Vec<NodeId>,
    },
}

/// The way of orders from clients to whoever runs the node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    orders: mpsc::Sender<Order>,
    stage: watch::Receiver<Stage>,
}

impl Control {
    /// With it, its other end: where orders come in, and where to say how far the node is. Once the orders are dropped
    /// none is taken any more.
    pub fn new() -> (Self, mpsc::Receiver<Order>, watch::Sender<Stage>) {
        let (orders, incoming) = mpsc::channel(MAX_ORDERS);
        let (tell, stage) = watch::channel(Stage::Running);
        (Self { orders, stage }, incoming, tell)
    }

    /// Whether the node was told to stop, in whatever way.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stage.borrow() != Stage::Running
    }

    fn give(&self, order: Order) -> Result<(), ApiError> {
        self.orders.try_send(order).map_err(|err| match err {
            mpsc::error::TrySendError::Full(_) => {
                let words = format!("{MAX_ORDERS} orders wait already; try again later");
                ApiError::new(Reason::LimitExceeded, words)
            }
            mpsc::error::TrySendError::Closed(_) => stopping(),
        })
    }

    /// Waits until nothing is left to be done, and says which nodes did not get everything.
    async fn stopped(mut self) -> Result<Vec<NodeId>, ApiError> {
        let stopped = self
            .stage
            .wait_for(|stage| matches!(stage, Stage::Stopped { .. }))
            .await;
        match stopped.as_deref() {
            Ok(Stage::Stopped { unconfirmed }) => Ok(unconfirmed.clone()),
            _ => Err(stopping()),
        }
    }
}

/// Has the configuration be read again.
pub(crate) async fn reload(
    State(api): State<Api>,
    client: Client,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, ApiError> {
    client.may_administer()?;
    let (tell, told) = oneshot::channel();
    control(&api)?.give(Order::Reload(tell))?;
    match told.await {
        Ok(Ok(reloaded)) => Ok(json(&reloaded)),
        Ok(Err(words)) => Err(ApiError::new(Reason::BadConfiguration, words)),
        // Told to stop meanwhile.
        Err(_) => Err(stopping()),
    }
}

/// Has the node hand everything over and end.
pub(crate) async fn drain(
    State(api): State<Api>,
    client: Client,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, ApiError> {
    stop(&api, &client, Stop::Drain).await
}

/// Has it end at once.
pub(crate) async fn leave(
    State(api): State<Api>,
    client: Client,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, ApiError> {
    stop(&api, &client, Stop::Leave).await
}

/// How far it is.
pub(crate) async fn stage(
    State(api): State<Api>,
    client: Client,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, ApiError> {
    client.may_look()?;
    let stage = api.control.as_ref().map(|control| control.stage.borrow().clone());
    Ok(json(&stage.unwrap_or_default()))
}

/// Answered when it is done. A node that stops already goes on as it was told first.
async fn stop(api: &Api, client: &Client, how: Stop) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct Outcome {
        unconfirmed: Vec<NodeId>,
    }

    client.may_administer()?;
    let control = control(api)?;
    if !control.is_stopping() {
        tracing::info!(by = client.caller().name(), how = ?how, "told to stop");
        control.give(Order::Stop(how))?;
    }
    let unconfirmed = control.clone().stopped().await?;
    Ok(json(&Outcome { unconfirmed }))
}

fn control(api: &Api) -> Result<&Control, ApiError> {
    api.control.as_ref().ok_or_else(|| {
        let words =
            "this node is part of another program, which alone says when it stops and what it is configured to do";
        ApiError::new(Reason::NotControlled, words)
    })
}

fn stopping() -> ApiError {
    ApiError::new(Reason::Stopping, "the node is stopping")
}
