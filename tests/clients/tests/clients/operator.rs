//! What a new operator lives through, with what is delivered: three hosts, each with a network and a supervisor of its own;
//! Prometheus and a browser on a fourth.

mod load;
mod prometheus;
mod supervisor;

use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bellwether_tests::deadline::patiently;
use bellwether_tests::program::{Finished, bellwether};
use bellwether_tests::{Client, Member, Net};
use serde_json::Value;
use tempfile::TempDir;

use self::load::Publisher;
use self::prometheus::Prometheus;
use self::supervisor::Service;
use crate::program::converse;

const HOSTS: [&str; 3] = ["a", "b", "c"];
/// Where the operator sits.
const DESK: &str = "desk";
const HTTP_PORT: u16 = 7480;
/// Between the steps of the replacement, so that there is a load before, between and after them.
const AMONG: Duration = Duration::from_secs(1);

/// The hosts and what runs on them.
struct House {
    net: Net,
    folder: TempDir,
    services: [Service; 3],
}

impl House {
    /// Three nodes with one secret, as the README has them started.
    async fn build(net: Net) -> Self {
        let folder = TempDir::with_prefix("bellwether-test-").expect("a temporary folder");
        let secret = new_secret().await;
        let seed = net.address(HOSTS[0]).to_string();
        let services = HOSTS.map(|host| {
            let (listen, http) = (net.address(host).to_string(), http(&net, host).to_string());
            let mut arguments = vec!["--listen", &listen, "--http", &http, "--insecure-doors"];
            if host != HOSTS[0] {
                arguments.extend(["--seed", &seed]);
            }
            let file = secret_file(folder.path(), host);
            write_secret(&file, &secret);
            Service::start(&net, host, &arguments, &file, folder.path())
        });
        Self { net, folder, services }
    }

    fn url(&self, host: &str) -> String {
        format!("http://{}", http(&self.net, host))
    }

    fn service(&self, host: &str) -> &Service {
        let index = HOSTS.iter().position(|each| *each == host);
        &self.services[index.expect("it is one of the three")]
    }

    async fn members(&self, host: &str) -> Vec<Member> {
        Client::connect(http(&self.net, host)).await.list("/v1/members").await
    }

    async fn epoch(&self, host: &str) -> u64 {
        let members = self.members(host).await;
        members
            .iter()
            .find(|member| member.state == "self")
            .expect("it knows itself")
            .epoch
    }

    async fn all_see_all(&self) {
        for host in HOSTS {
            patiently(&format!("{host} is linked with all others"), async || {
                let members = self.members(host).await;
                (members.iter().filter(|member| member.is_linked()).count() == HOSTS.len()).then_some(())
            })
            .await;
        }
    }

    /// The ids of the keys of a node, the signing one first.
    async fn keys(&self, host: &str) -> Vec<String> {
        let listed = self.key_command(host, &["list", "--format", "json"], b"").await;
        let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
        let keys = listed.as_array().expect("a list").iter();
        keys.map(|key| key["key"].as_str().expect("an id").to_owned()).collect()
    }

    async fn key_command(&self, host: &str, words: &[&str], input: &[u8]) -> Finished {
        let mut command = bellwether();
        command.arg("keys").args(words);
        command.arg("--file").arg(secret_file(self.folder.path(), host));
        if words[0] != "list" {
            command.args(["--node", &self.url(host)]);
        }
        let finished = Finished::reading(&mut command, input).await;
        finished.expect(0, &[]);
        finished
    }

    /// Gives the mesh another secret while a load passes from a to c, all of which must arrive.
    async fn replace_the_key(&self) {
        let (hearing, until) = load::hear(&self.net, "c", &self.url("c"));
        patiently("somebody listens", async || {
            let mut a = Client::connect(http(&self.net, "a")).await;
            let subscribers = a.get("/v1/subscribers?instance=events").await;
            subscribers.body.contains("load:*").then_some(())
        })
        .await;
        let mut publisher = Publisher::start(&self.net, "a", &self.url("a"));
        let old = self.keys("a").await.remove(0);
        let secret = new_secret().await;
        let began = Instant::now();
        publisher
            .publish_while(async {
                for host in HOSTS {
                    self.key_command(host, &["add"], secret.as_bytes()).await;
                }
                let keys = self.keys("a").await;
                let new = keys.into_iter().find(|id| *id != old).expect("two keys");
                for words in [["promote", &new], ["remove", &old]] {
                    for host in HOSTS {
                        self.key_command(host, &words, b"").await;
                        tokio::time::sleep(AMONG).await;
                    }
                }
                assert_eq!(self.keys("c").await, [new]);
                tokio::time::sleep(AMONG).await;
            })
            .await;
        let published = publisher.end().await;
        let seconds = began.elapsed().as_secs_f64();
        until.send_replace(published);
        patiently("all arrive", async || hearing.is_finished().then_some(())).await;
        assert_eq!(hearing.await.expect("it heard each once, in its order"), published);
        println!("{published} messages in {seconds:.1} s, while the key was replaced on three nodes");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!("--- the logs of the hosts are in {}", self.folder.path().display());
        }
    }
}

#[tokio::test]
async fn a_host_is_lost_and_seen_and_the_key_is_replaced_under_load_and_nothing_is_lost() {
    if !prometheus::is_there() {
        return;
    }
    let Some(net) = Net::of(&[HOSTS[0], HOSTS[1], HOSTS[2], DESK]) else {
        return;
    };
    net.enter(DESK);
    let mut house = House::build(net).await;
    for host in HOSTS {
        house.service(host).serves(1).await;
    }
    house.all_see_all().await;

    let before = house.epoch("b").await;
    house.service("b").crash().await;
    house.service("b").serves(2).await;
    house.all_see_all().await;
    assert!(house.epoch("b").await > before, "its supervisor has started it again");

    let watched = HOSTS.map(|host| (host, http(&house.net, host)));
    let mut prometheus = Prometheus::watch(house.folder.path(), house.net.ip(DESK), &watched).await;
    patiently("all are scraped", async || prometheus.sees(3).await.then_some(())).await;
    nothing_fires(&mut prometheus).await;

    converse("operator.mjs", &[house.url("a")], async |verb, host| match verb {
        "power-off" => {
            house.service(host).power_off().await;
            let down = ("BellwetherNodeDown".to_owned(), host.to_owned());
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
        }
        "power-on" => {
            house.service(host).power_on().await;
            house.service(host).serves(3).await;
            house.all_see_all().await;
            nothing_fires(&mut prometheus).await;
        }
        "replace-key-under" => {
            assert_eq!(host, "load");
            house.replace_the_key().await;
            house.all_see_all().await;
            nothing_fires(&mut prometheus).await;
        }
        _ => panic!("`{verb} {host}` is nothing that can be done"),
    })
    .await;

    for service in &mut house.services {
        service.stop().await;
    }
}

async fn nothing_fires(prometheus: &mut Prometheus) {
    let mut said = Vec::new();
    patiently("nothing fires", async || {
        let firing = prometheus.firing().await;
        if firing != said {
            println!("fires: {firing:?}");
            said.clone_from(&firing);
        }
        firing.is_empty().then_some(())
    })
    .await;
}

async fn new_secret() -> String {
    let mut command = bellwether();
    command.args(["secret", "new"]);
    let made = Finished::of(&mut command).await;
    made.expect(0, &[]);
    made.stdout.trim().to_owned()
}

fn http(net: &Net, host: &str) -> SocketAddr {
    SocketAddr::new(net.ip(host), HTTP_PORT)
}

fn secret_file(folder: &Path, host: &str) -> PathBuf {
    folder.join(format!("{host}.secret"))
}

fn write_secret(file: &Path, secret: &str) {
    let mut options = std::fs::OpenOptions::new();
    let opened = options.create_new(true).write(true).mode(0o600).open(file);
    let mut opened = opened.expect("a file in the test's folder");
    std::io::Write::write_all(&mut opened, secret.as_bytes()).expect("it can be written");
}
