//! `GET /dashboard`: a page for people, on which any node shows the whole mesh.
//!
//! The files are in the program and hold nothing else, so whoever reaches the listener may have them. What the page shows it
//! asks for as whoever looks at it, and it asks nobody but its own node. No part of it is built: what a browser runs is what
//! is in `dashboard/`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

use crate::api::{Api, wrong_method};
use crate::error::{ApiError, Reason};

/// Nothing but these files and this node; and no text becomes HTML or a script, even if one of the files wished it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/svg+xml";

/// The page itself.
const PAGE: &str = "index.html";

macro_rules! files {
    ($($name:literal: $content_type:expr),+ $(,)?) => {
        [$(File {
            name: $name,
            content_type: $content_type,
            content: include_bytes!(concat!("dashboard/", $name)),
        }),+]
    };
}

/// All that there is.
const FILES: [File; 24] = files![
    "index.html": HTML,
    "style.css": STYLE,
    "icon.svg": ICON,
    "main.js": SCRIPT,
    "alerts.js": SCRIPT,
    "chain.js": SCRIPT,
    "chart.js": SCRIPT,
    "dom.js": SCRIPT,
    "event_stream.js": SCRIPT,
    "findings.js": SCRIPT,
    "format.js": SCRIPT,
    "gaps.js": SCRIPT,
    "instance_names.js": SCRIPT,
    "instances.js": SCRIPT,
    "keys.js": SCRIPT,
    "members.js": SCRIPT,
    "mesh.js": SCRIPT,
    "message.js": SCRIPT,
    "node.js": SCRIPT,
    "series.js": SCRIPT,
    "subscriptions.js": SCRIPT,
    "tail.js": SCRIPT,
    "theme.js": SCRIPT,
    "topology.js": SCRIPT,
];

struct File {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

/// Open to everybody: put it outside of what authenticates.
pub(crate) fn router() -> Router<Api> {
    Router::new()
        .route(
            "/dashboard",
            get(|headers: HeaderMap| async move { serve(PAGE, &headers) }),
        )
        .route(
            "/dashboard/{file}",
            get(|Path(name): Path<String>, headers: HeaderMap| async move { serve(&name, &headers) }),
        )
        .method_not_allowed_fallback(wrong_method)
}

fn serve(name: &str, headers: &HeaderMap) -> Response {
    static TAGS: LazyLock<[HeaderValue; FILES.len()]> = LazyLock::new(|| FILES.each_ref().map(|file| file.tag()));

    let Some((file, tag)) = FILES.iter().zip(TAGS.iter()).find(|(file, _)| file.name == name) else {
        let words = "the dashboard has no such file; it is at /dashboard";
        return ApiError::new(Reason::UnknownPath, words).into_response();
    };
    let mut response = match is_known(headers, tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => (
            [(header::CONTENT_TYPE, file.content_type)],
            Bytes::from_static(file.content),
        )
            .into_response(),
    };
    for (name, value) in [
        // Asked for each time, so that a page is never of two versions of the program.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(header::ETAG, tag.clone());
    response
}

/// Whether the browser has the file already.
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known.as_bytes() == tag.as_bytes())
}

impl File {
    /// Another for other bytes, as long as nobody means harm; these are our own.
    fn tag(&self) -> HeaderValue {
        let mut hasher = DefaultHasher::new();
        self.content.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        tag.try_into().unwrap_or(HeaderValue::from_static("\"\""))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn text(file: &File) -> &'static str {
        std::str::from_utf8(file.content).unwrap()
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard");
        let found: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let served: BTreeSet<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(served, found);
    }

    #[test]
    fn what_the_files_name_is_there() {
        let names: BTreeSet<&str> = FILES.iter().map(|file| file.name).collect();
        let mut named = BTreeSet::from([PAGE]);
        for file in &FILES {
            for opening in [" from './", "=\"dashboard/"] {
                for part in text(file).split(opening).skip(1) {
                    named.insert(part.split(['\'', '"']).next().unwrap());
                }
            }
        }
        assert_eq!(named, names, "no file too few, none too many");
    }

    #[test]
    fn no_text_becomes_html_and_nothing_comes_from_elsewhere() {
        for file in &FILES {
            for danger in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "style=\"",
            ] {
                assert!(!text(file).contains(danger), "{danger} in {}", file.name);
            }
            for part in text(file).split("://").skip(1) {
                assert!(
                    part.starts_with("www.w3.org/2000/svg"),
                    "another host in {}: {part:.40}",
                    file.name
                );
            }
        }
    }

    #[test]
    fn a_tag_is_known_in_a_list_and_weak() {
        let tag = HeaderValue::from_static("\"1\"");
        for (given, known) in [
            ("\"1\"", true),
            ("W/\"1\"", true),
            ("\"0\", \"1\"", true),
            ("*", true),
            ("\"11\"", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, given.parse().unwrap())]);
            assert_eq!(is_known(&headers, &tag), known, "{given}");
        }
        assert!(!is_known(&HeaderMap::new(), &tag));
    }
}
