//! Nodes with a door for NATS clients.

use bellwether_tests::{Lab, Process, all_see_all};

/// Three that have met, each with its door.
pub(crate) async fn three(lab: &Lab) -> [Process; 3] {
    let start = |name| lab.node(name).nats("127.0.0.1:0");
    let a = start("a").start().await;
    let (b, c) = tokio::join!(start("b").seed(a.mesh()).start(), start("c").seed(a.mesh()).start(),);
    let nodes = [a, b, c];
    all_see_all(&nodes).await;
    nodes
}

/// Where clients find the door.
pub(crate) fn url(node: &Process) -> String {
    format!("nats://{}", node.nats())
}
