//! Nodes with a door for NATS clients.

use std::net::Ipv4Addr;

use bellwether_tests::port;
use bellwether_tests::{Lab, Process, all_see_all};

/// Three that have met, each with its door.
pub(crate) async fn three(lab: &Lab) -> [Process; 3] {
    let start = |name| {
        // Clients are told it, so it must be known before anything listens there.
        let door = format!("127.0.0.1:{}", port::free_on(&[Ipv4Addr::LOCALHOST.into()]));
        lab.node(name).nats(&door).argument("--nats-advertise").argument(&door)
    };
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
