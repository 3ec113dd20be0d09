//! The paths of the gateway, and what all of them share.

use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use bellwether::{Instance, Node, Topic};
use bellwether_access::Access;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::control::Control;
use crate::error::{ApiError, Reason};
use crate::subscribe::accepts;
use crate::{client, dashboard, guard, routes};

pub(crate) const INDEX: &str = "\
This is a Bellwether node.

POST /v1/publish/{instance}/{topic}?event=TAG        publish the body; Content-Type says what it is
     also: originating_node, correlation_id, causation_id, schema_version
     wait=true|SECONDS                               first wait for room, at most 30 s, so that nobody loses anything
     confirm=none|local|all|N, confirm_within=SECONDS  then wait until so many peers hold it (default local; 10)
     also: reply_to=INSTANCE/TOPIC; a header Bellwether-Header-NAME: VALUE is one of the message
     a CloudEvent is taken as application/cloudevents+json, or in headers ce-…
POST /v1/publish                                     publish many: application/x-ndjson, one JSON object per line, each answered
                                                     by a line; {\"instance\":\"events\",\"topic\":\"a:b\",\"payload\":1}, or text or
                                                     payload_base64. Or CloudEvents that say where they go
POST /v1/messages/{instance}/{tag}?topic=            publish a typed message: the body is its JSON object, what is left out
     also: correlation_id, causation_id, wait,       is filled in; the answer has it whole. {tag}: a tag or the name of a
     confirm, confirm_within                         type, as node_health_updated or NodeHealth
POST /v1/validate/{instance}/{tag}                   judge a message as its receivers do; publishes nothing
POST /v1/broadcast/{helper}                          call a helper: the body has its arguments, and topic and node if wanted
POST /v1/broadcast                                   call many: [{\"health_update\":{\"component\":\"store\",\"status\":\"healthy\"}},…]
GET  /v1/integration/compatibility                   whether this node's messages are as the catalogue has them
GET  /v1/integration                                 whether helpers and reporters publish, and how often
PUT  /v1/integration                                 {\"enabled\":false} switches them off, on this node, until it stops
GET  /v1/alerts?state=                               the alerts of the mesh, the worst first: open (default), acknowledged,
                                                     cleared, all; of one, /v1/alerts/{alert_id}
POST /v1/alerts/{alert_id}/acknowledge               {\"by\":\"ops\"}, also note, resolution: said on every node
GET  /v1/subscription_health[/{store}[/{name}]]      how the subscriptions of stores are
POST /v1/subscription_health/{store}/{name}/{event}  tell what became of one: registration_success, proxy_crashed, …
GET  /v1/circuit_breakers                            what guards them; POST …/{service}/reset closes one
GET  /v1/thresholds                                  the figures that this node watches, and their limits
PUT  /v1/thresholds/{id}                             {\"metric_name\":\"queue_depth\",\"kind\":\"max\",\"warning\":100} watches one,
DELETE /v1/thresholds/{id}                           and this no more; both on this node, until it stops
POST /v1/reload                                      read the configuration again; says what changed and what needs a restart
POST /v1/drain                                       hand everything over and end; answered when done
POST /v1/leave                                       leave the mesh at once and end; GET /v1/stopping says how far either is
GET  /v1/catalogue/{instance}/{tag}                  the types and their fields, the spellings of topics; also of an instance,
     form=json-schema|example                        or all: /v1/catalogue
GET  /v1/subscribe?pattern={instance}/{pattern}&…    receive, as JSON lines, or with format=sse as server-sent
                                                     events, or with format=cloudevents as CloudEvents
     session=NAME, store=STORE                       tell and heed its health: paused while failed, slow while degraded
     from=live|earliest|last:N|id:ID|time:RFC3339    begin with what the nodes still keep; ID: of a message, or `id:`
                                                     of an event, which the header Last-Event-ID may say as well
GET  /v1/socket                                      all of that over one WebSocket, sub-protocol bellwether.v1:
                                                     {\"op\":\"subscribe\",\"id\":\"s1\",\"patterns\":[\"alerts/*\"],\"credit\":100},
                                                     {\"op\":\"publish\",\"ref\":\"1\",\"instance\":\"events\",\"topic\":\"a\",\"text\":\"hi\"}
GET  /socket/websocket?vsn=2.0.0                     Phoenix channels: a client's socket is at /socket, its channels are
                                                     {instance}:{pattern}, as health:cluster_health
GET  /v1/mesh                                        what every node is like: members, links, instances, queues; or, with
                                                     format=sse, every second
GET  /v1/members                                     the nodes this one knows
GET  /v1/instances                                   the ten instances, their totals and bounds
GET  /v1/subscribers?instance=&topic=                who receives what
GET  /v1/topics?instance=&limit=                     which topics have the most messages, on this node
GET  /v1/keys                                        the ids of the keys of this node and of the members
GET  /healthz                                        this process answers
GET  /readyz                                         this node has joined; verbose: what was looked at
GET  /metrics                                        totals for Prometheus, or as OpenMetrics
GET  /openapi.json                                   these paths, for programs
GET  /dashboard                                      all of that as a page, for browsers
";

/// Bytes of a message in JSON beside its payload: headers of 4 KiB, escaped, and a dozen short texts.
const MAX_FIELDS_BYTES: usize = 64 * 1024;

/// What every request may use. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) node: Node,
    access: Access,
    /// None where whoever runs the node takes no orders.
    pub(crate) control: Option<Control>,
}

impl Api {
    pub(crate) fn new(node: Node, access: Access, control: Option<Control>) -> Self {
        Self { node, access, control }
    }

    pub(crate) fn router(self, hosts: guard::OwnHosts) -> Router {
        let by = (self.access.clone(), self.node.clone());
        let guard = move |request, next| guard::guard(hosts.clone(), request, next);
        let authenticate = move |request, next| client::authenticate(by.clone(), request, next);
        routes::router()
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method)
            .layer(middleware::from_fn(authenticate))
            .merge(bellwether_phoenix::router(self.node.clone(), self.access.clone()))
            .merge(dashboard::router())
            .layer(middleware::from_fn(guard))
            .with_state(self)
    }

    /// The longest line or frame that has one message: the largest payload of all in base64, and the rest of it.
    pub(crate) fn max_line_bytes(&self) -> usize {
        let each = Instance::ALL
            .into_iter()
            .map(|instance| self.max_payload_bytes(instance));
        each.max().unwrap_or_default().div_ceil(3) * 4 + MAX_FIELDS_BYTES
    }

    /// The largest payload an instance takes now.
    pub(crate) fn max_payload_bytes(&self, instance: Instance) -> usize {
        self.node.max_payload_bytes(instance)
    }
}

/// The query of a request, or an error in our one form.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(err) => Err(ApiError::new(Reason::BadQuery, err.body_text())),
        }
    }
}

/// An instance named in a request.
pub(crate) fn parse_instance(text: &str) -> Result<Instance, ApiError> {
    text.parse::<Instance>()
        .map_err(|err| ApiError::new(Reason::BadInstance, err.to_string()))
}

/// A topic named in a request that publishes.
pub(crate) fn parse_topic(text: &str) -> Result<Topic, ApiError> {
    let topic =
        Topic::new(text).map_err(|err| ApiError::new(Reason::BadTopic, format!("the topic is wrong: {err}")))?;
    if topic.is_reserved() {
        let words = "topics that begin with `$` belong to the mesh itself; choose another first level";
        return Err(ApiError::new(Reason::ReservedTopic, words));
    }
    Ok(topic)
}

/// A value as a JSON answer.
pub(crate) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(err) => ApiError::new(Reason::Internal, format!("the answer cannot be written: {err}")).into_response(),
    }
}

/// The list; a browser is shown to the page.
pub(crate) async fn index(headers: HeaderMap) -> Response {
    let vary = (header::VARY, "accept");
    match accepts(&headers, "text/html") {
        true => (StatusCode::SEE_OTHER, [vary, (header::LOCATION, "dashboard")]).into_response(),
        false => ([vary], INDEX).into_response(),
    }
}

async fn unknown_path(request: Request) -> ApiError {
    let words = format!("nothing is at {}; GET / lists the paths", request.uri().path());
    ApiError::new(Reason::UnknownPath, words)
}

pub(crate) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let words = format!(
        "{} does not take {method}; GET / lists the paths and their methods",
        uri.path()
    );
    ApiError::new(Reason::WrongMethod, words)
}
