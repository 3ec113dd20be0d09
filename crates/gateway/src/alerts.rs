//! `GET /v1/alerts`, `GET /v1/alerts/{alert_id}` and `POST /v1/alerts/{alert_id}/acknowledge`: what needs somebody.
//!
//! A node knows the alerts of the whole mesh once its integration was switched on. An acknowledgement is a message like
//! any other, and every node takes it:
//!
//! | status | body | |
//! | --- | --- | --- |
//! | 200 | the alert as it is now | the acknowledgement is published |
//! | 202 | `{"alert_id","acknowledged_by","ack_note","resolution","known":false}` | so it is, of one not known here yet |

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use bellwether::catalogue::Reason as Broken;
use bellwether::{AlertState, AlertView, Alerts, Instance, MAX_ALERT_ID_BYTES};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::{Api, Query, json};
use crate::body::{cut, parse_json, read_within};
use crate::client::Client;
use crate::error::{ApiError, Reason};
use crate::typed_publish::{NoQuery, refused_typed};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertsQuery {
    #[serde(default)]
    state: Wanted,
}

/// Where acknowledgements are published.
const ACKNOWLEDGEMENTS: &str = "acknowledgements";

/// Which alerts.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    #[default]
    Open,
    Acknowledged,
    Cleared,
    All,
}

impl Wanted {
    /// Open ones before those that are acknowledged, before those that are over; of each the worst first, of equals the
    /// one last raised.
    fn of(self, alerts: &Alerts) -> Vec<AlertView> {
        let state = match self {
            Self::Open => return alerts.open(),
            Self::Acknowledged => Some(AlertState::Acknowledged),
            Self::Cleared => Some(AlertState::Cleared),
            Self::All => None,
        };
        let mut found = alerts.all();
        found.retain(|alert| state.is_none_or(|state| alert.state == state));
        found.sort_by_key(|alert| {
            let over = match alert.state {
                AlertState::Open => 0,
                AlertState::Acknowledged => 1,
                AlertState::Cleared => 2,
            };
            (over, std::cmp::Reverse((alert.severity, alert.last_seen)))
        });
        found
    }
}

/// Those in one state, or all that the node remembers.
pub(crate) async fn list(
    State(api): State<Api>,
    client: Client,
    Query(query): Query<AlertsQuery>,
) -> Result<Response, ApiError> {
    client.may_look()?;
    Ok(json(&query.state.of(&api.node.alerts())))
}

/// One, by its id or that of a repetition.
pub(crate) async fn one(
    State(api): State<Api>,
    client: Client,
    path: Result<Path<String>, PathRejection>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, ApiError> {
    client.may_look()?;
    let Path(alert_id) = path.map_err(|err| ApiError::new(Reason::UnknownPath, err.body_text()))?;
    match api.node.alerts().one(&alert_id) {
        Some(alert) => Ok(json(&alert)),
        None => {
            let words = format!(
                "this node knows no alert `{}`; GET /v1/alerts?state=all lists those it knows",
                cut(&alert_id.escape_debug().to_string())
            );
            Err(ApiError::new(Reason::UnknownAlert, words))
        }
    }
}

/// Says on every node that somebody has taken an alert up.
pub(crate) async fn acknowledge(
    State(api): State<Api>,
    client: Client,
    path: Result<Path<String>, PathRejection>,
    Query(NoQuery {}): Query<NoQuery>,
    body: Body,
) -> Result<Response, ApiError> {
    client.may_publish(Instance::Alerts, ACKNOWLEDGEMENTS)?;
    let Path(alert_id) = path.map_err(|err| ApiError::new(Reason::UnknownPath, err.body_text()))?;
    if alert_id.len() > MAX_ALERT_ID_BYTES {
        let words = format!(
            "the id of an alert has at most {MAX_ALERT_ID_BYTES} bytes, not {}",
            alert_id.len()
        );
        return Err(ApiError::broken(Broken::InvalidFields, vec!["alert_id"], words));
    }
    let body = read_within(body, api.max_payload_bytes(Instance::Alerts)).await?;
    client.spend(body.len())?;
    let ack = Acknowledgement::parse(parse_json(&body)?)?;
    let alerts = api.node.alerts();
    alerts
        .acknowledge(&alert_id, &ack.by, ack.note.as_deref(), ack.resolution.as_deref())
        .map_err(|err| refused_typed(&err))?;
    Ok(match alerts.one(&alert_id) {
        Some(alert) => json(&alert),
        None => {
            let mut response = json(&Unknown::of(&alert_id, &ack));
            *response.status_mut() = StatusCode::ACCEPTED;
            response
        }
    })
}

/// What somebody says who takes an alert up.
#[derive(Debug, PartialEq, Eq)]
struct Acknowledgement {
    by: String,
    note: Option<String>,
    resolution: Option<String>,
}

/// That an acknowledgement is published of an alert that is not here.
#[derive(Serialize)]
struct Unknown<'a> {
    alert_id: &'a str,
    acknowledged_by: &'a str,
    ack_note: Option<&'a str>,
    resolution: Option<&'a str>,
    known: bool,
}

impl<'a> Unknown<'a> {
    fn of(alert_id: &'a str, ack: &'a Acknowledgement) -> Self {
        Self {
            alert_id,
            acknowledged_by: &ack.by,
            ack_note: ack.note.as_deref(),
            resolution: ack.resolution.as_deref(),
            known: false,
        }
    }
}

impl Acknowledgement {
    /// `{"by","note","resolution"}`, the latter two if wanted. Null is as if left out.
    fn parse(given: Value) -> Result<Self, ApiError> {
        let Value::Object(mut given) = given else {
            let words = "an acknowledgement is a JSON object such as {\"by\":\"ops\",\"note\":\"looking\"}";
            return Err(ApiError::broken(Broken::InvalidPayload, Vec::new(), words));
        };
        let [by, note, resolution] = ["by", "note", "resolution"].map(|field| take_text(&mut given, field));
        let wrong: Vec<&'static str> = [&by, &note, &resolution]
            .into_iter()
            .filter_map(|text| text.as_ref().err().copied())
            .collect();
        if let [first, ..] = wrong.as_slice() {
            let words = format!("`{first}` must be text");
            return Err(ApiError::broken(Broken::InvalidFields, wrong, words));
        }
        if let Some((stranger, _)) = given.iter().next() {
            let words = format!(
                "an acknowledgement has no field `{}`; it has by, note and resolution",
                cut(&stranger.escape_debug().to_string())
            );
            return Err(ApiError::broken(Broken::InvalidPayload, Vec::new(), words));
        }
        let (by, note, resolution) = (by.ok().flatten(), note.ok().flatten(), resolution.ok().flatten());
        match by {
            Some(by) if !by.trim().is_empty() => Ok(Self { by, note, resolution }),
            Some(_) => {
                let words = "`by` must say who acknowledges the alert; it is empty";
                Err(ApiError::broken(Broken::InvalidFields, vec!["by"], words))
            }
            None => {
                let words = "`by` is missing; give the name of who acknowledges the alert";
                Err(ApiError::broken(Broken::MissingFields, vec!["by"], words))
            }
        }
    }
}

/// The text of a field; its name, if that is none.
fn take_text(given: &mut Map<String, Value>, field: &'static str) -> Result<Option<String>, &'static str> {
    match given.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(field),
    }
}
