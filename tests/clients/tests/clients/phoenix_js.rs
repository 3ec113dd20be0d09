//! phoenix.js, the client of Phoenix channels, in Node.js.

use std::time::Duration;

use bellwether_tests::{Lab, Process, all_see_all};

use crate::program::node_js;

/// Numbers that are published while a node comes and goes.
const NUMBERS: u64 = 400;

#[tokio::test]
async fn what_clients_do_every_day_works_across_nodes() {
    let lab = Lab::default();
    let [a, b] = two(&lab).await;
    node_js("phoenix_everyday.cjs", &[&a.url(), &b.url()]).await;
}

#[tokio::test]
async fn a_client_whose_node_is_killed_and_comes_back_gets_everything_once() {
    resumes("kill").await;
}

#[tokio::test]
async fn a_client_whose_node_is_restarted_in_good_order_gets_everything_once() {
    resumes("term").await;
}

#[tokio::test]
async fn a_client_leaves_a_node_that_answers_no_heartbeat_and_comes_back() {
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    node_js("phoenix_frozen.cjs", &[&a.url(), &a.pid().to_string()]).await;
}

#[tokio::test]
async fn a_client_that_is_stuck_costs_only_itself() {
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    node_js("phoenix_stuck.cjs", &[&a.url()]).await;
}

/// Two nodes that have met.
pub(crate) async fn two(lab: &Lab) -> [Process; 2] {
    let a = lab.node("a").start().await;
    let b = lab.node("b").seed(a.mesh()).start().await;
    let nodes = [a, b];
    all_see_all(&nodes).await;
    nodes
}

/// Goal: a client that gives `since` misses nothing and gets nothing twice. Method: b publishes numbers without a pause; the
/// client's node a goes in the middle, and is started again on the same ports.
async fn resumes(how: &str) {
    let lab = Lab::default();
    let [mut a, b] = two(&lab).await;
    let mut control = b.client().await.subscribe(&["events/control"]).await;
    let (url, http, mesh) = (a.url(), a.http(), a.mesh());
    let numbers = NUMBERS.to_string();
    let arguments = [url.as_str(), numbers.as_str()];
    let client = node_js("phoenix_resumes.cjs", &arguments);
    let publishing = async {
        assert_eq!(control.message().await.event, "joined");
        let mut publisher = b.client().await;
        for n in 0..NUMBERS {
            let number = format!(r#"{{"n":{n}}}"#);
            let path = "/v1/publish/events/numbers?event=number";
            let answer = publisher.post(path, "application/json", number).await;
            assert_eq!(answer.status, 200);
            // So that the restart is in their midst.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let restarting = async {
        let mut control = b.client().await.subscribe(&["events/control"]).await;
        while control.message().await.event != "restart" {}
        if how == "kill" {
            a.kill().await;
        } else {
            a.terminate().await;
        }
        lab.node("a").http(http).listen(mesh).seed(b.mesh()).start().await
    };
    let ((), (), _a) = tokio::join!(client, publishing, restarting);
}
