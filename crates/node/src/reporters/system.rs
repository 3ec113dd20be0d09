//! Reports that the node starts and stops, and with what configuration.

use serde_json::json;

use crate::node::Node;

/// The system as it is called in messages.
const SYSTEM: &str = "bellwether";

/// Says `starting`, and once the node has joined `started` and what it runs with. Again whenever the integration is
/// switched on after that: whoever listens then has not heard it.
pub(super) async fn run(node: Node) {
    let mut enabled = node.integration_state().watch_enabled();
    let mut has_joined = false;
    loop {
        if enabled.wait_for(|enabled| *enabled).await.is_err() {
            return std::future::pending().await;
        }
        if !has_joined {
            tell(&node, "starting");
            if let Some(mesh) = node.mesh() {
                mesh.joined().await;
            }
            has_joined = true;
        }
        tell(&node, "started");
        let _ = node
            .integration()
            .broadcast_system_config(SYSTEM, || configuration(&node));
        if enabled.wait_for(|enabled| !*enabled).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// What a failed broadcast means was logged and counted.
pub(super) fn tell(node: &Node, event: &str) {
    if node.integration_state().settings().report_system {
        let _ = node
            .integration()
            .broadcast_system_lifecycle(event, SYSTEM, env!("CARGO_PKG_VERSION"));
    }
}

fn configuration(node: &Node) -> serde_json::Value {
    json!({
        "mode": if node.is_signed() { "cluster" } else { "single" },
        "node": node.id(),
        "epoch": node.epoch(),
        "components": bellwether_message::Instance::COUNT,
        "listen": node.listen_addr().map(|address| address.to_string()),
        "members": node.members().len(),
    })
}
