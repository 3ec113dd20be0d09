//! One method of one path: its handler, and what it takes and answers.

use std::collections::BTreeMap;

use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use serde_json::{Map, Value, json};

use super::schema::Schema;
use crate::api::Api;
use crate::error::Reason;

/// Any request may be refused so, before it is looked at.
const ALWAYS: [Reason; 6] = [
    Reason::Unauthenticated,
    Reason::Denied,
    Reason::BadOrigin,
    Reason::BadHost,
    Reason::LimitExceeded,
    Reason::TooManyConnections,
];
/// Any that has a body.
const WITH_BODY: [Reason; 4] = [Reason::BadBody, Reason::SlowBody, Reason::TooLarge, Reason::Internal];

/// A handler and its description.
#[must_use]
pub(super) struct Operation {
    method: &'static str,
    router: MethodRouter<Api>,
    id: &'static str,
    summary: &'static str,
    description: String,
    parameters: Vec<Parameter>,
    /// Schemas by media type.
    body: Map<String, Value>,
    body_is_needed: bool,
    answers: BTreeMap<u16, Answer>,
    reasons: Vec<Reason>,
}

struct Parameter {
    name: &'static str,
    place: &'static str,
    is_needed: bool,
    schema: Schema,
    description: &'static str,
}

#[derive(Default)]
struct Answer {
    description: String,
    content: Map<String, Value>,
}

/// `GET`.
pub(super) fn get<H: Handler<T, Api>, T: 'static>(id: &'static str, handler: H) -> Operation {
    Operation::new("get", id, routing::get(handler))
}

/// `POST`.
pub(super) fn post<H: Handler<T, Api>, T: 'static>(id: &'static str, handler: H) -> Operation {
    Operation::new("post", id, routing::post(handler))
}

/// `PUT`.
pub(super) fn put<H: Handler<T, Api>, T: 'static>(id: &'static str, handler: H) -> Operation {
    Operation::new("put", id, routing::put(handler))
}

/// `DELETE`.
pub(super) fn delete<H: Handler<T, Api>, T: 'static>(id: &'static str, handler: H) -> Operation {
    Operation::new("delete", id, routing::delete(handler))
}

impl Operation {
    fn new(method: &'static str, id: &'static str, router: MethodRouter<Api>) -> Self {
        Self {
            method,
            router,
            id,
            summary: "",
            description: String::new(),
            parameters: Vec::new(),
            body: Map::new(),
            body_is_needed: true,
            answers: BTreeMap::new(),
            reasons: ALWAYS.to_vec(),
        }
    }

    /// What it does, in a line.
    pub(super) fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// What else is to be known.
    pub(super) fn says(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// A part of the path.
    pub(super) fn path(mut self, name: &'static str, schema: Schema, description: &'static str) -> Self {
        if !self.reasons.contains(&Reason::UnknownPath) {
            self.reasons.push(Reason::UnknownPath);
        }
        self.parameters.push(Parameter {
            name,
            place: "path",
            is_needed: true,
            schema,
            description,
        });
        self
    }

    /// A parameter of the query that may be left out.
    pub(super) fn query(self, name: &'static str, schema: Schema, description: &'static str) -> Self {
        self.parameter("query", name, schema, description)
    }

    /// A header that may be left out.
    pub(super) fn header(self, name: &'static str, schema: Schema, description: &'static str) -> Self {
        self.parameter("header", name, schema, description)
    }

    fn parameter(mut self, place: &'static str, name: &'static str, schema: Schema, description: &'static str) -> Self {
        self.parameters.push(Parameter {
            name,
            place,
            is_needed: false,
            schema,
            description,
        });
        self
    }

    /// The last parameter is needed.
    pub(super) fn needed(mut self) -> Self {
        if let Some(last) = self.parameters.last_mut() {
            last.is_needed = true;
        }
        self
    }

    /// A body of this type.
    pub(super) fn takes(mut self, media_type: &str, schema: Schema) -> Self {
        self.body
            .insert(media_type.to_owned(), json!({"schema": schema.into_value()}));
        self
    }

    /// A body of this type, which may be empty.
    pub(super) fn may_take(mut self, media_type: &str, schema: Schema) -> Self {
        self.body_is_needed = false;
        self.takes(media_type, schema)
    }

    /// An answer that is no error.
    pub(super) fn answers(mut self, status: u16, media_type: &str, schema: Schema, description: &str) -> Self {
        let answer = self.answers.entry(status).or_default();
        answer.add_words(description);
        answer
            .content
            .insert(media_type.to_owned(), json!({"schema": schema.into_value()}));
        self
    }

    /// The same, in JSON.
    pub(super) fn answers_json(self, status: u16, schema: Schema, description: &str) -> Self {
        self.answers(status, "application/json", schema, description)
    }

    /// An answer without a body.
    pub(super) fn answers_nothing(mut self, status: u16, description: &str) -> Self {
        self.answers.entry(status).or_default().add_words(description);
        self
    }

    /// Errors that it may answer, beside those of every request.
    pub(super) fn refuses(mut self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        self.reasons.extend(reasons);
        self
    }

    pub(super) fn method(&self) -> &'static str {
        self.method
    }

    pub(super) fn into_router(self) -> MethodRouter<Api> {
        self.router
    }

    /// The operation object of OpenAPI.
    pub(super) fn described(&self, path: &str) -> Value {
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [path.trim_start_matches("/v1/").split('/').next().filter(|tag| !tag.is_empty()).unwrap_or("node")],
            "responses": self.responses(),
        });
        if !self.description.is_empty() {
            operation["description"] = self.description.clone().into();
        }
        if !self.parameters.is_empty() {
            operation["parameters"] = self.parameters.iter().map(Parameter::described).collect();
        }
        if !self.body.is_empty() {
            operation["requestBody"] = json!({"required": self.body_is_needed, "content": self.body});
        }
        operation
    }

    fn responses(&self) -> Value {
        let mut answers: BTreeMap<u16, (String, Map<String, Value>)> = self
            .answers
            .iter()
            .map(|(status, answer)| (*status, (answer.description.clone(), answer.content.clone())))
            .collect();
        let with_body: &[Reason] = if self.body.is_empty() { &[] } else { &WITH_BODY };
        for reason in self.reasons.iter().chain(with_body) {
            let (words, content) = answers.entry(reason.status().as_u16()).or_default();
            if !words.is_empty() {
                words.push_str("; ");
            }
            words.push_str(&format!("`{}`", reason.code()));
            let schema = Schema::named("Error").into_value();
            let known = content
                .entry("application/json")
                .or_insert_with(|| json!({"schema": schema}));
            // An error beside another answer of the same status.
            if known["schema"] != schema {
                known["schema"] = json!({"anyOf": [known["schema"], schema]});
            }
        }
        let response = |(status, (description, content)): (u16, (String, Map<String, Value>))| {
            let mut response = json!({"description": description});
            if !content.is_empty() {
                response["content"] = content.into();
            }
            (status.to_string(), response)
        };
        answers.into_iter().map(response).collect()
    }
}

impl Answer {
    fn add_words(&mut self, words: &str) {
        if !self.description.is_empty() {
            self.description.push_str("; ");
        }
        self.description.push_str(words);
    }
}

impl Parameter {
    fn described(&self) -> Value {
        json!({
            "name": self.name, "in": self.place, "required": self.is_needed, "description": self.description,
            "schema": self.schema.clone().into_value(),
        })
    }
}
