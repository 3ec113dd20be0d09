//! What a request shows of its client.

use axum::extract::Request;
use axum::http::header::{ACCEPT, AUTHORIZATION, UPGRADE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Uri};

use crate::error::{ApiError, Reason};

/// The parameter by which a browser shows a token where it can set no header.
const TOKEN: &str = "token";

/// What was shown in a request itself.
#[derive(PartialEq, Eq)]
pub(crate) struct Shown {
    token: Option<String>,
}

impl Shown {
    /// Takes what a request shows, and the token out of its target, so that nothing behind can log or repeat it.
    ///
    /// A token stands in `Authorization: Bearer`. In the query it counts only where a browser has no other way: of an
    /// event stream or a WebSocket.
    pub(crate) fn take(request: &mut Request) -> Result<Self, ApiError> {
        let in_query = take_parameter(request);
        let in_header = bearer(request.headers())?;
        let in_query = in_query.filter(|_| is_browsers(request));
        Ok(Self {
            token: in_header.or(in_query),
        })
    }

    /// The token.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return match headers.contains_key(AUTHORIZATION) {
            true => Err(wrong("a request has at most one Authorization header")),
            false => Ok(None),
        };
    };
    let token = value.to_str().ok().and_then(|value| value.trim().split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim().to_owned())),
        _ => Err(wrong("write `Authorization: Bearer TOKEN`")),
    }
}

fn wrong(words: &str) -> ApiError {
    ApiError::new(Reason::Unauthenticated, words)
}

/// Whether a browser makes such requests without letting a page set their headers.
fn is_browsers(request: &Request) -> bool {
    let has = |name, wanted: &str| {
        let values = request
            .headers()
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut items = values.flat_map(|value| value.split([',', ';']));
        items.any(|item| item.trim().eq_ignore_ascii_case(wanted))
    };
    request.method() == Method::GET && (has(UPGRADE, "websocket") || has(ACCEPT, "text/event-stream"))
}

/// Takes `token` out of the query, whatever the request is.
fn take_parameter(request: &mut Request) -> Option<String> {
    let query = request.uri().query()?;
    let is_token = |pair: &&str| pair.split('=').next() == Some(TOKEN);
    if !query.split('&').any(|pair| is_token(&pair)) {
        return None;
    }
    let token = query.split('&').find(is_token).and_then(|pair| pair.split_once('='));
    let token = token.map(|(_, token)| token.to_owned());
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_token(pair)).collect();
    let target = match rest.as_slice() {
        [] => request.uri().path().to_owned(),
        rest => format!("{}?{}", request.uri().path(), rest.join("&")),
    };
    let mut parts = request.uri().clone().into_parts();
    // A part of a target is one.
    parts.path_and_query = PathAndQuery::try_from(target).ok();
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    token
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn a_token_is_taken_from_where_it_may_stand_and_never_left_in_the_target() {
        let sse = ("accept", "text/event-stream");
        let socket = ("upgrade", "WebSocket");
        for (method, target, headers, token, left) in [
            ("GET", "/v1/members", &[][..], None, "/v1/members"),
            ("GET", "/a", &[("authorization", "Bearer t")], Some("t"), "/a"),
            (
                "POST",
                "/a?b=1",
                &[("authorization", "bearer  t ")],
                Some("t"),
                "/a?b=1",
            ),
            ("GET", "/a?token=t", &[sse], Some("t"), "/a"),
            ("GET", "/a?b=1&token=t&c=%20", &[sse], Some("t"), "/a?b=1&c=%20"),
            ("GET", "/a?token=t", &[socket], Some("t"), "/a"),
            ("GET", "/a?token=t", &[], None, "/a"),
            ("POST", "/a?token=t&b", &[sse], None, "/a?b"),
            ("GET", "/a?token", &[sse], None, "/a"),
            ("GET", "/a?tokens=t", &[sse], None, "/a?tokens=t"),
            (
                "GET",
                "/a?token=t",
                &[sse, ("authorization", "Bearer u")],
                Some("u"),
                "/a",
            ),
        ] {
            let mut request = request(method, target, headers);
            let shown = Shown::take(&mut request).unwrap_or_else(|err| panic!("{target}: {}", err.words()));
            assert_eq!(shown.token.as_deref(), token, "{method} {target} {headers:?}");
            assert_eq!(request.uri().to_string(), left, "{method} {target} {headers:?}");
        }
    }

    #[test]
    fn what_is_no_bearer_is_refused_and_not_repeated() {
        for headers in [
            &[("authorization", "Basic c2VjcmV0")][..],
            &[("authorization", "bwt1_secret")],
            &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
        ] {
            let refused = Shown::take(&mut request("GET", "/", headers)).err().unwrap();
            assert!(!refused.words().contains("c2VjcmV0") && !refused.words().contains("secret"));
        }
    }
}
