//! The paths of the gateway, each with its description: what serves them and what documents them, `/openapi.json`, are
//! made of the same list.
//!
//! A path cannot be served without being described, nor the other way round. Statuses of errors are those of their
//! [`Reason`]s.

mod control;
mod messages;
mod operation;
mod schema;
mod state;

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::operation::{Operation, get};
use self::schema::Schema;
use crate::api::Api;

/// The version of the form of the document.
const OPENAPI: &str = "3.1.0";

const DESCRIPTION: &str = "\
A node of a mesh, for the programs of its host. What is published here every node's subscribers receive; what is \
subscribed to here comes from every node. An error is `{\"error\",\"reason\"}`: words for people, and a code for \
programs. A HEAD is answered where a GET is.";

/// What is served, and what is said of it.
struct Routes {
    router: Router<Api>,
    paths: Map<String, Value>,
}

/// All that is served, without what all paths share.
pub(crate) fn router() -> Router<Api> {
    all().router
}

fn all() -> Routes {
    let routes = Routes {
        router: Router::new(),
        paths: Map::new(),
    };
    let routes = control::add(state::add(messages::add(routes)));
    routes.at(
        "/openapi.json",
        [get("describe", openapi).summary("This document").answers(
            200,
            "application/json",
            Schema::object([]),
            "OpenAPI 3.1",
        )],
    )
}

impl Routes {
    /// One path; a parameter that takes the rest of it is written `{*name}`.
    fn at(mut self, path: &str, operations: impl IntoIterator<Item = Operation>) -> Self {
        let mut described = Map::new();
        for operation in operations {
            described.insert(operation.method().to_owned(), operation.described(path));
            self.router = self.router.route(path, operation.into_router());
        }
        self.paths.insert(path.replace("{*", "{"), described.into());
        self
    }
}

/// What is served, as OpenAPI says it.
async fn openapi() -> Response {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone()).into_response()
}

fn document() -> Value {
    json!({
        "openapi": OPENAPI,
        "info": {
            "title": "Bellwether",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"bearer": []}],
        "paths": all().paths,
        "components": {
            "schemas": schema::components(),
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer",
                "description": "A token, where the node's policy asks for one.",
            }},
        },
    })
}

#[cfg(test)]
mod tests;
