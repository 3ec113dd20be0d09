//! What a payload's bytes are, as far as the mesh cares.

use std::borrow::Cow;
use std::fmt;

/// A media type. The three common ones cost one byte on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum ContentType {
    /// `application/json`: shown to clients as a JSON value.
    #[default]
    Json,
    /// `text/plain`: shown to clients as a JSON string.
    Text,
    /// `application/octet-stream`: shown to clients in base64.
    Bytes,
    /// Any other media type; `text/…` is shown as a string, the rest in base64.
    Other(Cow<'static, str>),
}

impl ContentType {
    /// The media type with these letters; parameters (`; charset=utf-8`) are kept as given.
    pub fn from_name(name: &str) -> Self {
        match name {
            "application/json" => Self::Json,
            "text/plain" => Self::Text,
            "application/octet-stream" => Self::Bytes,
            other => Self::Other(Cow::Owned(other.to_owned())),
        }
    }

    /// The media type as it is written in HTTP and JSON.
    pub fn name(&self) -> &str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain",
            Self::Bytes => "application/octet-stream",
            Self::Other(name) => name,
        }
    }

    /// Whether clients are shown the payload as a JSON value.
    pub fn is_json(&self) -> bool {
        let name = self.name();
        name == "application/json" || name.starts_with("application/json;") || name.ends_with("+json")
    }

    /// Whether clients are shown the payload as a string.
    pub fn is_text(&self) -> bool {
        self.name().starts_with("text/")
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
