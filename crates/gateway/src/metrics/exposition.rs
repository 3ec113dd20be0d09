//! The text that collectors read: families of samples.

use std::fmt::{self, Display, Write};

use axum::http::{HeaderMap, header};

/// In which of its two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Prometheus' text form 0.0.4.
    Text,
    /// OpenMetrics 1.0.0: counters are named without `_total` where they are described, and the end is marked.
    OpenMetrics,
}

impl Form {
    /// What the header `Accept` asks for: the old form, unless the other one is named.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter();
        let mut accepted = accepted.filter_map(|value| value.to_str().ok());
        match accepted.any(|value| value.contains("application/openmetrics-text")) {
            true => Self::OpenMetrics,
            false => Self::Text,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The text as far as it is written. Samples are written as lines behind their family.
#[derive(Debug)]
pub(super) struct Exposition {
    text: String,
    form: Form,
}

impl Exposition {
    pub(super) fn new(form: Form) -> Self {
        Self {
            text: String::with_capacity(32 * 1024),
            form,
        }
    }

    /// Begins a family.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) -> fmt::Result {
        let described = match self.form {
            Form::OpenMetrics if kind == "counter" => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        writeln!(self, "# HELP {described} {help}\n# TYPE {described} {kind}")
    }

    /// A family of one sample without labels.
    pub(super) fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) -> fmt::Result {
        self.family(name, kind, help)?;
        writeln!(self, "{name} {value}")
    }

    /// All of it.
    pub(super) fn finish(mut self) -> String {
        if self.form == Form::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

impl Write for Exposition {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.write_str(text)
    }
}

/// The value of a label: a stranger's text, which must not end it, nor the line.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                plain => f.write_char(plain)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_differs_in_the_names_of_counters_and_in_its_end() {
        let text = |form| {
            let mut out = Exposition::new(form);
            out.single("a_total", "counter", "A.", 1).unwrap();
            out.single("b", "gauge", "B.", 2).unwrap();
            out.finish()
        };
        let samples = "b 2\n";
        assert_eq!(
            text(Form::Text),
            format!("# HELP a_total A.\n# TYPE a_total counter\na_total 1\n# HELP b B.\n# TYPE b gauge\n{samples}")
        );
        assert_eq!(
            text(Form::OpenMetrics),
            format!("# HELP a A.\n# TYPE a counter\na_total 1\n# HELP b B.\n# TYPE b gauge\n{samples}# EOF\n")
        );
    }

    #[test]
    fn the_form_is_the_one_that_is_asked_for() {
        let form = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            Form::accepted(&headers)
        };
        assert_eq!(form("*/*"), Form::Text);
        assert_eq!(
            form("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"),
            Form::OpenMetrics
        );
        assert_eq!(Form::accepted(&HeaderMap::new()), Form::Text);
    }
}
