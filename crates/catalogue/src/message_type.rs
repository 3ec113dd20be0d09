//! A message type: what one kind of message is called, where it goes, and what it says.

use bellwether_message::Instance;
use serde_json::{Map, Value};

use crate::field::{Field, Kind, Presence};
use crate::invalid::Invalid;
use crate::stamp::Stamp;

/// One type of the catalogue.
#[derive(Debug)]
pub struct MessageType {
    /// Its name, as `NodeHealth`.
    pub name: &'static str,
    /// The event tag it travels under, as `node_health_updated`.
    pub tag: &'static str,
    /// Where it is published.
    pub instance: Instance,
    /// Whether it is one of the 36 of the nine families, or one that the original's publishers make up by themselves.
    pub is_family: bool,
    /// Where it goes if its publisher names no topic; `{field}` stands for the text of that field.
    pub topic: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// Brings other shapes of it into this one.
    pub(crate) normalize: fn(&mut Map<String, Value>),
    /// Judges it as its publisher gave it, and fills in the rest.
    pub(crate) complete: fn(Map<String, Value>, &Stamp) -> Result<Value, serde_json::Error>,
    /// Fills in the rest from what else it says.
    pub(crate) read: fn(Map<String, Value>) -> Result<Value, serde_json::Error>,
}

/// The version of the shapes that this catalogue writes.
pub const SCHEMA_VERSION: u16 = 1;

impl MessageType {
    /// The field of that name, or with that alias.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        let named = |field: &&Field| field.name == name || field.aliases.contains(&name);
        self.fields.iter().find(named)
    }

    /// A message of this type as its publisher gives it: known names, one form of each time, the rest untouched.
    ///
    /// # Errors
    /// [`Invalid`]: the first rule that it breaks, with every field that breaks it.
    pub fn prepare(&self, payload: Value, stamp: &Stamp) -> Result<Value, Invalid> {
        let mut map = self.normal(payload)?;
        self.check(&map, |_| false)?;
        let closed = |field: &&Field| map.get(field.name).is_some_and(|value| !field.kind.accepts_word(value));
        let strange: Vec<&'static Field> = self.fields.iter().filter(closed).collect();
        if let Some(err) = Invalid::unknown_words(&strange, &map) {
            return Err(err);
        }
        self.fill_defaults(&mut map);
        let whole = (self.complete)(map, stamp).map_err(|err| Invalid::unreadable(&err))?;
        // What was filled in is judged too: it may come from a caller.
        if let Value::Object(map) = &whole {
            self.check(map, |_| true)?;
        }
        Ok(whole)
    }

    /// A received message of this type in its present shape: words and fields that this version does not know are kept.
    ///
    /// # Errors
    /// [`Invalid`]: the first rule that it breaks, with every field that breaks it.
    pub fn validate(&self, payload: Value) -> Result<Value, Invalid> {
        let mut map = self.normal(payload)?;
        // The original's validators ask for the node of these two only.
        let names_its_node = matches!(self.tag, "system_lifecycle_event" | "feature_toggle_changed");
        self.check(&map, |filled| {
            filled.name == "timestamp" || (names_its_node && filled.name == "node")
        })?;
        self.fill_defaults(&mut map);
        (self.read)(map).map_err(|err| Invalid::unreadable(&err))
    }

    fn normal(&self, payload: Value) -> Result<Map<String, Value>, Invalid> {
        let Value::Object(mut map) = payload else {
            return Err(Invalid::not_an_object(&payload));
        };
        for field in self.fields {
            for alias in field.aliases {
                if let Some(value) = map.remove(*alias) {
                    match map.get(field.name) {
                        None | Some(Value::Null) => map.insert(field.name.to_owned(), value),
                        // Both are said: nothing is lost.
                        Some(_) => map.insert((*alias).to_owned(), value),
                    };
                }
            }
        }
        (self.normalize)(&mut map);
        for field in self.fields {
            if let Some(value) = map.get_mut(field.name) {
                if value.is_null() && field.presence != Presence::Nullable {
                    map.remove(field.name);
                } else if let (Kind::Time, Some(ms)) = (field.kind, value.as_i64()) {
                    *value = bellwether_message::Timestamp::from_millis(ms).to_string().into();
                }
            }
        }
        Ok(map)
    }

    /// The checks in the order of the original: what must be there, names of nodes, times; then everything else.
    /// `is_demanded` says which of the fields that may be filled in must be there.
    fn check(&self, map: &Map<String, Value>, is_demanded: impl Fn(&Field) -> bool) -> Result<(), Invalid> {
        let is_missing = |field: &&Field| {
            let demanded = match field.presence {
                Presence::Required => true,
                Presence::Filled => is_demanded(field),
                Presence::Nullable | Presence::Optional => false,
            };
            demanded && !map.contains_key(field.name)
        };
        let wrong = |field: &&Field| map.get(field.name).is_some_and(|value| !accepts(field, value));
        let missing: Vec<&'static Field> = self.fields.iter().filter(is_missing).collect();
        let wrong: Vec<&'static Field> = self.fields.iter().filter(wrong).collect();
        Invalid::of(&missing, &wrong, map).map_or(Ok(()), Err)
    }

    fn fill_defaults(&self, map: &mut Map<String, Value>) {
        for field in self.fields {
            if let (Some(make), false) = (field.default, map.contains_key(field.name)) {
                map.insert(field.name.to_owned(), make());
            }
        }
    }

    /// The topic that a message goes to if its publisher names none: [`topic`](Self::topic) with what it says put in.
    pub fn topic_of(&self, payload: &Value) -> String {
        crate::template::fill(self.topic, |name| {
            payload.get(name).and_then(Value::as_str).map(str::to_owned)
        })
    }

    /// A message with every field.
    pub fn example(&self) -> Value {
        let fields = self.fields.iter();
        Value::Object(fields.map(|field| (field.name.to_owned(), field.example())).collect())
    }
}

fn accepts(field: &Field, value: &Value) -> bool {
    (value.is_null() && field.presence == Presence::Nullable) || field.kind.accepts(value)
}
