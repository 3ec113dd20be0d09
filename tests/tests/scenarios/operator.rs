//! What an operator lives through: Prometheus watches the nodes, one is killed and started again; the cluster's key is
//! replaced while everything works.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bellwether_tests::deadline::patiently;
use bellwether_tests::program::{Finished, bellwether};
use bellwether_tests::{Client, Process, SECRET, Scenario, all_see_all, port};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::load::{for_a_while, seconds};

const PROMETHEUS: &str = "prometheus";
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/prometheus/alerts.yml");
/// Messages a second while the key is replaced.
const RATE: u64 = 10_000;
/// Bursts a second of those.
const TICKS: u64 = 100;
const NEW_SECRET: &str = "the next secret of the scenario, which is none";

/// Prometheus as it is installed, with the rules as they are delivered but for the times that they wait.
struct Prometheus {
    _program: Child,
    client: Client,
}

impl Prometheus {
    async fn watch(folder: &Path, nodes: &[&Process]) -> Self {
        let rules = std::fs::read_to_string(RULES).expect("the rules are delivered");
        let hasty: Vec<&str> = rules
            .lines()
            .map(|line| match line.trim_start().starts_with("for:") {
                true => "        for: 1s",
                false => line,
            })
            .collect();
        std::fs::write(folder.join("alerts.yml"), hasty.join("\n")).expect("a file in the scenario's folder");
        let mut config = "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n\
                          rule_files: [alerts.yml]\n\
                          scrape_configs:\n  - job_name: bellwether\n    honor_labels: true\n    static_configs:\n"
            .to_owned();
        for node in nodes {
            let (address, name) = (node.http(), node.name());
            writeln!(config, "      - {{targets: [\"{address}\"], labels: {{node: {name}}}}}").expect("into memory");
        }
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).expect("a file in the scenario's folder");
        let ip = nodes[0].http().ip();
        let address = std::net::SocketAddr::new(ip, port::free_on(&[ip]));
        let program = Command::new(PROMETHEUS)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("prometheus").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("prometheus.log")).expect("a file in the scenario's folder"))
            .kill_on_drop(true)
            .spawn()
            .expect("Prometheus is installed");
        patiently("Prometheus listens", async || {
            tokio::net::TcpStream::connect(address).await.ok()
        })
        .await;
        Self {
            _program: program,
            client: Client::connect(address).await,
        }
    }

    /// The alerts that fire, each as its name and the node that it is about.
    async fn firing(&mut self) -> Vec<(String, String)> {
        let answer: Value = self.client.get("/api/v1/alerts").await.parse();
        let alerts = answer["data"]["alerts"].as_array().expect("a list").iter();
        let text = |alert: &Value, label: &str| alert["labels"][label].as_str().unwrap_or_default().to_owned();
        alerts
            .filter(|alert| alert["state"] == "firing")
            .map(|alert| (text(alert, "alertname"), text(alert, "node")))
            .collect()
    }

    /// Whether every node is scraped.
    async fn sees(&mut self, nodes: usize) -> bool {
        let answer: Value = self.client.get("/api/v1/query?query=sum(up)").await.parse();
        let up = answer["data"]["result"][0]["value"][1].as_str();
        up.and_then(|up| up.parse().ok()) == Some(nodes)
    }
}

/// Says so and is false where Prometheus is not installed; panics there in CI.
async fn has_prometheus() -> bool {
    let found = Command::new(PROMETHEUS).arg("--version").output().await.is_ok();
    let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    assert!(found || !in_ci, "CI must not skip this: {PROMETHEUS} is not installed");
    if !found {
        println!("skipped: {PROMETHEUS} is not installed");
    }
    found
}

#[tokio::test]
async fn prometheus_says_which_node_was_killed_until_it_is_back() {
    if !has_prometheus().await {
        return;
    }
    let scenario = Scenario::on_loopback();
    let a = scenario.program("a").start().await;
    let mut b = scenario.program("b").seed(a.mesh()).start().await;
    let c = scenario.program("c").seed(a.mesh()).start().await;
    all_see_all(&[&a, &b, &c]).await;
    let mut prometheus = Prometheus::watch(&scenario.folder(), &[&a, &b, &c]).await;
    patiently("all are scraped", async || prometheus.sees(3).await.then_some(())).await;
    patiently("nothing fires", async || {
        prometheus.firing().await.is_empty().then_some(())
    })
    .await;

    b.kill().await;
    let down = ("BellwetherNodeDown".to_owned(), "b".to_owned());
    patiently("the alert fires", async || {
        prometheus.firing().await.contains(&down).then_some(())
    })
    .await;
    patiently("the others say it, too", async || {
        let firing = prometheus.firing().await;
        firing
            .iter()
            .any(|(name, _)| name == "BellwetherMemberDown")
            .then_some(())
    })
    .await;

    let again = scenario.program("b").listen(b.mesh()).http(b.http()).seed(a.mesh());
    let b = again.start().await;
    all_see_all(&[&a, &b, &c]).await;
    patiently("nothing fires any more", async || {
        prometheus.firing().await.is_empty().then_some(())
    })
    .await;
}

/// The numbers 0, 1, 2, … as text, published by the program from its input, until it is told to stop.
struct Publisher {
    program: Child,
    input: ChildStdin,
    published: u64,
}

impl Publisher {
    fn start(node: &Process) -> Self {
        let mut command = bellwether();
        command.args(["--node", &node.url(), "pub", "events", "load:numbers", "--lines", "-"]);
        let mut program = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program is built");
        let input = program.stdin.take().expect("its input is a pipe");
        Self {
            program,
            input,
            published: 0,
        }
    }

    /// Publishes at [`RATE`] until `work` is done.
    async fn publish_while<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(TICKS).expect("it is small"));
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    let numbers = self.published..self.published + RATE / TICKS;
                    let text: String = numbers.map(|number| format!("{number}\n")).collect();
                    self.input.write_all(text.as_bytes()).await.expect("the program reads its input");
                    self.published += RATE / TICKS;
                }
            }
        }
    }

    /// Ends it; how many messages it has published.
    async fn end(self) -> u64 {
        drop(self.input);
        let ended = self.program.wait_with_output().await.expect("it can be waited for");
        assert!(ended.status.success(), "{ended:?}");
        self.published
    }
}

/// Hears them at another node, each once and in its order; gives how many once there were so many.
fn hear(node: &Process) -> (JoinHandle<u64>, watch::Sender<u64>) {
    let mut command = bellwether();
    command.args(["--node", &node.url(), "sub", "events", "load:*", "--format", "json"]);
    let mut program = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program is built");
    let mut lines = BufReader::new(program.stdout.take().expect("its output is a pipe")).lines();
    let (tell, mut until) = watch::channel(u64::MAX);
    let hearing = tokio::spawn(async move {
        let _program = program;
        let mut next = 0;
        while next < *until.borrow_and_update() {
            let line = tokio::select! {
                line = lines.next_line() => line.expect("it can be read").expect("the program goes on"),
                changed = until.changed() => {
                    changed.expect("the test goes on");
                    continue;
                }
            };
            let item: Value = serde_json::from_str(&line).expect("JSON");
            assert!(item.get("gap").is_none(), "{item}");
            if let Some(number) = item["payload"].as_str() {
                assert_eq!(number, next.to_string());
                next += 1;
            }
        }
        next
    });
    (hearing, tell)
}

/// The ids of the keys in a file, the signing one first.
async fn keys(file: &Path) -> Vec<String> {
    let finished = key_command(file, &["list", "--format", "json"], b"").await;
    let listed: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let keys = listed.as_array().expect("a list").iter();
    keys.map(|key| key["key"].as_str().expect("an id").to_owned()).collect()
}

async fn key_command(file: &Path, words: &[&str], input: &[u8]) -> Finished {
    let mut command = bellwether();
    command.arg("keys").args(words).arg("--file").arg(file);
    let finished = Finished::reading(&mut command, input).await;
    finished.expect(0, &[]);
    finished
}

#[tokio::test]
async fn a_key_is_replaced_under_ten_thousand_messages_a_second_and_nothing_is_lost() {
    let scenario = Scenario::on_loopback();
    let file = |name: &str| scenario.folder().join(format!("{name}.secret"));
    let start = |name: &str| {
        write_secret(&file(name));
        let file = file(name).display().to_string();
        let start = scenario.program(name).without_secret();
        start.variable("SECRET_KEY_BASE_FILE", &file)
    };
    let a = start("a").start().await;
    let b = start("b").seed(a.mesh()).start().await;
    let c = start("c").seed(a.mesh()).start().await;
    let nodes = [&a, &b, &c];
    all_see_all(&nodes).await;
    let (hearing, until) = hear(&c);
    patiently("somebody listens", async || {
        let subscribers = a.client().await.get("/v1/subscribers?instance=events").await;
        subscribers.body.contains("load:*").then_some(())
    })
    .await;
    let mut publisher = Publisher::start(&a);
    let old = keys(&file("a")).await.remove(0);
    publisher
        .publish_while(async {
            for each in nodes {
                key_command(
                    &file(each.name()),
                    &["add", "--node", &each.url()],
                    NEW_SECRET.as_bytes(),
                )
                .await;
            }
            let new = keys(&file("a"))
                .await
                .into_iter()
                .find(|id| *id != old)
                .expect("two keys");
            for command in [["promote", &new], ["remove", &old]] {
                for each in nodes {
                    let url = each.url();
                    let words = [&command[..], &["--node", &url]].concat();
                    key_command(&file(each.name()), &words, b"").await;
                    for_a_while(seconds(1, 5)).await;
                }
            }
            assert_eq!(keys(&file("c")).await, [new]);
            for_a_while(seconds(1, 5)).await;
        })
        .await;
    all_see_all(&nodes).await;
    let published = publisher.end().await;
    until.send_replace(published);
    patiently("all arrive", async || hearing.is_finished().then_some(())).await;
    assert_eq!(hearing.await.expect("it heard each once, in its order"), published);
    println!("{published} messages while the key was replaced on three nodes");
}

fn write_secret(file: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut opened = options
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(file)
        .expect("a file in the scenario's folder");
    std::io::Write::write_all(&mut opened, SECRET.as_bytes()).expect("it can be written");
}
