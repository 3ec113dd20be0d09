//! The W3C trace context of a request, for the messages that it publishes.
//!
//! A message that says `traceparent` or `tracestate` itself, as a header or as the attribute of a CloudEvent, keeps what it
//! says. Any other is given those of the request. What they say is carried and not judged here.

use axum::http::HeaderMap;
use bellwether::{Headers, TRACEPARENT, TRACESTATE};

/// What a request says of its trace; often nothing.
#[derive(Debug, Default)]
pub(crate) struct TraceContext {
    /// At most one `traceparent`, and no `tracestate` without it.
    headers: Headers,
}

impl TraceContext {
    /// Nothing, unless there is exactly one `traceparent`. What a message cannot carry is left out: it must not fail for
    /// what an instrumented client added.
    pub(crate) fn of(request: &HeaderMap) -> Self {
        let mut context = Self::default();
        let mut parents = request.get_all(TRACEPARENT).iter();
        if let (Some(parent), None) = (parents.next(), parents.next())
            && context.keep(TRACEPARENT, parent.as_bytes())
        {
            for state in request.get_all(TRACESTATE) {
                context.keep(TRACESTATE, state.as_bytes());
            }
        }
        context
    }

    fn keep(&mut self, name: &str, value: &[u8]) -> bool {
        std::str::from_utf8(value).is_ok_and(|value| self.headers.push(name, value).is_ok())
    }

    /// Gives it to a message that has none. Without room for all of it the message goes as it is.
    pub(crate) fn give_to(&self, message: &mut Headers) {
        if self.headers.is_empty() {
            return;
        }
        let has_own = |name| message.view().values(name).next().is_some();
        if has_own(TRACEPARENT) || has_own(TRACESTATE) {
            return;
        }
        let mut both = message.clone();
        if self
            .headers
            .view()
            .iter()
            .all(|(name, value)| both.push(name, value).is_ok())
        {
            *message = both;
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn request(headers: &[(&'static str, &[u8])]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap()))
            .collect()
    }

    fn given(request: &HeaderMap, own: &[(&str, &str)]) -> String {
        let mut headers = Headers::default();
        for (name, value) in own {
            headers.push(name, value).unwrap();
        }
        TraceContext::of(request).give_to(&mut headers);
        headers.view().as_str().to_owned()
    }

    #[test]
    fn a_message_without_its_own_is_given_that_of_its_request() {
        let full = request(&[
            (TRACEPARENT, PARENT.as_bytes()),
            (TRACESTATE, b"a=1"),
            (TRACESTATE, b"b=2"),
            ("x", b"y"),
        ]);
        let state = "tracestate: a=1\r\ntracestate: b=2\r\n";
        assert_eq!(given(&full, &[]), format!("traceparent: {PARENT}\r\n{state}"));
        let own = "Traceparent: own\r\n";
        assert_eq!(given(&full, &[("Traceparent", "own")]), own);
        assert_eq!(given(&full, &[("tracestate", "c=3")]), "tracestate: c=3\r\n");
        assert_eq!(
            given(&request(&[(TRACEPARENT, b"what it is")]), &[]),
            "traceparent: what it is\r\n"
        );
    }

    #[test]
    fn what_says_nothing_or_cannot_be_carried_changes_nothing() {
        let twice = [(TRACEPARENT, PARENT.as_bytes()), (TRACEPARENT, PARENT.as_bytes())];
        for headers in [&twice[..], &[(TRACESTATE, b"a=1")], &[(TRACEPARENT, b"\xff")], &[]] {
            assert_eq!(given(&request(headers), &[]), "");
        }
        let long = "x".repeat(4090);
        let full = request(&[(TRACEPARENT, PARENT.as_bytes()), (TRACESTATE, long.as_bytes())]);
        assert_eq!(given(&full, &[]), format!("traceparent: {PARENT}\r\n"));
        let own = "x".repeat(4060);
        assert_eq!(given(&full, &[("n", &own)]), format!("n: {own}\r\n"));
    }
}
