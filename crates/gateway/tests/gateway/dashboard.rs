use bellwether_access::Policy;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;

use crate::access;
use crate::client::Client;
use crate::served::{Served, soon};

async fn get(client: &mut Client, path: &str, headers: &[(&str, &str)]) -> (Response<()>, String) {
    let response: Response<Incoming> = client.begin("GET", path, headers, "").await;
    let (parts, body) = response.into_parts();
    let body = soon(body.collect()).await.unwrap().to_bytes();
    (
        Response::from_parts(parts, ()),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

fn header<'a>(response: &'a Response<()>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_page_and_its_files_come_with_their_types_and_a_strict_policy() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for (path, content_type, part) in [
        ("/dashboard", "text/html; charset=utf-8", "<title>Bellwether</title>"),
        ("/dashboard/style.css", "text/css; charset=utf-8", ":root"),
        ("/dashboard/main.js", "text/javascript; charset=utf-8", "import "),
        ("/dashboard/icon.svg", "image/svg+xml", "<svg"),
    ] {
        let (response, body) = get(&mut client, path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "content-type"), content_type, "{path}");
        assert!(body.contains(part), "{path}: {body:.80}");
        let policy = header(&response, "content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(
                policy.split(';').any(|part| part.trim() == rule),
                "{path}: {rule} in {policy}"
            );
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header(&response, "cache-control"), "no-cache", "{path}");
    }
}

#[tokio::test]
async fn a_browser_that_has_a_file_is_not_sent_it_again() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let (first, _) = get(&mut client, "/dashboard/main.js", &[]).await;
    let tag = header(&first, "etag").to_owned();
    let (other, _) = get(&mut client, "/dashboard/style.css", &[]).await;
    assert_ne!(header(&other, "etag"), tag);
    let (again, body) = get(&mut client, "/dashboard/main.js", &[("if-none-match", &tag)]).await;
    assert_eq!(
        (again.status().as_u16(), body.as_str(), header(&again, "etag")),
        (304, "", tag.as_str())
    );
    assert!(!header(&again, "content-security-policy").is_empty());
    let (changed, body) = get(
        &mut client,
        "/dashboard/main.js",
        &[("if-none-match", "\"of an older version\"")],
    )
    .await;
    assert_eq!(changed.status(), 200);
    assert!(!body.is_empty());
}

#[tokio::test]
async fn browsers_are_shown_to_the_page_and_programs_get_the_list() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let (response, _) = get(&mut client, "/", &[("accept", browser)]).await;
    assert_eq!(
        (
            response.status().as_u16(),
            header(&response, "location"),
            header(&response, "vary")
        ),
        (303, "dashboard", "accept")
    );
    for accept in ["*/*", "text/plain", "application/json"] {
        let (response, body) = get(&mut client, "/", &[("accept", accept)]).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "content-type")),
            (200, "text/plain; charset=utf-8"),
            "{accept}"
        );
        assert!(body.contains("GET  /dashboard "), "{accept}");
    }
}

#[tokio::test]
async fn nothing_else_is_below_it() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for path in [
        "/dashboard/nothing.js",
        "/dashboard/..%2flib.rs",
        "/dashboard/index.html/",
        "/dashboard/a/b",
        "/dashboard/",
    ] {
        client.get(path).await.expect_error(404, "unknown_path", "");
    }
    client
        .post("/dashboard", "", "")
        .await
        .expect_error(405, "wrong_method", "does not take POST");
    let answer = client.send("GET", "/dashboard", &[("host", "evil.example")], "").await;
    answer.expect_error(421, "bad_host", "must be an IP address or localhost");
    let answer = client
        .send("GET", "/dashboard/main.js", &[("origin", "http://evil.example")], "")
        .await;
    answer.expect_error(403, "bad_origin", "another origin");
}

/// The files are open to anybody, as they hold nothing; what they ask for is not.
#[tokio::test]
async fn who_shows_no_token_gets_the_page_and_nothing_to_fill_it_with() {
    let served = access::served(Policy::closed()).await;
    let mut client = served.client().await;
    for path in ["/dashboard", "/dashboard/main.js"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    for path in [
        "/v1/mesh",
        "/v1/mesh?format=sse",
        "/v1/members",
        "/v1/alerts",
        "/v1/subscribe?pattern=alerts/*",
    ] {
        client.get(path).await.expect_error(401, "unauthenticated", "");
    }
}
