//! The fields of records and spans, as JSON.

use std::error::Error;
use std::fmt::{self, Write};

use bellwether_catalogue::field::Object;
use serde_json::{Number, Value};
use tracing::field::{Field, Visit};

use super::bounded_text::{BoundedText, json_len};

/// Names in the list of fields that did not fit: as many as a record has fields. Further ones are counted.
pub(super) const MAX_LEFT_OUT: usize = 32;
/// Bytes of such a name: enough to find it in the source.
const MAX_NAME_BYTES: usize = 48;
/// Causes of an error that are told; no chain of use is longer, and one may be endless.
const MAX_CAUSES: usize = 16;
/// Bytes of JSON around a name and a value: quotes, a colon, a comma.
const AROUND: usize = 6;

/// Collects fields as long as they fit.
#[derive(Debug)]
pub(super) struct Fields {
    object: Object,
    /// Bytes of JSON for further ones.
    left: usize,
    left_out: LeftOut,
    /// Names that are not for fields: `_` is appended to such a field's.
    taken: &'static [&'static str],
    /// Fields that are told elsewhere.
    skip: fn(&str) -> bool,
}

impl Fields {
    pub(super) fn new(most: usize) -> Self {
        Self {
            object: Object::new(),
            left: most,
            left_out: LeftOut::default(),
            taken: &[],
            skip: |_| false,
        }
    }

    /// Fields of these names get a `_` at the end.
    pub(super) fn with_taken(mut self, names: &'static [&'static str]) -> Self {
        self.taken = names;
        self
    }

    /// Fields of which it is true are not collected.
    pub(super) fn without(mut self, skip: fn(&str) -> bool) -> Self {
        self.skip = skip;
        self
    }

    pub(super) fn object(&self) -> &Object {
        &self.object
    }

    pub(super) fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// The fields, the bytes of JSON that are left, and what did not fit.
    pub(super) fn finish(self) -> (Object, usize, LeftOut) {
        (self.object, self.left, self.left_out)
    }

    /// What was told later of the same span: the later value of a field stands.
    pub(super) fn merge(&mut self, later: Self) {
        for (name, value) in later.object {
            self.put(name, value);
        }
        self.left_out.add_all(&later.left_out);
    }

    fn add(&mut self, field: &Field, value: Value) {
        let name = field.name();
        if (self.skip)(name) {
            return;
        }
        match self.taken.contains(&name) {
            true => self.put(format!("{name}_"), value),
            false => self.put(name.to_owned(), value),
        }
    }

    fn put(&mut self, name: String, value: Value) {
        let before = self.object.get(&name).map_or(0, |value| cost(&name, value));
        match (self.left + before).checked_sub(cost(&name, &value)) {
            Some(left) => {
                self.left = left;
                self.object.insert(name, value);
            }
            None => self.left_out.add(&name),
        }
    }

    fn add_text(&mut self, field: &Field, text: BoundedText) {
        match text.is_cut() && !(self.skip)(field.name()) {
            true => self.left_out.add(field.name()),
            false => self.add(field, Value::String(text.finish())),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        match Number::from_f64(value) {
            Some(number) => self.add(field, Value::Number(number)),
            None => self.add(field, Value::String(value.to_string())),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => self.record_i64(field, value),
            (_, Ok(value)) => self.record_u64(field, value),
            _ => self.add(field, Value::String(value.to_string())),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.add(field, Value::String(value.to_string())),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match value.len() > self.left && !(self.skip)(field.name()) {
            true => self.left_out.add(field.name()),
            false => self.add(field, value.into()),
        }
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let mut text = BoundedText::new(self.left);
        let _ = write_causes(&mut text, error);
        self.add_text(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = BoundedText::new(self.left);
        let _ = write!(text, "{value:?}");
        self.add_text(field, text);
    }
}

/// The error and what caused it: `no mesh: the port is taken`.
fn write_causes(text: &mut BoundedText, error: &(dyn Error + 'static)) -> fmt::Result {
    write!(text, "{error}")?;
    let mut cause = error.source();
    for _ in 0..MAX_CAUSES {
        let Some(error) = cause else {
            break;
        };
        write!(text, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

/// Bytes of a field in JSON.
pub(super) fn cost(name: &str, value: &Value) -> usize {
    let value = match value {
        Value::Null => 4,
        Value::Bool(_) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => json_len(text) + 2,
        Value::Array(items) => items.iter().map(|item| cost("", item)).sum::<usize>() + 2,
        Value::Object(object) => object.iter().map(|(name, value)| cost(name, value)).sum::<usize>() + 2,
    };
    json_len(name) + AROUND + value
}

/// What did not fit, by name: at most [`MAX_LEFT_OUT`], then only how many.
#[derive(Debug, Clone, Default)]
pub(super) struct LeftOut {
    names: Vec<String>,
    more: u64,
}

impl LeftOut {
    pub(super) fn add(&mut self, name: &str) {
        let name = BoundedText::of(name, MAX_NAME_BYTES);
        if self.names.contains(&name) {
            return;
        }
        match self.names.len() < MAX_LEFT_OUT {
            true => self.names.push(name),
            false => self.more = self.more.saturating_add(1),
        }
    }

    /// Those of a span, each with the span's name before it.
    pub(super) fn add_of_span(&mut self, span: &str, other: &Self) {
        for name in &other.names {
            self.add(&format!("{span}.{name}"));
        }
        self.more = self.more.saturating_add(other.more);
    }

    fn add_all(&mut self, other: &Self) {
        for name in &other.names {
            self.add(name);
        }
        self.more = self.more.saturating_add(other.more);
    }

    /// Null if all fitted.
    pub(super) fn value(&self) -> Value {
        if self.names.is_empty() {
            return Value::Null;
        }
        let mut names = self.names.clone();
        if self.more > 0 {
            names.push(format!("and {} more", self.more));
        }
        names.into()
    }
}
