//! A message type as JSON Schema (draft 2020-12).

use serde_json::{Map, Value, json};

use crate::field::{Field, Presence};
use crate::message_type::MessageType;

impl MessageType {
    /// What a publisher may send. Fields that are not named are allowed: shapes grow.
    pub fn json_schema(&self) -> Value {
        let properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| (field.name.to_owned(), property(field)))
            .collect();
        let is_required = |field: &&Field| matches!(field.presence, Presence::Required);
        let required: Vec<&str> = self.fields.iter().filter(is_required).map(|field| field.name).collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": format!("urn:bellwether:{}:{}:{}", self.instance, self.tag, crate::SCHEMA_VERSION),
            "title": self.name,
            "description": self.doc.trim(),
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": true,
        })
    }
}

fn property(field: &Field) -> Value {
    let mut schema = field.kind.schema();
    let mut words = field.doc.trim().replace("\n ", " ");
    if field.presence == Presence::Filled {
        words.push_str(" Filled in if left out.");
    }
    if !field.aliases.is_empty() {
        words.push_str(&format!(" Also read as `{}`.", field.aliases.join("`, `")));
    }
    schema.insert("description".to_owned(), words.trim().into());
    if let Some(default) = field.default() {
        schema.insert("default".to_owned(), default);
    }
    if field.presence == Presence::Nullable
        && let Some(Value::String(kind)) = schema.get("type").cloned()
    {
        schema.insert("type".to_owned(), json!([kind, "null"]));
    }
    Value::Object(schema)
}
