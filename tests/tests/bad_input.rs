//! What is wrong is told in words, with the exit code of its kind, and harms nobody: over the command line, the
//! environment, the configuration file, the ports and HTTP. All with the real program.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;

use bellwether_tests::deadline::eventually;
use bellwether_tests::program::{Finished, bellwether};
use bellwether_tests::{Lab, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LONG_ENOUGH: &str = "a secret of more than 32 bytes, really";

async fn run(arguments: &[&str]) -> Finished {
    Finished::of(bellwether().args(arguments)).await
}

#[tokio::test]
async fn malformed_arguments_are_wrong_usage_and_the_words_say_what_is_allowed() {
    let levels = ["a"; 17].join(":");
    let long = "a".repeat(241);
    for (arguments, words) in [
        (&["pub", "metric", "a", "x"][..], "did you mean `metrics`"),
        (&["pub", "alerts", "", "x"], "is empty"),
        (&["pub", "alerts", &levels, "x"], "has 17 levels: at most 16"),
        (&["pub", "alerts", &long, "x"], "240"),
        (&["pub", "alerts", "a\tb", "x"], "control character"),
        (&["pub", "alerts", "a:+", "x"], "a topic names every level"),
        (
            &["pub", "alerts", "a", "x", "--originating-node", "A_b"],
            "only a-z, 0-9 and `-`",
        ),
        (
            &["pub", "alerts", "a", "x", "--correlation-id", "a\nb"],
            "control character",
        ),
        (&["pub", "alerts", "a", "x", "--event", ""], "critical_alert"),
        (
            &["pub", "alerts", "a", "x", "--content-type", "json"],
            "application/json",
        ),
        (&["pub", "alerts", "a", "--lines", "-", "--rate", "0"], "--rate"),
        (&["pub", "alerts", "a", "x", "--wait", "soon"], "--wait"),
        (&["pub", "alerts", "a", "x", "--wait", "31"], "0..=30"),
        (
            &["pub", "alerts", "a", "x", "--confirm", "most"],
            "none, local, all or a number",
        ),
        (
            &["pub", "alerts", "a", "x", "--confirm", "all", "--confirm-within", "61"],
            "1..=60",
        ),
        (&["pub", "alerts", "a", "x", "--confirm-within", "5"], "--confirm"),
        (
            &["sub", "alerts", "a", "--from", "first"],
            "`live`, `earliest`, `last:N`",
        ),
        (&["sub", "alerts", "a", "--from", "last:all"], "for example `last:100`"),
        (&["sub", "alerts", "a", "--from", "last:65537"], "65536 is the most"),
        (&["sub", "alerts", "a", "--from", "time:noon"], "RFC 3339"),
        (&["sub", "alerts", "a", "--from", "id:alerts/a/1/0"], "at least 1"),
        (&["sub", "alerts", "a", "--from", "id:17"], "as it came"),
        (&["sub", "alerts", ":a"], "level 1 is empty"),
        (&["sub", "alerts", &levels], "has 17 levels: at most 16"),
        (&["sub", "alerts", "a", "events"], "`events` has no pattern"),
        (&["sub", "alerts", "a", "--count", "many"], "--count"),
        (&["start", "--nam", "a"], "--name"),
        (&["strat"], "start"),
    ] {
        run(arguments).await.expect(2, &[words]);
    }
}

#[tokio::test]
async fn a_malformed_seed_is_wrong_usage() {
    let lab = Lab::default();
    for (seed, words) in [
        ("nowhere", "the port is missing"),
        ("nowhere:", "the port is missing"),
        (":7400", "the host is missing"),
        ("127.0.0.1:99999", "the port must be a number from 1 to 65535"),
        ("127.0.0.1:0", "the port must be a number from 1 to 65535"),
        ("::1:7400", "an IPv6 address stands in brackets"),
        ("0.0.0.0:7400", "nobody can be dialed at an unspecified address"),
        ("http://127.0.0.1:7400", "a host name cannot have the character"),
    ] {
        let refused = lab.node("a").seed(seed).fail().await;
        refused.expect(2, &["--seed", seed, words, "write HOST:PORT"]);
    }
}

#[tokio::test]
async fn a_bad_secret_is_wrong_usage_and_never_shown() {
    let lab = Lab::default();
    let uniform = "x".repeat(64);
    let lines = format!("{LONG_ENOUGH}\n{LONG_ENOUGH}");
    for (secret, words) in [
        ("", "the secret is empty"),
        ("hunter2", "the secret has 7 bytes, at least 32 are needed"),
        (&uniform, "one character over and over"),
        (&lines, "several lines"),
    ] {
        let refused = lab.node("a").secret(secret).fail().await;
        refused.expect(2, &["SECRET_KEY_BASE", words]);
        assert!(secret.is_empty() || !refused.stderr.contains(secret), "{refused:?}");
    }
    let file = lab.folder().join("secret");
    let by_file = async |content: &str, mode: u32| {
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let node = lab.node("a").without_secret();
        node.variable("SECRET_KEY_BASE_FILE", file.to_str().unwrap())
            .fail()
            .await
    };
    by_file("", 0o600).await.expect(2, &["has no secret in it"]);
    by_file("short\n", 0o600).await.expect(2, &["5 bytes", "at least 32"]);
    by_file(LONG_ENOUGH, 0o644).await.expect(2, &["mode 0644", "chmod 600"]);
    let both = lab.node("a").variable("SECRET_KEY_BASE_FILE", file.to_str().unwrap());
    both.fail().await.expect(2, &["both set"]);
    let none = lab
        .node("a")
        .without_secret()
        .argument("--secret-file")
        .argument("/nowhere/secret");
    none.fail()
        .await
        .expect(2, &["cannot read the secret file /nowhere/secret"]);
}

#[tokio::test]
async fn an_unknown_key_ends_the_start_and_the_nearest_is_named() {
    let lab = Lab::default();
    let file = lab.folder().join("bellwether.toml");
    let path = file.to_str().unwrap();
    for (content, words) in [
        (
            "name = \"a\"\nlisen = \"127.0.0.1:1\"",
            &["bellwether.toml:2", "`lisen`", "did you mean `listen`?"][..],
        ),
        (
            "[instances.events]\nqueue_byte = 1",
            &["`instances.events.queue_bytes`"],
        ),
        (
            "[instances.event]\nqueue_bytes = 1",
            &["no instance `event`", "did you mean `events`?"],
        ),
        ("gossip_interval_ms = \"fast\"", &["gossip_interval_ms", "must be a"]),
        (
            "gossip_interval_ms = 1",
            &["gossip_interval_ms", "must be between 50 and 10000 milliseconds"],
        ),
        ("listen = ", &["bellwether.toml:1", "not valid TOML"]),
        (
            "[instances.events]\noverflow = \"block\"",
            &[
                "bellwether.toml:2",
                "`block` is no policy",
                "`drop_oldest` or `disconnect`",
            ],
        ),
    ] {
        fs::write(&file, content).unwrap();
        let refused = lab.node("a").argument("--config").argument(path).fail().await;
        refused.expect(2, words);
    }
    let refused = lab.node("a").variable("BELLWETHER_EVENTS_OVERFLOW", "block");
    refused
        .fail()
        .await
        .expect(2, &["BELLWETHER_EVENTS_OVERFLOW", "`drop_oldest` or `disconnect`"]);
    let refused = lab.node("a").variable("BELLWETHER_LISEN", "127.0.0.1:1").fail().await;
    refused.expect(2, &["BELLWETHER_LISEN", "did you mean `BELLWETHER_LISTEN`?"]);
    let refused = lab
        .node("a")
        .argument("--config")
        .argument("/nowhere.toml")
        .fail()
        .await;
    refused.expect(2, &["cannot read the configuration file /nowhere.toml"]);
}

#[tokio::test]
async fn an_occupied_port_ends_the_start() {
    let lab = Lab::default();
    let clients = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = clients.local_addr().unwrap();
    let refused = lab.node("a").http(address).fail().await;
    refused.expect(1, &[&address.to_string(), "already in use", "--http"]);

    let nodes = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = nodes.local_addr().unwrap();
    let refused = lab.node("a").listen(address).fail().await;
    refused.expect(1, &[&address.to_string(), "already in use", "--listen"]);

    // TEST-NET-3 (RFC 5737): nobody's address.
    lab.node("a")
        .http("203.0.113.1:7480")
        .argument("--insecure-doors")
        .fail()
        .await
        .expect(1, &["203.0.113.1:7480", "--http"]);
    lab.node("a")
        .listen("203.0.113.1:7400")
        .fail()
        .await
        .expect(1, &["203.0.113.1:7400", "--listen"]);

    drop((clients, nodes));
    lab.node("a").listen(address).start().await;
}

#[tokio::test]
async fn a_door_that_others_reach_must_be_locked() {
    let lab = Lab::default();
    let said = ["203.0.113.1:7480", "--http", "`tls_certificate`", "`insecure_doors`"];
    lab.node("a").http("203.0.113.1:7480").fail().await.expect(2, &said);
    let nats = lab.node("a").nats("203.0.113.1:4222").fail().await;
    nats.expect(2, &["203.0.113.1:4222", "--nats", "`tls_certificate`"]);
}

/// `.invalid` resolves nowhere (RFC 2606).
#[tokio::test]
async fn a_seed_that_does_not_resolve_is_warned_of_once_while_the_node_serves() {
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    let b = lab
        .node("b")
        .seed("no-such-host.invalid:7400")
        .seed(a.mesh())
        .start()
        .await;
    let lonely = lab.node("lonely").seed("no-such-host.invalid:7400").start().await;
    // One seed that resolves is enough.
    bellwether_tests::all_see_all(&[a, b]).await;

    let mut client = lonely.client().await;
    assert_eq!(client.get("/healthz").await.status, 200);
    let ready = client.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("no seed has answered yet"), "{ready:?}");
    // This waits for a first join, so that the seed is looked up again meanwhile.
    let mut own = lonely.client().await.subscribe(&["events/*"]).await;
    client.publish("events", "t", "still serving").await;
    assert_eq!(own.message().await.text(), "still serving");
    let warnings = lonely.log().lines_with("WARN");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("cannot resolve a seed") && warnings[0].contains("no-such-host.invalid:7400"));
}

#[tokio::test]
async fn what_is_wrong_in_a_request_is_answered_and_nothing_is_published() {
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    let mut all = a.client().await.subscribe(&["events/*"]).await;
    let mut client = a.client().await;
    for (path, content_type, body, status, reason, words) in [
        (
            "event/t",
            "text/plain",
            "x",
            400,
            "bad_instance",
            "did you mean `events`",
        ),
        ("events/a::b", "text/plain", "x", 400, "bad_topic", "level 2 is empty"),
        (
            "events/a:*",
            "text/plain",
            "x",
            400,
            "bad_topic",
            "a topic names every level",
        ),
        ("events/%00", "text/plain", "x", 400, "bad_topic", "control character"),
        ("events/%ff", "text/plain", "x", 400, "bad_topic", "UTF-8"),
        (
            "events/$bw:x",
            "text/plain",
            "x",
            403,
            "reserved_topic",
            "begin with `$`",
        ),
        (
            "events/t?originating_node=A_b",
            "text/plain",
            "x",
            400,
            "bad_field",
            "only a-z, 0-9 and `-`",
        ),
        ("events/t?schema_version=0", "text/plain", "x", 400, "bad_query", ""),
        ("events/t?wait=31", "text/plain", "x", 400, "bad_query", "up to 30"),
        (
            "events/t?confirm=most",
            "text/plain",
            "x",
            400,
            "bad_query",
            "none, local, all",
        ),
        (
            "events/t?confirm=all&confirm_within=0",
            "text/plain",
            "x",
            400,
            "bad_query",
            "1 to 60",
        ),
        (
            "events/t?confirm=3",
            "text/plain",
            "x",
            409,
            "too_few_peers",
            "nothing was published",
        ),
        ("events/t?evnt=x", "text/plain", "x", 400, "bad_query", "evnt"),
        (
            "events/t",
            "application/json",
            r#"{"a": }"#,
            400,
            "bad_json",
            "column 7",
        ),
        ("events/t", "application/json", "", 400, "bad_json", "not JSON"),
    ] {
        let answer = client.post(&format!("/v1/publish/{path}"), content_type, body).await;
        answer.expect_error(status, reason, words);
    }
    for (query, reason, words) in [
        ("", "missing_pattern", "for example"),
        ("?pattern=events", "bad_pattern", "INSTANCE/PATTERN"),
        ("?pattern=event/*", "bad_instance", "did you mean `events`"),
        ("?pattern=events/a::b", "bad_pattern", "level 2 is empty"),
        (
            "?pattern=events/*&format=xml",
            "bad_query",
            "sse, ndjson or cloudevents",
        ),
        ("?pattern=events/*&from=first", "bad_query", "`live`, `earliest`"),
        ("?pattern=events/*&from=last:65537", "bad_query", "65536 is the most"),
        ("?pattern=events/*&from=time:noon", "bad_query", "RFC 3339"),
        ("?pattern=events/*&from=id:events/a/1", "bad_query", "four parts"),
        ("?pattern=events/*&from=id:17", "bad_token", "as it came"),
    ] {
        let answer = client.get(&format!("/v1/subscribe{query}")).await;
        answer.expect_error(400, reason, words);
    }
    client.publish("events", "t", "the only one").await;
    assert_eq!(all.message().await.text(), "the only one");
}

#[tokio::test]
async fn a_payload_above_the_limit_is_refused_with_both_sizes_and_one_of_the_limit_passes() {
    const LIMIT: usize = 1024 * 1024;
    let lab = Lab::default();
    let [a, b, _c] = lab.three().await;
    let mut on_b = b.client().await.subscribe(&["events/*"]).await;
    let answer = a
        .client()
        .await
        .post("/v1/publish/events/t", "text/plain", vec![b'x'; LIMIT + 1])
        .await;
    answer.expect_error(
        413,
        "too_large",
        &format!("{} bytes; this instance takes at most {LIMIT}", LIMIT + 1),
    );

    let file = lab.folder().join("payload");
    fs::write(&file, vec![b'y'; LIMIT + 1]).unwrap();
    let payload = format!("@{}", file.display());
    let refused = run(&["--node", &a.url(), "pub", "events", "t", &payload]).await;
    refused.expect(1, &[&(LIMIT + 1).to_string(), &LIMIT.to_string()]);

    fs::write(&file, vec![b'z'; LIMIT]).unwrap();
    run(&["--node", &a.url(), "pub", "events", "t", &payload])
        .await
        .expect(0, &[]);
    assert_eq!(on_b.message().await.text(), "z".repeat(LIMIT));
}

#[tokio::test]
async fn json_that_is_none_is_refused_with_the_place() {
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    let publish = ["--node", &a.url(), "pub", "events", "t", r#"{"disk": full}"#];
    let refused = run(&[&publish[..], &["--content-type", "application/json"]].concat()).await;
    refused.expect(1, &["not JSON", "column 11"]);
}

#[tokio::test]
async fn a_node_that_is_none_or_cannot_be_reached_is_told_from_one_that_is_gone() {
    let unresolved = run(&["--node", "http://no-such-host.invalid:7480", "members"]).await;
    unresolved.expect(
        1,
        &[
            "cannot reach a node at http://no-such-host.invalid:7480",
            "bellwether start",
        ],
    );

    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", other.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = other.accept().await.unwrap();
        connection.read_u8().await.unwrap();
        connection.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
        // Until the program has had enough.
        let _ = connection.read_to_end(&mut Vec::new()).await;
    });
    run(&["--node", &url, "members"])
        .await
        .expect(1, &[&url, "is it a node"]);

    let lab = Lab::default();
    let mut a: Process = lab.node("a").start().await;
    let gone = a.url();
    a.kill().await;
    let told = async || {
        let told = run(&["--node", &gone, "members"]).await;
        told.stderr.contains("connection refused").then_some(told)
    };
    let (told, _) = eventually("a killed node's port is closed", told).await;
    told.expect(1, &["cannot reach a node at", "bellwether start"]);
}
