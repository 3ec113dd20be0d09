//! The commands of the README and of `--help`, typed as a user types them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bellwether_tests::deadline::{eventually, soon};
use bellwether_tests::program::{Finished, bellwether, shell, signal, spawn};
use bellwether_tests::{Lab, Relay, port};
use rustix::process::Signal;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// The lines of a log that is published.
const LINES: u64 = 2_000;

/// The keys of a message's JSON, in their order.
const KEYS: [&str; 13] = [
    "id",
    "instance",
    "topic",
    "event",
    "originating_node",
    "reporting_node",
    "timestamp",
    "correlation_id",
    "causation_id",
    "schema_version",
    "content_type",
    "signed",
    "payload",
];

/// Three terminals with a node each, on addresses of their own, and one more for what is done with them. The ports are
/// free ones in place of 7400 and 7480.
#[tokio::test]
async fn three_nodes_started_by_hand_do_what_the_readme_says() {
    let lab = Lab::default();
    let ips = [1, 2, 3].map(|last| IpAddr::from([127, 0, 0, last]));
    let (mesh, http) = (port::free_on(&ips), port::free_on(&ips));
    let secret = typed(&lab, "", "bellwether secret new").await;
    secret.expect(0, &[]);
    let terminal = |line: &str| {
        let line = line
            .replace(":7400", &format!(":{mesh}"))
            .replace(":7480", &format!(":{http}"));
        command(&lab, secret.stdout.trim(), &line)
    };
    let mut nodes: Vec<Child> = [
        "bellwether start --name a --listen 127.0.0.1:7400 --http 127.0.0.1:7480",
        "bellwether start --name b --listen 127.0.0.2:7400 --http 127.0.0.2:7480 --seed 127.0.0.1:7400",
        "bellwether start --name c --listen 127.0.0.3:7400 --http 127.0.0.3:7480 --seed 127.0.0.1:7400",
    ]
    .map(|line| spawn(&mut terminal(line)))
    .into();

    let members = async || {
        let members = "bellwether --node http://127.0.0.2:7480 members --format json";
        let listed = Finished::of(&mut terminal(members)).await;
        let members: Vec<Value> = serde_json::from_str(&listed.stdout).ok()?;
        let linked = |member: &Value| member["in"] == true && member["out"] == true && member["state"] != "suspect";
        (listed.code == Some(0) && members.len() == 3 && members.iter().all(linked)).then_some(members)
    };
    let (members, _) = eventually("three members", members).await;
    for (member, (name, ip)) in members.iter().zip([("a", ips[0]), ("b", ips[1]), ("c", ips[2])]) {
        assert_eq!(member["node"], name);
        assert_eq!(member["address"], format!("{ip}:{mesh}"));
        assert_eq!(member["state"], if name == "b" { "self" } else { "alive" });
        let keys: Vec<&String> = member.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["address", "epoch", "in", "node", "out", "state", "version"]);
    }

    let subscribe = "bellwether --node http://127.0.0.3:7480 sub alerts 'system_alerts:*' --count 1 --format json";
    let mut subscriber = spawn(&mut terminal(subscribe));
    let mut told = BufReader::new(subscriber.stderr.take().unwrap()).lines();
    let line = soon("the subscription is live", told.next_line()).await.unwrap();
    assert_eq!(line.as_deref(), Some("subscribed, live on 3 of 3 nodes"));
    let publish = r#"bellwether --node http://127.0.0.1:7480 pub alerts system_alerts:critical --event critical_alert '{"message":"disk full"}'"#;
    let published = Finished::of(&mut terminal(publish)).await;
    published.expect(0, &[]);

    let received = Finished::from_child(subscriber).await;
    received.expect(0, &[]);
    assert_eq!(received.stdout.lines().count(), 1, "{received:?}");
    assert!(in_order(&received.stdout, &KEYS), "{received:?}");
    let message: Value = serde_json::from_str(&received.stdout).unwrap();
    assert_eq!(message["id"], published.stdout.trim());
    for (key, value) in [
        ("instance", "alerts".into()),
        ("topic", "system_alerts:critical".into()),
        ("event", "critical_alert".into()),
        ("originating_node", "a".into()),
        ("reporting_node", "a".into()),
        ("correlation_id", Value::Null),
        ("causation_id", Value::Null),
        ("schema_version", 1.into()),
        ("content_type", "application/json".into()),
        ("signed", true.into()),
        ("payload", serde_json::json!({"message": "disk full"})),
    ] {
        assert_eq!(message[key], value, "{key}: {message}");
    }

    for node in &nodes {
        signal(node, Signal::TERM);
    }
    for node in nodes.drain(..) {
        Finished::from_child(node).await.expect(0, &["stopped"]);
    }
}

#[tokio::test]
async fn the_demo_shows_every_message_on_every_node_for_as_long_as_it_was_told() {
    let lab = Lab::default();
    let began = Instant::now();
    let demo = typed(&lab, "", "bellwether demo --for 5s --format json").await;
    demo.expect(0, &[" 0 missing"]);
    assert!(began.elapsed().as_secs() >= 5);
    let mut received: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in demo.stdout.lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        assert!(in_order(line, &KEYS), "{line}");
        let text = |key: &str| message[key].as_str().unwrap().to_owned();
        received.entry(text("id")).or_default().push(text("received_on"));
    }
    for (id, nodes) in &mut received {
        nodes.sort();
        assert_eq!(nodes, &["a", "b", "c"], "{id}");
    }
    let reporters: std::collections::BTreeSet<_> = received.keys().filter_map(|id| id.split('/').nth(1)).collect();
    assert_eq!(reporters.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[tokio::test]
async fn the_demo_ends_well_at_ctrl_c() {
    let lab = Lab::default();
    let mut demo = spawn(&mut command(&lab, "", "bellwether demo"));
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut shown = Vec::new();
    while shown.len() < 7 {
        let line = soon("the demo shows deliveries", lines.next_line()).await.unwrap();
        shown.push(line.expect("the demo goes on"));
    }
    signal(&demo, Signal::INT);
    while let Some(line) = soon("the demo ends", lines.next_line()).await.unwrap() {
        shown.push(line);
    }
    Finished::from_child(demo)
        .await
        .expect(0, &[" 0 missing", "bellwether secret new"]);
    assert!(
        !shown.iter().any(|line| line.contains('\x1b')),
        "no colour in a pipe: {shown:#?}"
    );
}

/// A real log file, line by line: all arrive, in order, as they are.
#[tokio::test]
async fn every_line_of_a_text_becomes_a_message() {
    let lab = Lab::default();
    let [a, b, _c] = lab.three().await;
    let mut on_b = b.client().await.subscribe(&["logging/host:*"]).await;
    let line = format!(
        "bellwether --node {} pub logging host:syslog --lines - --format json",
        a.url()
    );
    let published = Finished::reading(&mut command(&lab, "", &line), text().as_bytes()).await;
    published.expect(0, &[]);
    assert_eq!(published.last_line(), format!(r#"{{"published":{LINES},"failed":0}}"#));
    for line in text().lines() {
        let message = on_b.message().await;
        assert_eq!((message.text(), message.content_type.as_str()), (line, "text/plain"));
    }
}

/// What the node acknowledged is counted between it and the program, so that both can be compared.
#[tokio::test]
async fn a_node_that_is_killed_in_the_middle_of_a_text_leaves_true_counts() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tally {
        published: u64,
        failed: u64,
    }

    let lab = Lab::default();
    let [a, mut b, _c] = lab.three().await;
    let mut on_a = a.client().await.subscribe(&["logging/*"]).await;
    let between = Relay::to(b.http()).await;
    let mut publish = bellwether();
    publish.args([
        "--node",
        &between.url(),
        "pub",
        "logging",
        "host:syslog",
        "--rate",
        "1000",
        "--lines",
        "-",
        "--format",
        "json",
    ]);
    let text = text();
    let publishing = Finished::reading(&mut publish, text.as_bytes());
    let killing = async {
        let acknowledged = async || (between.acknowledged() >= LINES / 2).then_some(());
        eventually("half of the lines are acknowledged", acknowledged).await;
        b.kill().await;
    };
    let (published, ()) = tokio::join!(publishing, killing);

    published.expect(1, &["is gone"]);
    let tally: Tally = serde_json::from_str(published.last_line()).unwrap();
    assert_eq!(tally.published, between.acknowledged());
    assert!(
        tally.published < LINES && tally.published + tally.failed <= LINES,
        "{published:?}"
    );

    a.client().await.publish("logging", "end", "end of text").await;
    let received = on_a.until("end of text").await;
    let received: Vec<&str> = received.iter().map(|message| message.text()).collect();
    let lines: Vec<&str> = text.lines().take(received.len()).collect();
    assert_eq!(received, lines, "what came before the kill came whole");
    println!(
        "{} acknowledged, {} failed, {} had reached the other node",
        tally.published,
        tally.failed,
        received.len()
    );
}

/// Looks like a system log.
fn text() -> String {
    let line = |n: u64| {
        format!(
            "Nov 21 12:{:02}:{:02} host app[{n}]: request {n} took {} ms\n",
            n / 60 % 60,
            n % 60,
            n * 7 % 90
        )
    };
    (0..LINES).map(line).collect()
}

/// A line as it is typed into a terminal of a user with a home of his own. `exec`: signals are for the program.
fn command(lab: &Lab, secret: &str, line: &str) -> Command {
    let mut command = shell(&format!("exec {line}"));
    command.env("HOME", lab.folder()).env_remove("XDG_STATE_HOME");
    if !secret.is_empty() {
        command.env("SECRET_KEY_BASE", secret);
    }
    command
}

async fn typed(lab: &Lab, secret: &str, line: &str) -> Finished {
    Finished::of(&mut command(lab, secret, line)).await
}

/// Whether the keys stand in the text in this order.
fn in_order(text: &str, keys: &[&str]) -> bool {
    let mut rest = text;
    keys.iter().all(|key| match rest.split_once(&format!("\"{key}\":")) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}
