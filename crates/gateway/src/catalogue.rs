//! `GET /v1/catalogue`, `/v1/catalogue/{instance}` and `/v1/catalogue/{instance}/{tag}`: what may be published.
//!
//! With `form=json-schema` or `form=example` the schemas (draft 2020-12) or examples of the types: of one type by itself,
//! of several as a list.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use bellwether::Instance;
use bellwether::catalogue::{MessageType, all_types};
use serde::Deserialize;
use serde_json::Value;

use crate::api::{Api, Query, json, parse_instance};
use crate::catalogue_json::{CatalogueJson, InstanceJson, TypeJson, types_of};
use crate::error::{ApiError, Reason};
use crate::typed_publish::find_type;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CatalogueQuery {
    form: Option<Form>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    JsonSchema,
    Example,
}

impl Form {
    fn of(self, message: &MessageType) -> Value {
        match self {
            Self::JsonSchema => message.json_schema(),
            Self::Example => message.example(),
        }
    }
}

/// All there is.
pub(crate) async fn whole(State(_): State<Api>, Query(query): Query<CatalogueQuery>) -> Response {
    match query.form {
        None => json(&CatalogueJson::whole()),
        Some(form) => json(&all_types().map(|message| form.of(message)).collect::<Vec<_>>()),
    }
}

/// What there is of one instance.
pub(crate) async fn instance(
    path: Result<Path<String>, PathRejection>,
    Query(query): Query<CatalogueQuery>,
) -> Result<Response, ApiError> {
    let Path(instance) = path.map_err(|err| ApiError::new(Reason::UnknownPath, err.body_text()))?;
    let instance: Instance = parse_instance(&instance)?;
    Ok(match query.form {
        None => json(&InstanceJson::new(instance)),
        Some(form) => json(&types_of(instance).map(|message| form.of(message)).collect::<Vec<_>>()),
    })
}

/// What there is of one type, by its tag or its name.
pub(crate) async fn message_type(
    path: Result<Path<(String, String)>, PathRejection>,
    Query(query): Query<CatalogueQuery>,
) -> Result<Response, ApiError> {
    let Path((instance, tag)) = path.map_err(|err| ApiError::new(Reason::UnknownPath, err.body_text()))?;
    let found = find_type(parse_instance(&instance)?, &tag);
    let message = found.map_err(|err| ApiError::new(Reason::NoSuchType, err.to_string()))?;
    Ok(match query.form {
        None => json(&TypeJson::new(message)),
        Some(form) => json(&form.of(message)),
    })
}
