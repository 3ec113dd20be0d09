use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::run::{Run, bellwether, run};

const SECRET: &str = "a-secret-of-the-cluster-with-enough-bytes";

/// The program with the secret of the nodes.
fn with_secret(arguments: &[&str]) -> Run {
    Run::of(bellwether(arguments).env("SECRET_KEY_BASE", SECRET))
}

fn new_token(arguments: &[&str]) -> String {
    let made = with_secret(&[&["token", "new", "--name", "web"], arguments].concat());
    assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""), "{made:?}");
    made.stdout.trim_end().to_owned()
}

fn show(token: &str) -> (Run, Value) {
    let shown = with_secret(&["token", "show", token]);
    let json = serde_json::from_str(&shown.stdout).unwrap();
    (shown, json)
}

/// Runs the program with a text on its standard input.
fn fed(arguments: &[&str], text: &str) -> Run {
    let mut command = bellwether(arguments);
    command.env("SECRET_KEY_BASE", SECRET).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_token_says_what_it_was_made_of() {
    let token = new_token(&[
        "--allow-publish",
        "metrics:*",
        "--allow-publish",
        "events/orders:+",
        "--deny-subscribe",
        "*",
        "--look",
        "--expires",
        "12h",
    ]);
    assert!(token.starts_with("bwt1_"), "{token}");
    let (shown, json) = show(&token);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert_eq!((&json["name"], &json["cluster"]), (&"web".into(), &"bellwether".into()));
    assert_eq!((&json["verified"], &json["expired"]), (&true.into(), &false.into()));
    let lasts = json["expires_at"].as_u64().unwrap() - json["issued_at"].as_u64().unwrap();
    assert_eq!(lasts, 12 * 3_600);
    let may = serde_json::json!({
        "allow_publish": ["metrics:*", "events:orders:+"], "deny_subscribe": ["*"], "look": true
    });
    assert_eq!(json["may"], may);
    assert_eq!(fed(&["token", "show", "-"], &format!("{token}\n")).stdout, shown.stdout);

    let (_, json) = show(&new_token(&[]));
    let lasts = json["expires_at"].as_u64().unwrap() - json["issued_at"].as_u64().unwrap();
    assert_eq!(lasts, 30 * 86_400);
}

#[test]
fn a_token_of_another_secret_or_cluster_is_told() {
    let token = new_token(&[]);
    let other = Run::of(bellwether(&["token", "show", &token]).env("SECRET_KEY_BASE", SECRET.to_uppercase()));
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.stderr.contains("not made with the secret"), "{other:?}");
    assert!(other.stdout.contains("\"verified\": false"), "{other:?}");
    let other = with_secret(&["token", "show", "--cluster", "lab", &token]);
    assert_eq!(other.code, Some(1), "{other:?}");
    let unknown = run(&["token", "show", &token]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.stdout.contains("\"verified\": null"), "{unknown:?}");
    let none = with_secret(&["token", "show", "bwt1_abc"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""), "{none:?}");
    assert!(!none.stderr.contains("abc"), "{none:?}");
}

#[test]
fn what_no_token_can_be_made_of_is_refused() {
    for (arguments, words) in [
        (&["--allow-publish", "metric:*"][..], "no instance `metric`"),
        (&["--allow-subscribe", "metrics"], "does not say which topics"),
        (&["--expires", "366d"], "up to a year"),
        (&["--expires", "0s"], "up to a year"),
        (&["--expires", "500ms"], "up to a year"),
        (&["--expires", "soon"], "`30d`"),
    ] {
        let refused = with_secret(&[&["token", "new", "--name", "web"], arguments].concat());
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    let unnamed = with_secret(&["token", "new", "--name", "a b"]);
    assert_eq!(unnamed.code, Some(2), "{unnamed:?}");
    assert!(unnamed.stderr.contains("`a b` cannot be a name"), "{unnamed:?}");
    let secretless = run(&["token", "new", "--name", "web"]);
    assert_eq!(secretless.code, Some(2), "{secretless:?}");
    assert!(secretless.stderr.contains("SECRET_KEY_BASE"), "{secretless:?}");
}

#[test]
fn a_revoked_token_is_on_the_list_once() {
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("revoked");
    let file = list.to_str().unwrap();
    let token = new_token(&[]);
    let id = show(&token).1["id"].as_str().unwrap().to_owned();
    let revoked = run(&["token", "revoke", &id, "--file", file]);
    assert_eq!(
        (revoked.code, revoked.stdout.trim_end()),
        (Some(0), id.as_str()),
        "{revoked:?}"
    );
    assert_eq!(fed(&["token", "revoke", "-", "--file", file], &token).code, Some(0));
    assert_eq!(fs::read_to_string(&list).unwrap(), format!("{id}\n"));
    let other = new_token(&[]);
    assert_eq!(run(&["token", "revoke", &other, "--file", file]).code, Some(0));
    let text = fs::read_to_string(&list).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(!text.contains("bwt1_"), "{text}");
    let wrong = run(&["token", "revoke", "deadbeef", "--file", file]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

/// A node with a configuration file, and a door of each kind.
struct Doors {
    child: Child,
    log: BufReader<ChildStderr>,
    started: String,
    folder: TempDir,
}

impl Doors {
    fn start(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let text = text.replace("{folder}", &folder.path().display().to_string());
        fs::write(path("bellwether.toml"), text).unwrap();
        let mut child = bellwether(&[
            "start",
            "--name",
            "a",
            "--config",
            &path("bellwether.toml"),
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--nats",
            "127.0.0.1:0",
            "--socket",
            &path("a.sock"),
            "--data-dir",
            &path("data"),
        ])
        .env("SECRET_KEY_BASE", SECRET)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut lines = log.by_ref().lines().map(Result::unwrap);
        let started = lines.find(|line| line.contains(" started ")).unwrap();
        Self {
            child,
            log,
            started,
            folder,
        }
    }

    /// A field of the line that says that it has started.
    fn field(&self, name: &str) -> &str {
        let (_, rest) = self.started.split_once(&format!(" {name}=\"")).unwrap();
        rest.split('"').next().unwrap()
    }

    fn http(&self) -> TcpStream {
        TcpStream::connect(self.field("http").strip_prefix("http://").unwrap()).unwrap()
    }

    fn stop(mut self) -> (Option<i32>, String) {
        let killed = std::process::Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(killed.unwrap().success());
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

/// Sends a request and reads the status, and the stream on.
fn ask(stream: impl Read + Write, request: &str, token: Option<&str>) -> (u16, impl BufRead) {
    let mut stream = BufReader::new(stream);
    let bearer = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let head = format!("{request} HTTP/1.1\r\nHost: 127.0.0.1\r\n{bearer}Content-Length: 0\r\n\r\n");
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    (line.split(' ').nth(1).unwrap().parse().unwrap(), stream)
}

#[test]
fn a_node_asks_for_tokens_knows_users_and_forgets_those_revoked() {
    let own = fs::metadata(TempDir::new().unwrap().path()).unwrap().uid();
    let node = Doors::start(&format!(
        "[access]\nrevoked_tokens = \"{{folder}}/revoked\"\n[[access.principals]]\nname = \"me\"\nuid = [{own}]\nlook = true\n"
    ));
    assert!(node.field("nats").starts_with("nats://127.0.0.1:"), "{}", node.started);
    assert!(Path::new(node.field("socket")).exists(), "{}", node.started);

    let token = new_token(&["--allow-publish", "events:*", "--allow-subscribe", "events:*"]);
    let publish = "POST /v1/publish/events/a";
    assert_eq!(ask(node.http(), publish, None).0, 401);
    assert_eq!(ask(node.http(), publish, Some(&token)).0, 200);
    assert_eq!(ask(node.http(), "POST /v1/publish/alerts/a", Some(&token)).0, 403);
    assert_eq!(ask(node.http(), "GET /healthz", None).0, 200);
    let socket = || UnixStream::connect(node.field("socket")).unwrap();
    assert_eq!(ask(socket(), "GET /v1/members", None).0, 200);
    assert_eq!(ask(socket(), publish, None).0, 403);

    let list = node.folder.path().join("revoked");
    assert_eq!(
        run(&["token", "revoke", &token, "--file", list.to_str().unwrap()]).code,
        Some(0)
    );
    // It is noticed when it is: this waits for as long as that takes.
    while ask(node.http(), publish, Some(&token)).0 != 401 {}

    // A list that is gone for a moment does not make it count again, not for who reads everything anew either.
    fs::remove_file(&list).unwrap();
    let ops = new_token(&["--administer"]);
    assert_eq!(ask(node.http(), "POST /v1/reload", Some(&ops)).0, 200);
    assert_eq!(ask(node.http(), publish, Some(&token)).0, 401);

    let path = node.field("socket").to_owned();
    let (code, log) = node.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!Path::new(&path).exists());
    assert!(
        log.contains("clients are refused") && log.contains("revoked_token"),
        "{log}"
    );
    assert!(!log.contains("bwt1_") && !log.contains(SECRET), "{log}");
}

#[test]
fn a_door_to_other_hosts_must_be_locked() {
    for door in ["--http", "--nats"] {
        let refused = run(&["start", "--name", "a", door, "0.0.0.0:0"]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(
            refused.stderr.contains(door) && refused.stderr.contains("tls_certificate"),
            "{refused:?}"
        );
    }
    let missing = run(&[
        "start",
        "--name",
        "a",
        "--tls-certificate",
        "/nowhere.pem",
        "--tls-key",
        "/nowhere.key",
    ]);
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.stderr.contains("cannot read /nowhere.pem"), "{missing:?}");
}

#[test]
fn a_socket_that_is_in_use_is_told() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sock");
    let _taken = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let refused = run(&[
        "start",
        "--name",
        "a",
        "--http",
        "off",
        "--socket",
        path.to_str().unwrap(),
    ]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("already in use") && refused.stderr.contains("--socket"),
        "{refused:?}"
    );
}
