//! A running node reads its configuration again.

use std::path::{Path, PathBuf};

use bellwether_tests::deadline::eventually;
use bellwether_tests::program::{Finished, bellwether, spawn};
use bellwether_tests::{Item, Lab, Process, SECRET};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

const READ_AGAIN: &str = "the configuration was read again";
const WRONG: &str = "the configuration is wrong; nothing was changed";

/// The file of one node.
struct ConfigFile(PathBuf);

impl ConfigFile {
    fn new(lab: &Lab, text: &str) -> Self {
        let file = Self(lab.folder().join("bellwether.toml"));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    async fn start(&self, lab: &Lab, name: &str) -> Process {
        lab.node(name)
            .argument("--config")
            .argument(path(&self.0))
            .start()
            .await
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Sends SIGHUP, and waits until the node's log has `words` once more.
async fn hang_up(node: &Process, words: &str) {
    let before = node.log().lines_with(words).len();
    node.hang_up();
    eventually(words, async || {
        (node.log().lines_with(words).len() > before).then_some(())
    })
    .await;
}

async fn reload(node: &Process) -> Finished {
    let mut command = bellwether();
    command.args(["--node", &node.url(), "reload", "--format", "json"]);
    Finished::of(&mut command).await
}

/// What `bellwether reload` says.
async fn reloaded(node: &Process) -> Value {
    let said = reload(node).await;
    said.expect(0, &[]);
    serde_json::from_str(&said.stdout).unwrap()
}

#[tokio::test]
async fn permissions_bite_and_open_sessions_with_them() {
    let lab = Lab::default();
    let rights = |rights: &str| format!("[access]\nanonymous = [\"look\", {rights}]\n");
    let file = ConfigFile::new(&lab, &rights("\"publish events:*\", \"subscribe events:*\""));
    let a = file.start(&lab, "a").await;
    // They began before, and are the same until the end.
    let mut open = a.client().await;
    let mut narrowed = a.client().await.subscribe(&["events/*"]).await;
    open.publish("events", "t", "1").await;
    assert_eq!(narrowed.message().await.text(), "1");

    file.write(&rights(
        "\"publish events:*\", \"publish audit:*\", \"subscribe events:open\"",
    ));
    hang_up(&a, READ_AGAIN).await;
    open.publish("audit", "t", "allowed now").await;
    open.publish("events", "t", "withheld").await;
    open.publish("events", "open", "2").await;
    assert_eq!(narrowed.message().await.text(), "2");

    file.write(&rights("\"subscribe events:*\""));
    hang_up(&a, READ_AGAIN).await;
    let refused = open.post("/v1/publish/events/t", "text/plain", "x").await;
    refused.expect_error(403, "denied", "may not publish to events/t");

    // Nobody is served any more that shows nothing.
    file.write("[access]\n[[access.principals]]\nname = \"somebody\"\n");
    hang_up(&a, READ_AGAIN).await;
    assert_eq!(open.get("/v1/members").await.status, 401);
    let rest = narrowed.rest().await;
    assert!(
        matches!(&rest[..], [.., Item::Error(reason)] if reason == "unauthenticated"),
        "{rest:?}"
    );
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_says_where_it_is_wrong() {
    let lab = Lab::default();
    let file = ConfigFile::new(&lab, "[limits]\npayload_bytes = 10\n");
    let a = file.start(&lab, "a").await;
    let large = async || {
        let answer = a
            .client()
            .await
            .post("/v1/publish/events/t", "text/plain", "x".repeat(11))
            .await;
        answer.status.as_u16()
    };
    assert_eq!(large().await, 413);

    for (text, words) in [
        (
            "[limits]\npayload_bytes = 20\nqueued = 1\n",
            "bellwether.toml:3: unknown key `limits.queued`",
        ),
        (
            "[limits]\npayload_bytes = 20\n[instances.events]\nqueue_messages = 0\n",
            "bellwether.toml:4: `instances.events.queue_messages` is 0",
        ),
        (
            "log = \"=,=\"\n[limits]\npayload_bytes = 20\n",
            "bellwether.toml:1: `log` must be a log filter",
        ),
        (
            "tls_certificate = \"/nowhere.pem\"\ntls_key = \"/nowhere.key\"\n",
            "cannot read /nowhere.pem",
        ),
        (
            "[access]\nanonymous = [\"administer\"]\nrevoked_tokens = \"/\"\n",
            "cannot read the revoked tokens in /",
        ),
    ] {
        file.write(text);
        hang_up(&a, WRONG).await;
        let said = a.log().lines_with(WRONG).pop().unwrap();
        assert!(said.contains(words), "{said}");
        reload(&a).await.expect(1, &[words]);
        assert_eq!(large().await, 413, "{text}");
    }

    file.write("[limits]\npayload_bytes = 20\n");
    assert_eq!(reloaded(&a).await["changed"], json!(["limits.payload_bytes"]));
    assert_eq!(large().await, 200);
    std::fs::remove_file(&file.0).unwrap();
    reload(&a).await.expect(1, &["cannot read the configuration file"]);
    assert_eq!(large().await, 200);
}

#[tokio::test]
async fn what_needs_a_restart_is_told_until_there_is_one() {
    let lab = Lab::default();
    let file = ConfigFile::new(&lab, "");
    let a = file.start(&lab, "a").await;
    let nothing = reloaded(&a).await;
    assert_eq!(
        (&nothing["changed"], &nothing["needs_restart"]),
        (&json!([]), &json!([]))
    );

    file.write(
        "seeds = [\"127.0.0.1:1\"]\ndrain_timeout_ms = 5000\n\
         [instances.events]\nmax_payload_bytes = 7\nqueue_messages = 99\n",
    );
    let first = reloaded(&a).await;
    assert_eq!(
        first["changed"],
        json!([
            "drain_timeout_ms",
            "instances.events.queue_messages",
            "instances.events.max_payload_bytes"
        ])
    );
    assert_eq!(first["needs_restart"], json!(["seeds"]));
    let all = nothing["unchanged"].as_u64().unwrap();
    assert_eq!(first["unchanged"].as_u64().unwrap(), all - 4);
    let instances: Vec<Value> = a.client().await.list("/v1/instances").await;
    assert_eq!(instances[0]["instance"], "events");
    assert_eq!(
        (
            &instances[0]["max_payload_bytes"],
            &instances[0]["queue_limit_messages"]
        ),
        (&7.into(), &99.into())
    );
    let large = a
        .client()
        .await
        .post("/v1/publish/events/t", "text/plain", "12345678")
        .await;
    large.expect_error(413, "too_large", "at most 7");

    let again = reloaded(&a).await;
    assert_eq!(again["changed"], json!([]));
    assert_eq!(again["needs_restart"], json!(["seeds"]));
    let text = {
        let mut command = bellwether();
        command.args(["--node", &a.url(), "reload"]);
        Finished::of(&mut command).await
    };
    text.expect(0, &[]);
    let lines: Vec<&str> = text.stdout.lines().collect();
    assert!(lines[0].starts_with("CHANGED  NEEDS RESTART  UNCHANGED"), "{text:?}");
    assert!(lines[1].starts_with("-        seeds"), "{text:?}");
}

#[tokio::test]
async fn other_secrets_are_read_judged_and_taken_over() {
    let lab = Lab::default();
    let secrets = lab.folder().join("secrets");
    let write = |text: &str| {
        use std::os::unix::fs::OpenOptionsExt;

        let _ = std::fs::remove_file(&secrets);
        let file = std::fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&secrets);
        std::io::Write::write_all(&mut file.unwrap(), text.as_bytes()).unwrap();
    };
    write(SECRET);
    let start = lab.node("a").without_secret();
    let a = start.argument("--secret-file").argument(path(&secrets)).start().await;
    let b = lab.node("b").seed(a.mesh()).start().await;
    bellwether_tests::all_see_all(&[&a, &b]).await;
    write(&format!("{SECRET}\n{}\n", SECRET.to_uppercase()));
    assert_eq!(reloaded(&a).await["changed"], json!(["secrets"]));
    write("too short");
    reload(&a).await.expect(1, &["9 bytes"]);
    let mut on_b = b.client().await.subscribe(&["events/*"]).await;
    assert_eq!(on_b.live(), (2, 2));
    a.client().await.publish("events", "t", "still signed").await;
    assert!(on_b.message().await.signed);
}

#[tokio::test]
async fn the_log_says_more_or_less() {
    let lab = Lab::default();
    let file = ConfigFile::new(&lab, "");
    let a = file.start(&lab, "a").await;
    assert_eq!(a.log().lines_with(" DEBUG "), [""; 0]);
    file.write("log = \"debug\"\n");
    assert_eq!(reloaded(&a).await["changed"], json!(["log"]));
    eventually("the log says more", async || {
        // A client that goes is a matter for `debug`.
        drop(a.client().await.subscribe(&["events/*"]).await);
        (!a.log().lines_with("DEBUG").is_empty()).then_some(())
    })
    .await;
    file.write("log = \"error\"\n");
    reloaded(&a).await;
    let told = a.log().lines_with(READ_AGAIN).len();
    file.write("");
    // By what was before when it was read, and so it says nothing; from then on it does.
    reloaded(&a).await;
    hang_up(&a, READ_AGAIN).await;
    assert!(a.log().lines_with(READ_AGAIN).len() > told);
}

/// A self-signed certificate for 127.0.0.1, in PEM, with its key.
fn certificate() -> [String; 2] {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    [certificate.self_signed(&key).unwrap().pem(), key.serialize_pem()]
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_who_comes_while_old_streams_go_on() {
    let lab = Lab::default();
    let files = ["door.pem", "door.key"].map(|name| lab.folder().join(name));
    let install = |[certificate, key]: &[String; 2]| {
        std::fs::write(&files[0], certificate).unwrap();
        std::fs::write(&files[1], key).unwrap();
    };
    let [old, new] = [certificate(), certificate()];
    let authorities = [("old.pem", &old[0]), ("new.pem", &new[0])].map(|(name, pem)| {
        let path = lab.folder().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    });
    install(&old);
    let door = ["--tls-certificate", path(&files[0]), "--tls-key", path(&files[1])];
    let start = door
        .iter()
        .fold(lab.node("a"), |start, argument| start.argument(argument));
    let a = start.start().await;
    let started = a.log().lines_with("http=\"https://").pop().expect("clients speak TLS");
    let url = started
        .split("http=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap();
    let trusting = |authority: &Path, arguments: &[&str]| {
        let mut command = bellwether();
        command.args(["--node", url, "--ca", path(authority)]).args(arguments);
        command
    };
    let mut stream = spawn(&mut trusting(
        &authorities[0],
        &["sub", "events", "*", "--no-reconnect"],
    ));
    let mut errors = BufReader::new(stream.stderr.take().unwrap()).lines();
    let live = errors.next_line().await.unwrap().unwrap();
    assert!(live.contains("live on 1 of 1"), "{live}");

    install(&new);
    hang_up(&a, READ_AGAIN).await;
    let said = a.log().lines_with(READ_AGAIN).pop().unwrap();
    assert!(said.contains("tls_certificate"), "{said}");
    let by_old = Finished::of(&mut trusting(&authorities[0], &["members"])).await;
    assert_eq!(by_old.code, Some(1), "{by_old:?}");
    let publish = ["pub", "events", "t", "both are open"];
    Finished::of(&mut trusting(&authorities[1], &publish))
        .await
        .expect(0, &[]);
    let mut lines = BufReader::new(stream.stdout.take().unwrap()).lines();
    let line = bellwether_tests::deadline::soon("the old stream goes on", lines.next_line()).await;
    let line = line.unwrap().unwrap();
    assert!(line.contains("both are open"), "{line}");

    // A key of another certificate locks nothing, and the door stays as it is.
    std::fs::write(&files[1], &old[1]).unwrap();
    hang_up(&a, WRONG).await;
    let said = a.log().lines_with(WRONG).pop().unwrap();
    assert!(said.contains("does not go with the key"), "{said}");
    Finished::of(&mut trusting(&authorities[1], &publish))
        .await
        .expect(0, &[]);
}

/// Many at once, from clients and by signals: each is carried out, one after the other.
#[tokio::test]
async fn reloads_at_once_wait_for_each_other() {
    let lab = Lab::default();
    let file = ConfigFile::new(&lab, "");
    let a = file.start(&lab, "a").await;
    file.write("[limits]\nconnections = 77\n");
    let (mut one, mut other, mut third) = (a.client().await, a.client().await, a.client().await);
    a.hang_up();
    let path = "/v1/reload";
    let (one, other, third) = tokio::join!(
        one.post(path, "", ""),
        other.post(path, "", ""),
        third.post(path, "", "")
    );
    let mut told = 0;
    for answer in [one, other, third] {
        assert_eq!(answer.status, 200, "{answer:?}");
        told += answer.parse::<Value>()["changed"].as_array().unwrap().len();
    }
    // Whoever came first has changed it.
    eventually("all of them are in the log", async || {
        (a.log().lines_with(READ_AGAIN).len() == 4).then_some(())
    })
    .await;
    let by_signal = a.log().lines_with("by=\"SIGHUP\"").pop().unwrap();
    assert_eq!(
        told + usize::from(by_signal.contains("limits.connections")),
        1,
        "{by_signal}"
    );
}
