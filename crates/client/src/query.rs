//! Paths and queries, encoded.

use std::fmt::Write;

/// A path, every segment that is added to it encoded.
#[derive(Debug, Clone)]
pub struct Path {
    text: String,
}

impl Path {
    /// A path that needs no encoding, without a slash at its end.
    pub fn new(path: impl Into<String>) -> Self {
        Self { text: path.into() }
    }

    /// The path of what has this name there.
    #[must_use]
    pub fn segment(mut self, name: &str) -> Self {
        self.text.push('/');
        push_encoded(&mut self.text, name);
        self
    }

    /// The same path with a query behind it.
    pub fn query(self) -> Query {
        Query {
            text: self.text,
            separator: '?',
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A path with a query, every value encoded.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    separator: char,
}

impl Query {
    /// One parameter more. The key needs no encoding.
    pub fn add(&mut self, key: &str, value: &str) {
        self.text.push(self.separator);
        self.text.push_str(key);
        self.text.push('=');
        push_encoded(&mut self.text, value);
        self.separator = '&';
    }

    /// One parameter more; nothing is added where nothing is given.
    pub fn add_given(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(key, value);
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Appends `text` percent-encoded (RFC 3986): everything but unreserved characters and `:`, which stands for itself
/// in paths and queries and is in every topic.
fn push_encoded(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            to.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_encoded() {
        let mut query = Path::new("/v1/thresholds").segment("a/b é?#").query();
        query.add("topic", "50 % full:x&y=z");
        query.add_given("none", None);
        query.add_given("some", Some("+"));
        assert_eq!(
            query.as_str(),
            "/v1/thresholds/a%2Fb%20%C3%A9%3F%23?topic=50%20%25%20full:x%26y%3Dz&some=%2B"
        );
    }
}
