//! Prometheus, and what it says of the nodes.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bellwether_tests::Client;
use bellwether_tests::deadline::patiently;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::program::target;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus/alerts.yml");

/// The port of Prometheus.
const PORT: u16 = 9090;

/// Prometheus as it is installed, or as `scripts/install-deploy-tools` has unpacked it, with the rules as they are delivered but for the times that they wait.
pub(super) struct Prometheus {
    _program: Child,
    client: Client,
}

impl Prometheus {
    /// On this address, of these nodes.
    pub(super) async fn watch(folder: &Path, ip: IpAddr, nodes: &[(&str, SocketAddr)]) -> Self {
        let rules = std::fs::read_to_string(RULES).expect("the rules are delivered");
        let hasty: Vec<&str> = rules
            .lines()
            .map(|line| match line.trim_start().starts_with("for:") {
                true => "        for: 1s",
                false => line,
            })
            .collect();
        std::fs::write(folder.join("alerts.yml"), hasty.join("\n")).expect("a file in the test's folder");
        let mut config = "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n\
                          rule_files: [alerts.yml]\n\
                          scrape_configs:\n  - job_name: bellwether\n    honor_labels: true\n    static_configs:\n"
            .to_owned();
        for (name, address) in nodes {
            writeln!(config, "      - {{targets: [\"{address}\"], labels: {{node: {name}}}}}").expect("into memory");
        }
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).expect("a file in the test's folder");
        let address = SocketAddr::new(ip, PORT);
        let program = Command::new(installed().expect("it is installed"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("prometheus").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("prometheus.log")).expect("a file in the test's folder"))
            .kill_on_drop(true)
            .spawn()
            .expect("Prometheus is installed");
        patiently("Prometheus listens", async || {
            tokio::net::TcpStream::connect(address).await.ok()
        })
        .await;
        let mut client = Client::connect(address).await;
        patiently("Prometheus is ready", async || {
            (client.get("/-/ready").await.status == 200).then_some(())
        })
        .await;
        Self {
            _program: program,
            client,
        }
    }

    /// The alerts that fire, each as its name and the node that it is about.
    pub(super) async fn firing(&mut self) -> Vec<(String, String)> {
        let answer: Value = self.client.get("/api/v1/alerts").await.parse();
        let alerts = answer["data"]["alerts"].as_array().expect("a list").iter();
        let text = |alert: &Value, label: &str| alert["labels"][label].as_str().unwrap_or_default().to_owned();
        alerts
            .filter(|alert| alert["state"] == "firing")
            .map(|alert| (text(alert, "alertname"), text(alert, "node")))
            .collect()
    }

    /// Whether every node is scraped.
    pub(super) async fn sees(&mut self, nodes: usize) -> bool {
        let answer: Value = self.client.get("/api/v1/query?query=sum(up)").await.parse();
        let up = answer["data"]["result"][0]["value"][1].as_str();
        up.and_then(|up| up.parse().ok()) == Some(nodes)
    }
}

/// Says so and is false where Prometheus is not installed; panics there in CI.
pub(super) fn is_there() -> bool {
    let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    let is_there = installed().is_some();
    assert!(is_there || !in_ci, "CI must not skip this: Prometheus is not installed");
    if !is_there {
        println!("skipped: Prometheus is not installed; scripts/install-deploy-tools brings it");
    }
    is_there
}

fn installed() -> Option<PathBuf> {
    let unpacked = target().join("deploy-tools/prometheus/usr/bin");
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .chain([unpacked])
        .map(|folder| folder.join("prometheus"));
    found.into_iter().find(|file| file.is_file())
}
