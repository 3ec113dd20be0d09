//! Headers: what a publisher adds to a message beside its payload, carried as given.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Most bytes of all headers of a message together, as they are kept: each name and value, and four more.
pub const MAX_HEADERS_BYTES: usize = 4096;

const SEPARATOR: &str = ": ";
const END: &str = "\r\n";

/// Names with values, in the order they were added; a name may come several times. The mesh carries them and reads none.
///
/// A name is one or more visible ASCII characters without `:`; a value is UTF-8 without line breaks and other ASCII control
/// characters but the tab. All together have at most [`MAX_HEADERS_BYTES`]. Kept as they are written by HTTP and NATS,
/// `Name: value` CR LF, one after the other.
///
/// ```
/// use bellwether_message::Headers;
///
/// let mut headers = Headers::default();
/// headers.push("Trace", "17")?;
/// assert_eq!(headers.view().get("Trace"), Some("17"));
/// # Ok::<(), bellwether_message::HeaderError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(String);

/// The same, of a message that was received.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HeadersView<'a>(&'a str);

impl Headers {
    /// Adds one at the end.
    ///
    /// # Errors
    /// [`HeaderError`]; nothing was added.
    pub fn push(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        check(name, value)?;
        let bytes = self.0.len() + name.len() + SEPARATOR.len() + value.len() + END.len();
        if bytes > MAX_HEADERS_BYTES {
            return Err(HeaderError::TooLong { bytes });
        }
        for part in [name, SEPARATOR, value, END] {
            self.0.push_str(part);
        }
        Ok(())
    }

    /// Gives the one header of a name another value, in its place; upper and lower case are alike, and its name is kept.
    /// Where there is none, or there are several, it is added at the end, and those go.
    ///
    /// # Errors
    /// [`HeaderError`]; nothing was changed.
    pub fn replace(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let known = |known: &str| known.eq_ignore_ascii_case(name);
        let is_one = self.view().values(name).count() == 1;
        let mut replaced = Self::default();
        for (each, old) in self.view().iter() {
            match known(each) {
                true if is_one => replaced.push(each, value)?,
                true => {}
                false => replaced.push(each, old)?,
            }
        }
        if !is_one {
            replaced.push(name, value)?;
        }
        *self = replaced;
        Ok(())
    }

    /// Reads them as they are [shown](HeadersView), leaving out what breaks the rules: of a node, which may have others.
    ///
    /// # Errors
    /// If there is no object of texts and lists of texts.
    pub fn deserialize_known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields { is_strict: false })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A look at them.
    pub fn view(&self) -> HeadersView<'_> {
        HeadersView(&self.0)
    }
}

impl<'a> HeadersView<'a> {
    /// What was received, unless it breaks a rule.
    pub(crate) fn checked(text: &'a str) -> Option<Self> {
        let mut rest = text;
        while !rest.is_empty() {
            let (line, behind) = rest.split_once(END)?;
            let (name, value) = line.split_once(SEPARATOR)?;
            check(name, value).ok()?;
            rest = behind;
        }
        (text.len() <= MAX_HEADERS_BYTES).then_some(Self(text))
    }

    pub(crate) fn unchecked(text: &'a str) -> Self {
        Self(text)
    }

    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.0
            .split_terminator(END)
            .filter_map(|line| line.split_once(SEPARATOR))
    }

    /// The first value of a name; upper and lower case differ.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The values of a name, in their order; upper and lower case are alike.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All as they are kept: `Name: value` CR LF, one after the other.
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// A copy to keep.
    pub fn to_headers(&self) -> Headers {
        Headers(self.0.to_owned())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl fmt::Debug for HeadersView<'_> {
    /// Names only: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// `{"Name": "value"}`, and a list where a name comes several times.
impl Serialize for HeadersView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, (name, _)) in self.iter().enumerate() {
            if self.iter().take(at).any(|(earlier, _)| earlier == name) {
                continue;
            }
            let mut values = self.iter().filter(|(known, _)| *known == name).map(|(_, value)| value);
            match (values.next(), values.next()) {
                (Some(only), None) => map.serialize_entry(name, only)?,
                (first, second) => {
                    let all: Vec<&str> = first.into_iter().chain(second).chain(values).collect();
                    map.serialize_entry(name, &all)?;
                }
            }
        }
        map.end()
    }
}

/// As they are [shown](HeadersView); what breaks a rule is an error.
impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields { is_strict: true })
    }
}

/// Reads `{"Name": "value", "Other": ["one", "two"]}`.
struct Fields {
    /// Whether what breaks a rule is an error, or left out.
    is_strict: bool,
}

impl<'de> Visitor<'de> for Fields {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of headers such as {\"trace-id\":\"17\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Values {
            One(String),
            Many(Vec<String>),
        }

        let mut headers = Headers::default();
        while let Some((name, values)) = map.next_entry::<String, Values>()? {
            let values = match values {
                Values::One(value) => vec![value],
                Values::Many(values) => values,
            };
            for value in values {
                match headers.push(&name, &value) {
                    Err(err) if self.is_strict => return Err(A::Error::custom(err)),
                    _ => {}
                }
            }
        }
        Ok(headers)
    }
}

fn check(name: &str, value: &str) -> Result<(), HeaderError> {
    let is_name = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(HeaderError::Name);
    }
    if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(HeaderError::Value);
    }
    Ok(())
}

/// Why a header cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name.
    #[error("the name of a header must be visible ASCII characters without `:`, such as `Trace-Id`")]
    Name,
    /// The value.
    #[error("the value of a header holds a line break or another control character; use printable text")]
    Value,
    /// All together.
    #[error("the headers have {bytes} bytes together; at most {MAX_HEADERS_BYTES} are allowed")]
    TooLong {
        /// With this one.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn they_are_kept_in_their_order_and_doubles_too() {
        let mut headers = Headers::default();
        for (name, value) in [("A", "1"), ("b", ""), ("A", "2: 3"), ("C", "é\t")] {
            headers.push(name, value).unwrap();
        }
        let view = headers.view();
        assert_eq!(view.as_str(), "A: 1\r\nb: \r\nA: 2: 3\r\nC: é\t\r\n");
        assert_eq!(
            view.iter().collect::<Vec<_>>(),
            [("A", "1"), ("b", ""), ("A", "2: 3"), ("C", "é\t")]
        );
        assert_eq!((view.get("A"), view.get("a")), (Some("1"), None));
        assert_eq!(
            serde_json::to_string(&view).unwrap(),
            r#"{"A":["1","2: 3"],"b":"","C":"é\t"}"#
        );
        assert_eq!(format!("{view:?}"), r#"["A", "b", "A", "C"]"#);
    }

    #[test]
    fn what_would_break_a_line_is_refused() {
        let mut headers = Headers::default();
        for name in ["", "a b", "a:b", "ä", "a\n"] {
            assert_eq!(headers.push(name, "x"), Err(HeaderError::Name), "{name:?}");
        }
        for value in ["a\r\nb", "\0", "\u{7f}"] {
            assert_eq!(headers.push("a", value), Err(HeaderError::Value), "{value:?}");
        }
        headers.push("a", &"x".repeat(MAX_HEADERS_BYTES - 5)).unwrap();
        let bytes = MAX_HEADERS_BYTES + 5;
        assert_eq!(headers.push("b", ""), Err(HeaderError::TooLong { bytes }));
        assert_eq!(headers.view().iter().count(), 1);
    }

    #[test]
    fn one_is_replaced_in_its_place_and_several_become_one() {
        let headers = |given: &[(&str, &str)]| {
            let mut headers = Headers::default();
            for (name, value) in given {
                headers.push(name, value).unwrap();
            }
            headers
        };
        let mut one = headers(&[("a", "1"), ("Trace", "2"), ("b", "3")]);
        assert_eq!(one.view().values("trace").collect::<Vec<_>>(), ["2"]);
        one.replace("trace", "9").unwrap();
        assert_eq!(one.view().as_str(), "a: 1\r\nTrace: 9\r\nb: 3\r\n");
        let mut several = headers(&[("t", "1"), ("a", "2"), ("T", "3")]);
        several.replace("t", "9").unwrap();
        assert_eq!(several.view().as_str(), "a: 2\r\nt: 9\r\n");
        let mut none = Headers::default();
        none.replace("t", "9").unwrap();
        assert_eq!(none.view().as_str(), "t: 9\r\n");
        assert_eq!(none.replace("t", "\n"), Err(HeaderError::Value));
        assert!(none.replace("t", &"x".repeat(MAX_HEADERS_BYTES)).is_err());
        assert_eq!(none.view().as_str(), "t: 9\r\n", "nothing was changed");
    }

    #[test]
    fn they_are_read_as_they_are_shown() {
        let text = r#"{"A":["1","2: 3"],"b":"","C":"é"}"#;
        let headers: Headers = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&headers.view()).unwrap(), text);
        let known = |text: &str| Headers::deserialize_known(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(known(text).unwrap(), headers);
        let broken = r#"{"a b":"1","c":["2","\n"]}"#;
        assert!(serde_json::from_str::<Headers>(broken).is_err());
        assert_eq!(known(broken).unwrap().view().as_str(), "c: 2\r\n");
        for text in ["[]", "7", r#"{"a":1}"#, r#"{"a":[1]}"#] {
            let err = serde_json::from_str::<Headers>(text).unwrap_err();
            assert!(known(text).is_err(), "{text}: {err}");
        }
    }

    proptest! {
        #[test]
        fn what_was_pushed_is_what_is_received(given in prop::collection::vec(("[!-9;-~]{1,8}", "[ -~é\t]{0,12}"), 0..20)) {
            let mut headers = Headers::default();
            for (name, value) in &given {
                headers.push(name, value).unwrap();
            }
            let view = HeadersView::checked(headers.view().as_str()).unwrap();
            let back: Vec<_> = view.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            prop_assert_eq!(back, given);
        }

        #[test]
        fn other_text_is_refused_or_read(text in "[a: \r\n\t\u{1}]{0,40}") {
            if let Some(view) = HeadersView::checked(&text) {
                prop_assert!(view.iter().all(|(name, value)| check(name, value).is_ok()));
            }
        }
    }
}
