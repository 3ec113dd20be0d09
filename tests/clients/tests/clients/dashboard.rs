//! The dashboard in a real browser, against a real mesh. Pictures of it are kept in `target/screenshots`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bellwether_tests::program::{Finished, bellwether};
use bellwether_tests::{Lab, Process, SECRET};

use crate::phoenix_js::two;
use crate::program::converse;

/// The nodes of a test, which its program may have killed and started again.
struct Stage {
    lab: Lab,
    running: BTreeMap<String, Process>,
    /// Where those that were killed were: for clients, and for nodes.
    gone: BTreeMap<String, (SocketAddr, SocketAddr)>,
}

impl Stage {
    fn new(lab: Lab, nodes: impl IntoIterator<Item = Process>) -> Self {
        let running = nodes.into_iter().map(|node| (node.name().to_owned(), node)).collect();
        let gone = BTreeMap::new();
        Self { lab, running, gone }
    }

    /// Runs a program of `programs/` to its end, with the addresses of all nodes and what else it needs.
    async fn play(mut self, program: &str, further: &[&str]) {
        let urls = self.running.values().map(Process::url);
        let arguments: Vec<String> = urls.chain(further.iter().map(|&word| word.to_owned())).collect();
        converse(program, &arguments, async |verb, node| self.act(verb, node).await).await;
    }

    async fn act(&mut self, verb: &str, name: &str) {
        match verb {
            "kill" => {
                let mut node = self.running.remove(name).expect("it runs");
                self.gone.insert(name.to_owned(), (node.http(), node.mesh()));
                node.kill().await;
            }
            "start" => {
                let (http, mesh) = self.gone.remove(name).expect("it was killed");
                let seed = self.running.values().next().expect("somebody still runs").mesh();
                let node = self.lab.node(name).http(http).listen(mesh).seed(seed);
                self.running.insert(name.to_owned(), node.start().await);
            }
            _ => panic!("`{verb} {name}` is nothing that can be done"),
        }
    }
}

async fn three() -> Stage {
    let lab = Lab::default();
    let nodes = lab.three().await;
    Stage::new(lab, nodes)
}

async fn a_and_b() -> Stage {
    let lab = Lab::default();
    let nodes = two(&lab).await;
    Stage::new(lab, nodes)
}

#[tokio::test]
async fn its_figures_are_those_of_the_metrics() {
    three().await.play("dashboard_figures.mjs", &[]).await;
}

#[tokio::test]
async fn it_sees_nodes_go_and_come_and_outlives_its_own() {
    three().await.play("dashboard_life.mjs", &[]).await;
}

#[tokio::test]
async fn its_tail_is_narrowed_paused_and_followed_and_shows_all_as_text() {
    a_and_b().await.play("dashboard_tail.mjs", &[]).await;
}

#[tokio::test]
async fn alerts_are_taken_up_by_a_click() {
    a_and_b().await.play("dashboard_alerts.mjs", &[]).await;
}

#[tokio::test]
async fn a_node_that_asks_for_a_token_is_shown_one() {
    let lab = Lab::default();
    let policy = lab.folder().join("policy.toml");
    std::fs::write(&policy, "[access]\n").expect("a file in the test's folder");
    let policy = policy.to_str().expect("a path in UTF-8").to_owned();
    let node = lab.node("a").argument("--config").argument(&policy).start().await;
    let mut command = bellwether();
    command.args(["token", "new", "--name", "web", "--look", "--expires", "1h"]);
    command.args(["--allow-subscribe", "*", "--allow-publish", "alerts:*"]);
    command.env("SECRET_KEY_BASE", SECRET);
    let made = Finished::of(&mut command).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let stage = Stage::new(lab, [node]);
    stage.play("dashboard_token.mjs", &[made.stdout.trim()]).await;
}
