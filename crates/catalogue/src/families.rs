//! The nine families, one per instance but `events`, and the messages that belong to none.

pub mod alerts;
pub mod audit;
pub mod diagnostics;
pub mod events;
pub mod health;
pub mod lifecycle;
pub mod logging;
pub mod metrics;
pub mod raw;
pub mod security;
pub mod system;

use serde_json::Value;

use crate::field::Object;

/// The object under this key, put there if there is nothing or null; none if something else is there.
fn object<'a>(map: &'a mut Object, key: &str) -> Option<&'a mut Object> {
    or_insert(map, key, Object::new());
    map.get_mut(key)?.as_object_mut()
}

/// Puts a value where there is none, or null.
fn or_insert(map: &mut Object, key: &str, value: impl Into<Value>) {
    let place = map.entry(key).or_insert(Value::Null);
    if place.is_null() {
        *place = value.into();
    }
}
